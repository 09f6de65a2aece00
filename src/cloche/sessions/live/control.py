"""Who may act in a session: nobody in particular, a program, a person for a moment, or one who has taken it. Pure.

Time is an argument, in monotonic seconds. Every change says what single viewers are to be told; what it did to the
whole is in `standing`. docs/reference/live-protocol.md describes it.
"""

from dataclasses import dataclass
from typing import Final

from cloche.sessions.live.interface import ControlState

AGENT_DRIVING: Final = "agent_driving"
NOT_HOLDER: Final = "not_holder"
VIEW_ONLY: Final = "view_only"
CONTROL_REQUESTED: Final = "control_requested"
CONTROL_REFUSED: Final = "control_refused"
CONTROL_TAKEN: Final = "control_taken"
CONTROL_GIVEN: Final = "control_given"
HOLDER_ACTIVE: Final = "holder_active"
MAX_REQUESTS: Final = 64


@dataclass(frozen=True, slots=True)
class ControlTimes:
    """In seconds."""

    viewer_idle: float = 10.0
    """After its last input, who merely acted has control no longer."""
    taken_idle: float = 300.0
    """Likewise who has taken it."""
    agent: float = 5.0
    """After its last action a program is still taken to be driving."""
    holder_idle: float = 30.0
    """Who has taken control and did nothing for so long can have it taken away by another viewer."""
    leave_grace: float = 10.0
    """Control that was taken is kept for so long when its holder has left, so that a program does not go on at once
    when a person's network breaks off. A new place is another viewer, who may take it at once."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What one viewer is to be told."""

    to: str
    code: str
    viewer_id: str = ""
    """Whom it is about."""


@dataclass(frozen=True, slots=True)
class Standing:
    state: ControlState
    holder: str = ""
    requests: tuple[str, ...] = ()


