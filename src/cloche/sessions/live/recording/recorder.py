"""What a session's live view has its pictures kept by. See `sessions.live.recorder.Recorder`."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Final, Protocol

import structlog

from cloche.browser.session_browser import Browser
from cloche.clock import Clock
from cloche.concurrency.event_bus import FellBehindError
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import ClocheError, ConflictError, DeniedError, GoneError, StartError
from cloche.live.model import RecordPolicy
from cloche.sessions.audit import AuditWriter
from cloche.sessions.auditing import SERVER, session_record
from cloche.sessions.events import Data, EventLog
from cloche.sessions.live.interface import RecordingFormat, RecordingInfo, RecordingRequest, RecordingStatus
from cloche.sessions.live.options import Pictures
from cloche.sessions.live.recorder import Recorder
from cloche.sessions.live.recording.limits import Caps, caps_of
from cloche.sessions.live.recording.making import NOTHING_SHOWN
from cloche.sessions.live.recording.marks import Titles
from cloche.sessions.live.recording.part import (
    CODECS,
    RESIZED,
    SERVER_STOPPING,
    SESSION_ENDED,
    SIZE_CAP,
    STOPPED,
    TIME_CAP,
    Part,
)
from cloche.sessions.live.recording.run import Run, RunParts
from cloche.sessions.live.recording.store import RecordingStore
from cloche.sessions.model import EventType, Session, SessionEvent, SessionStatus
from cloche.sessions.principal import Principal

FIRST_PICTURE_S: Final = 10.0
"""How long the start of a session that is always recorded waits for one."""
LET_GO_S: Final = 5.0
"""How long the end of a session waits for the run to write what it has."""
SETTLE_S: Final = 10.0
"""And for files to be made; what takes longer the daemon finishes without it."""
MAX_REMEMBERED: Final = 100
UNAVAILABLE: Final = "recording_unavailable"
_ALWAYS_GOES_ON: Final = frozenset({TIME_CAP, SIZE_CAP, STOPPED, RESIZED})

_log = structlog.get_logger(__name__)


class RecordedView(Protocol):
    """What is asked of the session's `LiveService`."""

    @property
    def pictures(self) -> Pictures: ...

    def wanted(self) -> AbstractContextManager[None]: ...

    def recording_changed(self) -> None: ...


class UsedBrowser(Protocol):
    @property
    def connected(self) -> Browser | None: ...


class RecorderOwner(Protocol):
    """What a runner does for it."""

    end_reason: str

    @property
    def browsing(self) -> UsedBrowser: ...

    def current(self) -> Session: ...

    def publish(self, type_: EventType, data: Data | None = None) -> None: ...


