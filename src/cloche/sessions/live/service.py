"""A session's live view: who watches, who acts, what they are told. Works only while somebody is there."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any, Final, Protocol

from cloche.audit.model import AuditRecord
from cloche.browser.session_browser import Browser
from cloche.clock import Clock
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import BusyError, DeniedError, GoneError, NotFoundError
from cloche.live.input.rate import is_release
from cloche.live.messages import ControlMessage, InputMessage, MouseMove
from cloche.live.metrics import LiveMetrics
from cloche.live.model import Codec, Right
from cloche.live.watching import Subscription
from cloche.sessions.audit import AuditWriter
from cloche.sessions.auditing import session_record
from cloche.sessions.browsing.pausing import ActionWatcher, Pausing
from cloche.sessions.events import Data
from cloche.sessions.keeping import Kept
from cloche.sessions.live.arrivals import Arrivals
from cloche.sessions.live.input_kinds import kind_of
from cloche.sessions.live.interface import (
    Joining,
    LeaveReason,
    LiveSeat,
    LiveState,
    RecordingInfo,
    RecordingRequest,
    SessionLive,
)
from cloche.sessions.live.link import Dials
from cloche.sessions.live.options import LiveOptions, MakePictures, Pictures
from cloche.sessions.live.recorder import NoRecorder, Recorder
from cloche.sessions.live.room import Room, RoomOwner, actor_of, facts_of
from cloche.sessions.live.screen import Screen, ScreenOwner
from cloche.sessions.live.seats import Message, Seat, SeatOwner
from cloche.sessions.live.telling import CONTROL, VIEWERS, Telling
from cloche.sessions.model import EventType, Session
from cloche.sessions.principal import Principal

TICK_S: Final = 1.0
SERVER_STOPPING: Final = "server_stopping"
RETRY_AFTER_S: Final = 10


class UsedBrowser(Protocol):
    """What is asked of the session's `BrowserService`."""

    pausing: Pausing

    @property
    def connected(self) -> Browser | None: ...


class LiveOwner(Dials, Protocol):
    """What a runner does for its live view."""

    end_reason: str

    @property
    def browsing(self) -> UsedBrowser: ...

    def current(self) -> Session: ...

    def require_staying(self) -> None: ...

    def actions_changed(self, change: int) -> None: ...

    def report(self, type_: EventType, data: Data | None = None) -> object: ...


