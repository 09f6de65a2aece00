"""Who sits in a session's live view, and what follows when control goes from one to another."""

from collections.abc import Iterable
from typing import Final, Protocol

from cloche.audit.model import AuditRecord
from cloche.live.messages import (
    ControlMessage,
    GiveControl,
    RefuseControl,
    ReleaseControl,
    Rename,
    RequestControl,
    TakeControl,
)
from cloche.live.metrics import LiveMetrics
from cloche.live.model import Right
from cloche.sessions.auditing import LINK, SERVER, session_record
from cloche.sessions.browsing.pausing import Pausing
from cloche.sessions.events import Data
from cloche.sessions.live.control import Control, ControlTimes, Notice, Standing
from cloche.sessions.live.interface import ControlState, ViewerInfo
from cloche.sessions.live.seats import Seat, clean_name
from cloche.sessions.model import EventType, Session

ACTED: Final = "acted"
TAKEN: Final = "taken"
REQUESTED: Final = "requested"
GIVEN: Final = "given"
REFUSED: Final = "refused"
RELEASED: Final = "released"
TIMED_OUT: Final = "timed_out"
LEFT: Final = "left"
PROGRAM_ACTS: Final = "program_acts"
_BY_PERSONS: Final = (ControlState.VIEWER, ControlState.TAKEN)


class RoomOwner(Protocol):
    """The service."""

    def now(self) -> float: ...

    def current(self) -> Session: ...

    def note(self, record: AuditRecord) -> None: ...

    def report(self, type_: EventType, data: Data) -> None: ...

    def holder_changed(self) -> None:
        """Other hands may act now, or none."""
        ...

    def control_changed(self) -> None: ...

    def viewers_changed(self) -> None: ...


class Room:
    """Owned by the live service."""

    def __init__(self, owner: RoomOwner, times: ControlTimes, pausing: Pausing, metrics: LiveMetrics) -> None:
        self.seats: dict[str, Seat] = {}
        self._owner = owner
        self._control = Control(times)
        self._pausing = pausing
        self._metrics = metrics
        self._last = Standing(ControlState.FREE)

    @property
    def standing(self) -> Standing:
        """As it was last told; `settle` brings it up to date."""
        return self._last

    def infos(self) -> tuple[ViewerInfo, ...]:
        standing = self._last
        return tuple(
            seat.info(has_control=seat.id == standing.holder, wants_control=seat.id in standing.requests)
            for seat in self.seats.values()
        )

    # --- coming and going -------------------------------------------------------------------------------------------

    def enter(self, seat: Seat) -> None:
        self.seats[seat.id] = seat
        self._control.joined(seat.id, may_control=seat.right is Right.CONTROL)
        self._owner.viewers_changed()

    def leave(self, seat: Seat) -> None:
        self.seats.pop(seat.id, None)
        seat.left()
        self._control.left(seat.id, self._owner.now())
        self._follow(LEFT, seat)
        self._owner.viewers_changed()

    # --- control ----------------------------------------------------------------------------------------------------

    def may_act(self, seat: Seat) -> str:
        """Whether the seat's hands may do something; else the code of a notice."""
        refused = self._control.act(seat.id, self._owner.now())
        self._follow(ACTED, seat)
        return refused

    def take(self, seat: Seat, message: ControlMessage) -> None:
        if not seat.may_change_control():
            return
        if isinstance(message, Rename):
            seat.name = clean_name(message.name)
            self._owner.viewers_changed()
            return
        now, change, notices = self._owner.now(), "", list[Notice]()
        match message:
            case RequestControl():
                change, notices = REQUESTED, self._control.request(seat.id, now)
            case TakeControl():
                change, notices = TAKEN, self._control.take(seat.id, now)
            case GiveControl(to=to):
                change, notices = GIVEN, self._control.give(seat.id, to, now)
            case RefuseControl(to=to):
                change, notices = REFUSED, self._control.refuse(seat.id, to, now)
            case ReleaseControl():
                change, notices = RELEASED, self._control.release(seat.id, now)
        if not any(notice.to == seat.id for notice in notices):
            self._metrics.control_changed(change)
        self._tell(notices)
        self._follow(change, seat)

    def force(self, seat: Seat, by: str) -> None:
        """Give a seat that may act control, on an owner's word."""
        self._metrics.control_changed(GIVEN)
        self._tell(self._control.force(seat.id, self._owner.now()))
        self._follow(GIVEN, seat, by=by)

    def free(self, by: str) -> None:
        self._metrics.control_changed(RELEASED)
        self._control.free()
        self._follow(RELEASED, None, by=by)

    def agent_began(self) -> None:
        self._control.agent_began(self._owner.now())
        self._follow(PROGRAM_ACTS, None)

    def agent_ended(self) -> None:
        self._control.agent_ended(self._owner.now())
        self._follow(PROGRAM_ACTS, None)

    def settle(self, clients: int) -> None:
        """Have come true what time brings, and what is known of DevTools clients."""
        self._control.clients_are(clients, self._owner.now())
        has_holder = bool(self._last.holder)
        drives = self._control.standing(self._owner.now()).state is ControlState.AGENT
        self._follow(PROGRAM_ACTS if drives else TIMED_OUT, None)
        if has_holder and not self._last.holder:
            self._metrics.control_changed(TIMED_OUT)

    def _tell(self, notices: Iterable[Notice]) -> None:
        for notice in notices:
            if (seat := self.seats.get(notice.to)) is not None:
                seat.notice(notice.code, **({"viewer_id": notice.viewer_id} if notice.viewer_id else {}))

    def _follow(self, change: str, seat: Seat | None, *, by: str = "") -> None:
        """See what has become of control, and do what follows."""
        before, after = self._last, self._control.standing(self._owner.now())
        if before == after:
            return
        self._last = after
        if after.holder != before.holder:
            self._owner.holder_changed()
        if after.state is not before.state:
            if after.state is ControlState.TAKEN:
                self._pausing.pause()
            else:
                self._pausing.resume()
        is_about_persons = before.state in _BY_PERSONS or after.state in _BY_PERSONS
        if is_about_persons and (after.state, after.holder) != (before.state, before.holder):
            self._write_down(change, before, after, seat, by)
        self._owner.viewers_changed()
        self._owner.control_changed()

    def _write_down(self, change: str, before: Standing, after: Standing, seat: Seat | None, by: str) -> None:
        viewer = after.holder or before.holder
        data: dict[str, str] = {"viewer": viewer, "change": change, "state": str(after.state)}
        actor = by or (actor_of(seat) if seat is not None else SERVER)
        self._owner.note(session_record("live.control", self._owner.current(), actor=actor, data=data | facts_of(seat)))
        self._owner.report(EventType.LIVE_CONTROL, {"by": actor, **data})


def actor_of(seat: Seat) -> str:
    return seat.principal.name if seat.principal is not None else LINK


def facts_of(seat: Seat | None) -> dict[str, str]:
    """What the journal says of a viewer."""
    if seat is None:
        return {}
    return {"right": str(seat.right), "transport": str(seat.transport or "")}