class SessionRecorder(Recorder):
    """Owned by the session's live service; what is left when that closes belongs to the `RecordingStore`."""

    def __init__(
        self,
        session: Session,
        owner: RecorderOwner,
        live: RecordedView,
        store: RecordingStore,
        *,
        events: EventLog,
        clock: Clock,
        audit: AuditWriter,
        cannot_go_on: Callable[[], None],
    ) -> None:
        """`cannot_go_on`: a session that is to be recorded always cannot be any more, and has to end."""
        self._session = session
        self._owner = owner
        self._live = live
        self._store = store
        self._events = events
        self._clock = clock
        self._audit = audit
        self._cannot_go_on = cannot_go_on
        self._policy = session.options.live.record
        self._is_private = session.options.private
        self._run: Run | None = None
        self._task: asyncio.Task[None] | None = None
        self._starting: asyncio.Task[Part] | None = None
        self._is_ending = self._has_begun = False
        self._results: dict[Part, asyncio.Future[RecordingInfo]] = {}
        self._stopped_by: dict[int, str] = {}
        self._last_number: int | None = None
        self._finishing: dict[Part, asyncio.Task[RecordingInfo]] = {}
        self._done: dict[int, RecordingInfo] = {}
        self._log = _log.bind(session=session.id)

    @property
    def current(self) -> RecordingInfo | None:
        part = self._running or next(reversed(self._finishing), None)
        return None if part is None else part.info(self._clock.monotonic())

    @property
    def _running(self) -> Part | None:
        return None if self._run is None else self._run.part

    # --- for the doors ----------------------------------------------------------------------------------------------

    async def start(self, principal: Principal, request: RecordingRequest) -> RecordingInfo:
        """Also raises: InvalidError, JournalError."""
        if self._policy is RecordPolicy.OFF:
            raise DeniedError("recordings are off", reason="recording_off")
        if self._run is not None or self._starting is not None:
            raise ConflictError("the session is being recorded already", reason="already_recording")
        caps = caps_of(request, self._store.limits)
        self._audit.require()
        part = await self._start(request.format, caps, by=principal.name)
        await self._audit.settled()
        return part.info(self._clock.monotonic())

    async def stop(self, principal: Principal) -> RecordingInfo:
        """A session that is recorded always goes on with the next. Also raises: JournalError."""
        run, part = self._run, self._running
        if run is None or part is None:
            raise ConflictError("nothing is being recorded", reason="not_recording")
        self._audit.require()
        self._stopped_by.setdefault(part.number, principal.name)
        run.cut(STOPPED)
        result = self._results.setdefault(part, asyncio.get_running_loop().create_future())
        info = await asyncio.shield(result)
        await self._audit.settled()
        return info

    def all(self) -> tuple[RecordingInfo, ...]:
        now = self._clock.monotonic()
        parts = [*self._finishing, *([self._running] if self._running is not None else [])]
        known = self._done | {part.number: part.info(now) for part in parts}
        return tuple(known[number] for number in sorted(known, reverse=True))

    # --- for the live view ------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Raises: StartError (`recording_unavailable`)."""
        if self._policy is not RecordPolicy.ALWAYS:
            return
        request = RecordingRequest()
        try:
            await self._start(request.format, caps_of(request, self._store.limits), by=SERVER)
            await self._first_picture()
        except ClocheError as error:
            self._log.error("recording_unavailable", error=error.code, reason=error.fields.get("reason"))
            raise StartError("the session cannot be recorded, as it has to be", reason=UNAVAILABLE) from None
        self._has_begun = True

    async def finish(self, reason: str) -> None:
        await self._end(SESSION_ENDED)

    async def close(self) -> None:
        await self._end(SERVER_STOPPING if self._owner.end_reason == SERVER_STOPPING else SESSION_ENDED)
        if self._is_private:
            self._store.forget(self._session.id)

    # --- one run ----------------------------------------------------------------------------------------------------

    async def _start(self, format_: RecordingFormat, caps: Caps, *, by: str) -> Part:
        """In a task of its own: who asked for it may leave. Raises: BusyError, GoneError."""
        self._starting = spawn(self._begin_part(format_, caps, by), name=f"recording-start:{self._session.id}")
        return await asyncio.shield(self._starting)

    async def _begin_part(self, format_: RecordingFormat, caps: Caps, by: str) -> Part:
        try:
            with ExitStack() as stack:
                stack.enter_context(self._store.place())
                part = await self._new_part(format_, caps, by)
                if self._is_ending:
                    part.end(SESSION_ENDED, self._clock.monotonic())
                    self._ended(part)
                    raise GoneError("the session has ended", reason=self._owner.end_reason or SESSION_ENDED)
                self._begin_run(part, stack.pop_all())
                return part
        finally:
            self._starting = None

    def _begin_run(self, part: Part, places: ExitStack) -> None:
        async def next_part() -> Part:
            return await self._new_part(part.format, part.caps, SERVER)

        limits = self._store.limits
        subscription = self._live.pictures.watch(CODECS[part.format], max_fps=limits.max_fps, keeps_up=True)
        parts = RunParts(self._goes_on, next_part, self._ended, self._store.has_room)
        self._run = Run(subscription, part, parts, self._clock)
        self._task = spawn(self._record(self._run, places), name=f"record:{self._session.id}")

    async def _record(self, run: Run, places: ExitStack) -> None:
        try:
            with places, self._live.wanted(), self._marking():
                await run.record()
        except ClocheError as error:
            self._log.warning("recording_not_continued", error=error.code, reason=error.fields.get("reason"))
        finally:
            self._run = None
            self._live.recording_changed()
            self._require_always()

    def _goes_on(self, reason: str) -> bool:
        if self._is_ending:
            return False
        return reason == RESIZED or (self._policy is RecordPolicy.ALWAYS and reason in _ALWAYS_GOES_ON)

    async def _new_part(self, format_: RecordingFormat, caps: Caps, by: str) -> Part:
        if self._last_number is None:
            self._last_number = await self._store.last_number(self._session)
        self._last_number += 1
        part = await self._store.begin(self._session, self._last_number, format_, caps)
        self._tell(EventType.RECORDING_STARTED, part.id, by, {"format": str(format_)})
        self._live.recording_changed()
        return part

    def _ended(self, part: Part) -> None:
        keep = not (self._is_private and self._is_ending)
        self._finishing[part] = self._store.finish(part, self._session, self._told, keep=keep)
        self._live.recording_changed()

    def _told(self, part: Part, info: RecordingInfo) -> None:
        """What has become of a part."""
        self._finishing.pop(part, None)
        self._done[part.number] = info
        if len(self._done) > MAX_REMEMBERED:
            del self._done[min(self._done)]
        by = self._stopped_by.pop(part.number, SERVER)
        facts: dict[str, str | int | float | bool | None] = {"seconds": round(info.seconds, 1), "bytes": info.bytes}
        facts["ended_by"] = info.ended_by
        if info.artifact_id is not None:
            facts["artifact"] = info.artifact_id
            ready: Data = {"artifact": info.artifact_id, "kind": "recording", "size_bytes": info.bytes, "reasons": ""}
            self._owner.publish(EventType.ARTIFACT_READY, ready)
        if info.status is RecordingStatus.READY:
            self._tell(EventType.RECORDING_FINISHED, info.id, by, facts)
        else:
            self._tell(EventType.RECORDING_FAILED, info.id, by, facts | {"reason": info.error})
            if info.error != NOTHING_SHOWN:
                self._require_always()
        if (result := self._results.pop(part, None)) is not None and not result.done():
            result.set_result(info)
        self._live.recording_changed()

    def _tell(self, type_: EventType, recording: str, by: str, facts: Data) -> None:
        self._owner.publish(type_, {"by": by, "recording": recording, **facts})
        kept = {name: value for name, value in facts.items() if name != "artifact"}
        record = session_record(
            str(type_),
            self._session,
            actor=by,
            subject=str(facts.get("artifact") or ""),
            outcome=str(facts.get("reason") or "ok"),
            data={"recording": recording, **kept},
        )
        self._audit.note(record)

    def _require_always(self) -> None:
        """What has to be recorded always is ended when that has come to an end, or to nothing."""
        if self._policy is RecordPolicy.ALWAYS and self._has_begun and not self._is_ending:
            self._is_ending = True
            self._cannot_go_on()

    async def _first_picture(self) -> None:
        """Wait for one. An adopted session's browser may have been stopped, and then there is none to wait for.

        Raises: StartError.
        """
        run = self._run
        is_new = self._owner.current().status is SessionStatus.PENDING
        has_pictures: bool | None = None
        try:
            async with asyncio.timeout(FIRST_PICTURE_S):
                has_pictures = run is not None and await asyncio.shield(run.has_pictures)
        except TimeoutError:
            pass
        if has_pictures is False or (has_pictures is None and is_new):
            raise StartError("no picture has come", reason="no_picture")

    # --- its end ----------------------------------------------------------------------------------------------------

    async def _end(self, reason: str) -> None:
        was_ending, self._is_ending = self._is_ending, True
        if self._starting is not None:
            await asyncio.wait((self._starting,), timeout=LET_GO_S)
        if self._task is not None:
            if self._run is not None:
                self._run.cut(reason)
            await asyncio.wait((self._task,), timeout=LET_GO_S)
            await cancel_and_wait(self._task)
        finishing = tuple(self._finishing.values())
        if self._is_private:
            await self._store.drop(self._session.id)
        elif finishing and not was_ending:
            await asyncio.wait(finishing, timeout=SETTLE_S)

    # --- chapters ---------------------------------------------------------------------------------------------------

    @contextmanager
    def _marking(self) -> Iterator[None]:
        marking = None if self._is_private else spawn(self._mark_events(), name=f"recording-marks:{self._session.id}")
        try:
            yield
        finally:
            if marking is not None:
                marking.cancel()

    async def _mark_events(self) -> None:
        titles = Titles()
        while True:
            try:
                with self._events.follow(self._session.id) as events:
                    async for event in events:
                        self._mark(titles, event)
                return
            except FellBehindError:
                self._log.warning("recording_marks_missed")

    def _mark(self, titles: Titles, event: SessionEvent) -> None:
        if (part := self._running) is not None and (title := titles.of(event.type, event.data, self._url_of(event))):
            part.mark(title, self._clock.monotonic())

    def _url_of(self, event: SessionEvent) -> str:
        browser = self._owner.browsing.connected
        tab = browser.tabs.get(str(event.data.get("tab") or "")) if browser is not None else None
        return tab.url if tab is not None else ""