class LiveService(Kept, SessionLive, SeatOwner, RoomOwner, ScreenOwner, ActionWatcher):
    """See `sessions.live.interface.SessionLive`. A part of the runner's `Keeping`, its last."""

    def __init__(
        self,
        session: Session,
        owner: LiveOwner,
        *,
        options: LiveOptions,
        make_pictures: MakePictures,
        clock: Clock,
        metrics: LiveMetrics,
        audit: AuditWriter,
    ) -> None:
        self.recorder: Recorder = NoRecorder()
        """Set once, before the session begins."""
        self._owner = owner
        self._options = options
        self._clock = clock
        self._metrics = metrics
        self._audit = audit
        self._room = Room(self, options.control, owner.browsing.pausing, metrics)
        self._screen = Screen(
            session,
            owner,
            self,
            browser=lambda: owner.browsing.connected,
            clipboard=options.clipboard,
            make_pictures=make_pictures,
            clock=clock,
        )
        self._telling = Telling(
            lambda: self._room.seats.values(),
            {
                VIEWERS: self._room.infos,
                "recording": self._recording_now,
                "clipboard": lambda: options.clipboard,
                **self._screen.fields,
            },
            self._control_of,
        )
        self._arrivals = Arrivals()
        self._coming = self._numbers = self._ticks = 0
        self._ticking: asyncio.Task[None] | None = None
        self._ended: LeaveReason | None = None
        owner.browsing.pausing.watcher = self

    @property
    def pictures(self) -> Pictures:
        """For the recorder, which watches like a viewer."""
        return self._screen.pictures

    def wanted(self) -> AbstractContextManager[None]:
        """For the recorder: have the browser looked at for as long as the block lasts."""
        return self._screen.link.wanted()

    # --- for the runner (Kept) --------------------------------------------------------------------------------------

    @property
    def is_at_work(self) -> bool:
        return self.recorder.current is not None

    async def furnish(self) -> None:
        """Nothing: it works only while somebody is there."""

    async def begin(self) -> None:
        with self._screen.link.ahead():
            await self.recorder.begin()

    def browser_came(self) -> None:
        self._screen.link.browser_came()

    def browser_went(self) -> None:
        self._screen.link.browser_went()

    async def save(self, reason: str) -> None:
        self._end(reason)
        await self.recorder.finish(reason)

    async def close(self) -> None:
        self._end(self._owner.end_reason)
        await cancel_and_wait(self._ticking)
        await self.recorder.close()
        await self._screen.close()
        self._telling.close()

    def _end(self, reason: str) -> None:
        """Have everybody leave; nobody comes any more."""
        why = LeaveReason.SERVER_STOPPING if reason == SERVER_STOPPING else LeaveReason.SESSION_ENDED
        self._ended = self._ended or why
        for seat in self._room.seats.values():
            seat.end(self._ended)
        self._owner.browsing.pausing.resume()

    def _require_going_on(self) -> None:
        self._owner.require_staying()
        if self._ended is not None:
            raise GoneError("the session has ended", reason=self._owner.end_reason or str(self._ended))

    # --- for the doors (SessionLive) --------------------------------------------------------------------------------

    @asynccontextmanager
    async def join(self, joining: Joining) -> AsyncIterator[LiveSeat]:
        self._require_going_on()
        most = self._options.places_for(joining)
        if len(self._room.seats) + self._coming >= most:
            detail = f"{most} viewers are watching, as many as may"
            raise BusyError(detail, retry_after_s=RETRY_AFTER_S, reason="viewers_full")
        if joining.principal is None and not self._arrivals.take(self._clock.monotonic()):
            raise BusyError("too many come and go", retry_after_s=RETRY_AFTER_S, reason="too_many_joins")
        self._audit.require()
        self._numbers += 1
        seat = Seat(f"v{self._numbers}", joining, self._clock.now(), self, self._metrics)
        seat.owner = self._owner.current().owner
        self._note_seat("live.joined", seat)
        try:
            await self._written_down()
            with self._screen.link.wanted(), self._seated(seat):
                yield seat
        finally:
            seat.end(LeaveReason.LEFT)
            seat.left()
            by = {"removed_by": seat.removed_by} if seat.removed_by else {}
            self._note_seat("live.left", seat, reason=str(seat.ended.result()), **by)

    def state(self) -> LiveState:
        self._settle()
        standing = self._room.standing
        return LiveState(
            control=standing.state,
            holder=standing.holder,
            clipboard=self._options.clipboard,
            viewers=self._room.infos(),
            max_viewers=self._options.max_viewers,
            recording=self.recorder.current,
            tabs=self._screen.tabs(),
        )

    async def take_control(self, principal: Principal, viewer_id: str) -> LiveState:
        self._require_going_on()
        self._audit.require()
        seat = self._seat(viewer_id)
        if seat.right is not Right.CONTROL:
            raise DeniedError("this viewer's link is for watching only", reason="view_only")
        self._room.force(seat, principal.name)
        await self._audit.settled()
        return self.state()

    async def release_control(self, principal: Principal) -> LiveState:
        self._require_going_on()
        self._audit.require()
        self._room.free(principal.name)
        await self._audit.settled()
        return self.state()

    async def remove(self, principal: Principal, viewer_id: str) -> None:
        seat = self._seat(viewer_id)
        if not seat.ended.done():
            seat.removed_by = principal.name
            seat.end(LeaveReason.REMOVED)

    async def thumbnail(self) -> bytes:
        self._require_going_on()
        return await self._screen.thumbnails.get()

    async def start_recording(self, principal: Principal, request: RecordingRequest) -> RecordingInfo:
        self._require_going_on()
        self._owner.actions_changed(1)  # until it is itself what keeps the session from sleep
        try:
            return await self.recorder.start(principal, request)
        finally:
            self._owner.actions_changed(-1)

    async def stop_recording(self, principal: Principal) -> RecordingInfo:
        return await self.recorder.stop(principal)

    # --- coming and going -------------------------------------------------------------------------------------------

    def _seat(self, viewer_id: str) -> Seat:
        seat = self._room.seats.get(viewer_id)
        if seat is None:
            raise NotFoundError("there is no such viewer")
        return seat

    async def _written_down(self) -> None:
        self._coming += 1
        try:
            await self._audit.settled()
        finally:
            self._coming -= 1
        self._require_going_on()

    @contextmanager
    def _seated(self, seat: Seat) -> Iterator[None]:
        self._owner.actions_changed(1)
        self._metrics.joined()
        self._room.enter(seat)
        self._tick()
        self._telling.whole(seat)
        self._screen.watch()
        if self._ticking is None or self._ticking.done():
            self._ticking = spawn(self._keep_time(), name="live-ticks")
        try:
            yield
        finally:
            seat.end(LeaveReason.LEFT)
            self._room.leave(seat)
            # Control may stay with who has left, for a while; what they held must not.
            holder = self._room.standing.holder
            self._screen.let_go(unless=holder if holder in self._room.seats else "")
            if not self._room.seats:
                self._screen.unwatch()
            self._owner.actions_changed(-1)

    def _note_seat(self, kind: str, seat: Seat, **more: str) -> None:
        actor = actor_of(seat)
        data = {"viewer": seat.id, **facts_of(seat), **more}
        self._audit.note(session_record(kind, self._owner.current(), actor=actor, data=data))
        if self._ended is None:
            self._owner.report(EventType(kind), {"by": actor, **data})

    async def _keep_time(self) -> None:
        """As long as anybody is there, or has taken control and may come back."""
        while self._room.seats or self._room.standing.holder:
            await asyncio.sleep(TICK_S)
            self._tick()

    def _tick(self) -> None:
        self._ticks += 1
        self._settle()
        now = self._clock.now()
        for seat in self._room.seats.values():
            if seat.expires_at is not None and seat.expires_at <= now:
                seat.end(LeaveReason.LINK_EXPIRED)
        if self._ticks % 2:
            self._screen.refresh()

    def _settle(self) -> None:
        self._room.settle(self._owner.current().usage.devtools_clients)

    # --- what viewers do (SeatOwner) --------------------------------------------------------------------------------

    def took(self, seat: Seat, message: Message) -> None:
        if isinstance(message, ControlMessage):
            self._room.take(seat, message)
        elif isinstance(message, InputMessage) and is_release(message):
            # Lifts what this seat holds, if anything: no reason to get control, nor to be told that one may not.
            if self._room.standing.holder == seat.id:
                self._screen.act(seat, message)
        elif refused := self._room.may_act(seat):
            if not isinstance(message, MouseMove):
                seat.notice(refused)
            if seat.right is Right.VIEW:
                self._metrics.malformed("wrong_right")
        else:
            self._metrics.input(kind_of(message))
            self._screen.act(seat, message)

    def pictures_for(self, codec: Codec, *, max_fps: float, acknowledges: bool) -> Subscription:
        return self.pictures.watch(codec, max_fps=max_fps, acknowledges=acknowledges)

    def viewers_changed(self) -> None:
        self._telling.changed(VIEWERS)

    # --- for the room (RoomOwner) -----------------------------------------------------------------------------------

    def now(self) -> float:
        return self._clock.monotonic()

    def current(self) -> Session:
        return self._owner.current()

    def note(self, record: AuditRecord) -> None:
        self._audit.note(record)

    def report(self, type_: EventType, data: Data) -> None:
        if self._ended is None:
            self._owner.report(type_, data)

    def holder_changed(self) -> None:
        self._screen.let_go(unless=self._room.standing.holder)

    def control_changed(self) -> None:
        self._telling.changed(CONTROL)

    # --- for the screen (ScreenOwner) -------------------------------------------------------------------------------

    def changed(self, *names: str) -> None:
        self._telling.changed(*names)

    def copied(self, viewer_id: str, text: str) -> None:
        if (seat := self._room.seats.get(viewer_id)) is not None:
            seat.out.copied(text)

    def is_watched(self) -> bool:
        return bool(self._room.seats)

    # --- what programs do (ActionWatcher) ---------------------------------------------------------------------------

    def action_began(self) -> None:
        self._room.agent_began()

    def action_ended(self) -> None:
        self._room.agent_ended()

    def tab_chosen(self, tab_id: str) -> None:
        self._screen.follow(tab_id)

    # --- what there is to be told -----------------------------------------------------------------------------------

    def recording_changed(self) -> None:
        """For the recorder."""
        self._telling.changed("recording")

    def _recording_now(self) -> dict[str, Any] | None:
        current = self.recorder.current
        return None if current is None else {"id": current.id, "started_at": current.started_at}

    def _control_of(self, seat: Seat) -> dict[str, Any]:
        standing = self._room.standing
        return {
            "state": standing.state,
            "holder": standing.holder,
            "mine": standing.holder == seat.id,
            "requests": standing.requests,
        }