class Control:
    """Of one session. Viewers are known from `joined` to `left`."""

    def __init__(self, times: ControlTimes | None = None) -> None:
        self._times = times or ControlTimes()
        self._may: dict[str, bool] = {}
        self._holder = ""
        self._is_taken = False
        self._touched_at = 0.0
        self._left_at: float | None = None
        self._requests: list[str] = []
        self._under_way = 0
        self._agent_until = float("-inf")
        self._clients = 0

    # --- who is there -----------------------------------------------------------------------------------------------

    def joined(self, viewer_id: str, *, may_control: bool) -> None:
        self._may[viewer_id] = may_control

    def left(self, viewer_id: str, now: float) -> None:
        self._may.pop(viewer_id, None)
        self._forget_request(viewer_id)
        if viewer_id == self._holder:
            if self._is_taken:
                self._left_at = now
            else:
                self._free()

    def agent_began(self, now: float) -> None:
        """A program's action has begun."""
        self._under_way += 1
        self._settle(now)

    def agent_ended(self, now: float) -> None:
        self._under_way -= 1
        self._agent_until = now + self._times.agent
        self._settle(now)

    def clients_are(self, count: int, now: float) -> None:
        """So many DevTools clients are attached. What they do is not seen, so they count as driving."""
        self._clients = count
        self._settle(now)

    # --- what viewers do --------------------------------------------------------------------------------------------

    def act(self, viewer_id: str, now: float) -> str:
        """Whether a viewer's hands may do something now; if not, why: the code of a notice. Empty: they may."""
        if not self._may.get(viewer_id, False):
            return VIEW_ONLY
        match self.standing(now):
            case Standing(holder=holder) if holder == viewer_id:
                self._touched_at = now
            case Standing(state=ControlState.FREE):
                self._have(viewer_id, now, is_taken=False)
            case Standing(state=ControlState.AGENT):
                return AGENT_DRIVING
            case _:
                return NOT_HOLDER
        return ""

    def take(self, viewer_id: str, now: float) -> list[Notice]:
        if not self._may.get(viewer_id, False):
            return [Notice(viewer_id, VIEW_ONLY)]
        self._settle(now)
        is_held = self._is_taken and self._holder != viewer_id and self._left_at is None
        if is_held and now - self._touched_at < self._times.holder_idle:
            return [Notice(viewer_id, HOLDER_ACTIVE, self._holder)]
        return self._taken_by(viewer_id, now)

    def request(self, viewer_id: str, now: float) -> list[Notice]:
        """Ask whoever has control; where nobody has it, that is to take it."""
        if not self._may.get(viewer_id, False):
            return [Notice(viewer_id, VIEW_ONLY)]
        standing = self.standing(now)
        if standing.state is ControlState.AGENT:
            return [Notice(viewer_id, AGENT_DRIVING)]
        if not standing.holder or self._left_at is not None:
            return self._taken_by(viewer_id, now)
        if viewer_id == self._holder or viewer_id in self._requests or len(self._requests) >= MAX_REQUESTS:
            return []
        self._requests.append(viewer_id)
        return [Notice(self._holder, CONTROL_REQUESTED, viewer_id)]

    def give(self, viewer_id: str, to: str, now: float) -> list[Notice]:
        self._settle(now)
        if viewer_id != self._holder:
            return [Notice(viewer_id, NOT_HOLDER)]
        if to == viewer_id or to not in self._may:
            return []
        if not self._may[to]:
            return [Notice(viewer_id, VIEW_ONLY, to)]
        self._have(to, now, is_taken=self._is_taken)
        return [Notice(to, CONTROL_GIVEN, viewer_id)]

    def refuse(self, viewer_id: str, to: str, now: float) -> list[Notice]:
        self._settle(now)
        if viewer_id != self._holder:
            return [Notice(viewer_id, NOT_HOLDER)]
        if to not in self._requests:
            return []
        self._requests.remove(to)
        return [Notice(to, CONTROL_REFUSED, viewer_id)]

    def release(self, viewer_id: str, now: float) -> list[Notice]:
        self._settle(now)
        if viewer_id != self._holder:
            return [Notice(viewer_id, NOT_HOLDER)]
        self._free()
        return []

    # --- what owners do, over the API -------------------------------------------------------------------------------

    def may_control(self, viewer_id: str) -> bool | None:
        """None: there is no such viewer."""
        return self._may.get(viewer_id)

    def force(self, viewer_id: str, now: float) -> list[Notice]:
        """Have a viewer, who is there and may, take it from whoever has it."""
        notices = self._taken_by(viewer_id, now)
        return [*notices, Notice(viewer_id, CONTROL_GIVEN)]

    def free(self) -> None:
        self._free()

    # --- what has become of it --------------------------------------------------------------------------------------

    def standing(self, now: float) -> Standing:
        self._settle(now)
        if self._holder:
            state = ControlState.TAKEN if self._is_taken else ControlState.VIEWER
        else:
            state = ControlState.AGENT if self._agent_drives(now) else ControlState.FREE
        return Standing(state, self._holder, tuple(self._requests))

    def _settle(self, now: float) -> None:
        """Have come true what time brings."""
        if not self._holder:
            return
        if self._is_taken:
            is_idle = now - self._touched_at >= self._times.taken_idle
            if is_idle or (self._left_at is not None and now - self._left_at >= self._times.leave_grace):
                self._free()
        elif now - self._touched_at >= self._times.viewer_idle or self._agent_drives(now):
            self._free()

    def _agent_drives(self, now: float) -> bool:
        return self._under_way > 0 or self._clients > 0 or now < self._agent_until

    def _taken_by(self, viewer_id: str, now: float) -> list[Notice]:
        previous = self._holder
        self._have(viewer_id, now, is_taken=True)
        if previous in ("", viewer_id) or previous not in self._may:
            return []
        return [Notice(previous, CONTROL_TAKEN, viewer_id)]

    def _have(self, viewer_id: str, now: float, *, is_taken: bool) -> None:
        self._holder, self._is_taken = viewer_id, is_taken
        self._touched_at, self._left_at = now, None
        self._forget_request(viewer_id)

    def _free(self) -> None:
        self._holder, self._is_taken, self._left_at = "", False, None
        self._requests.clear()

    def _forget_request(self, viewer_id: str) -> None:
        if viewer_id in self._requests:
            self._requests.remove(viewer_id)
