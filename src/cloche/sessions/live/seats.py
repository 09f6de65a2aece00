"""One viewer's place in a session, from its joining to its end."""

import asyncio
from datetime import datetime
from time import monotonic
from typing import Any, Final, Protocol

from cloche.live.input.rate import MessageRate, Verdict, is_release
from cloche.live.messages import BrowserMessage, ControlMessage, InputMessage, Report
from cloche.live.metrics import LiveMetrics
from cloche.live.model import Codec, Transport
from cloche.live.watching import Subscription
from cloche.sessions.live.interface import Joining, LeaveReason, LiveNews, LiveSeat, ViewerInfo
from cloche.sessions.live.news import News

NOTICE_EVERY_S: Final = 3.0
"""The same again no sooner: hands that may not act make sixty messages a second."""
REPEATED: Final = frozenset(
    {"agent_driving", "not_holder", "view_only", "clipboard_off", "domain_not_allowed", "too_many_messages"}
)
MAX_NAME_CHARS: Final = 64
MAX_REASON_CHARS: Final = 64
CONTROL_BURST: Final = 10
CONTROL_PER_S: Final = 1.0
"""Changes of control, and of names, are written down and told to all."""

MESSAGES: Final = {
    "agent_driving": "A program is driving. Take control first.",
    "not_holder": "Somebody else has control.",
    "view_only": "This link is for watching only.",
    "control_requested": "Somebody asks for control.",
    "control_refused": "Control was not given.",
    "control_taken": "Somebody has taken control.",
    "control_given": "You have control.",
    "holder_active": "Whoever has control is at work.",
    "clipboard_off": "This session keeps its clipboard to itself.",
    "navigation_failed": "The page could not be opened.",
    "domain_not_allowed": "This page is outside of what the session may act on.",
    "tab_limit": "As many tabs are open as the session may have.",
    "too_many_messages": "Too much at once; some of it was left out.",
}

Message = InputMessage | BrowserMessage | ControlMessage


class SeatOwner(Protocol):
    """The service."""

    def took(self, seat: "Seat", message: Message) -> None: ...

    def pictures_for(self, codec: Codec, *, max_fps: float, acknowledges: bool) -> Subscription: ...

    def viewers_changed(self) -> None: ...


class Seat(LiveSeat):
    """See `sessions.live.interface.LiveSeat`. Owned by the service."""

    def __init__(
        self, seat_id: str, joining: Joining, joined_at: datetime, owner: SeatOwner, metrics: LiveMetrics
    ) -> None:
        self.id = seat_id
        self.right = joining.right
        self.principal = joining.principal
        self.expires_at = joining.expires_at
        self.ended: asyncio.Future[LeaveReason] = asyncio.get_running_loop().create_future()
        self.out = News()
        self.name = clean_name(joining.name)
        self.transport: Transport | None = None
        self.removed_by = ""
        """Which principal has ended it, where one has."""
        self._joined_at = joined_at
        self._codec: Codec | None = None
        self._fallback_reason = ""
        self._report = Report()
        self._is_gone = False
        self._owner = owner
        self._metrics = metrics
        self._rate = MessageRate()
        self._control_left, self._control_at = float(CONTROL_BURST), monotonic()
        self._told_at: dict[str, float] = {}
        if joining.transport is not None:
            self.transport_is(joining.transport, None)

    # --- for the door (LiveSeat) ------------------------------------------------------------------------------------

    def take(self, message: Message) -> None:
        if self.ended.done():
            return
        verdict = self._rate.message(monotonic())
        if verdict is Verdict.FLOOD:
            self.end(LeaveReason.FLOOD)
            return
        if verdict is Verdict.DROP:
            self._metrics.malformed("flood")
            self.notice("too_many_messages")
            if not isinstance(message, InputMessage) or not is_release(message):
                return
        self._owner.took(self, message)

    def dropped(self, why: str) -> None:
        self._metrics.malformed(why)
        if self._rate.malformed(monotonic()) is Verdict.FLOOD:
            self.end(LeaveReason.FLOOD)

    def watch(self, codec: Codec, *, max_fps: float = 0, acknowledges: bool = False) -> Subscription:
        return self._owner.pictures_for(codec, max_fps=max_fps, acknowledges=acknowledges)

    def transport_is(self, transport: Transport | None, codec: Codec | None, fallback_reason: str = "") -> None:
        if self._is_gone:
            return
        self._metrics.transport_changed(self.transport, transport)
        if fallback_reason and fallback_reason != self._fallback_reason:
            self._metrics.fell_back(fallback_reason)
        self.transport, self._codec = transport, codec
        self._fallback_reason = fallback_reason[:MAX_REASON_CHARS]
        self._owner.viewers_changed()

    def reported(self, report: Report) -> None:
        self._report = report
        if self.transport is not None:
            self._metrics.reported(self.transport, report)
        self._owner.viewers_changed()

    async def news(self) -> LiveNews:
        return await self.out.take()

    # --- for the service --------------------------------------------------------------------------------------------

    def end(self, reason: LeaveReason) -> None:
        if not self.ended.done():
            self.ended.set_result(reason)

    def left(self) -> None:
        """It is no more. Any number of times."""
        if not self._is_gone:
            self._is_gone = True
            self._metrics.transport_changed(self.transport, None)

    def notice(self, code: str, *, detail: str = "", **fields: Any) -> None:
        """Tell the viewer why something was not done, or what became of control. What hands can cause at any rate is
        told now and then."""
        now = monotonic()
        if code in REPEATED:
            if now - self._told_at.get(code, float("-inf")) < NOTICE_EVERY_S:
                return
            self._told_at[code] = now
        self.out.tell("notice", {"code": code, "message": detail or MESSAGES[code], **fields})

    def may_change_control(self) -> bool:
        """Take one from what it may change; False, and told, when there is none left."""
        now = monotonic()
        self._control_left = min(CONTROL_BURST, self._control_left + (now - self._control_at) * CONTROL_PER_S)
        self._control_at = now
        if self._control_left < 1:
            self._metrics.malformed("flood")
            self.notice("too_many_messages")
            return False
        self._control_left -= 1
        return True

    def info(self, *, has_control: bool, wants_control: bool) -> ViewerInfo:
        return ViewerInfo(
            id=self.id,
            name=self.name,
            right=self.right,
            has_control=has_control,
            wants_control=wants_control,
            joined_at=self._joined_at,
            transport=self.transport,
            codec=self._codec,
            fallback_reason=self._fallback_reason,
            fps=self._report.fps,
            rtt_ms=self._report.rtt_ms,
            frame_age_ms=self._report.frame_age_ms,
            bits_per_second=self._report.bits_per_second,
            dropped=self._report.dropped,
        )


def clean_name(name: str) -> str:
    """As it may be shown to others: printable, on one line, in bounds."""
    return " ".join("".join(c if c.isprintable() else " " for c in name[: 4 * MAX_NAME_CHARS]).split())[:MAX_NAME_CHARS]
