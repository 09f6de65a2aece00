"""What happened to sessions: typed, numbered, stored, and told to whoever listens; a listener can resume by number.

Numbers are given out in memory and grow across restarts. An event is announced at once and written in the next small
batch, so that nobody waits for a disk on the path of a page load; a killed daemon can lose the last batch, never
reorder or reuse a number that was stored.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from cloche.clock import Clock
from cloche.concurrency.event_bus import EventBus, FellBehindError
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.ids import EventId, SessionId
from cloche.sessions import rows
from cloche.sessions.model import EventType, SessionEvent
from cloche.storage.database import Database

BATCH_EVERY_S: Final = 0.05
MAX_PENDING: Final = 10_000
"""Events waiting for the disk. Above this the oldest are dropped and counted in the log: memory stays bounded."""
PAGE: Final = 500
COALESCE_S: Final = 1.0

_log = structlog.get_logger(__name__)
Data = Mapping[str, str | int | float | bool | None]


class EventLog:
    """Owns the numbering and the batch writer. Opened before any session, closed after the last."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._bus: EventBus[SessionEvent] = EventBus()
        self._pending: list[SessionEvent] = []
        self._coalesced: dict[tuple[SessionId, EventType], float] = {}
        self._last = 0
        self._wake = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None

    async def open(self) -> None:
        async with self._database.read() as connection:
            self._last = await rows.last_event_id(connection)
        self._writer = spawn(self._write_batches(), name="event-writer")

    async def close(self) -> None:
        await cancel_and_wait(self._writer)
        await self.flush()

    def publish(self, session_id: SessionId, type_: EventType, data: Data | None = None) -> SessionEvent:
        self._last += 1
        event = SessionEvent(EventId(self._last), session_id, type_, self._clock.now(), dict(data or {}))
        self._bus.publish(session_id, event)
        if len(self._pending) >= MAX_PENDING:
            del self._pending[: MAX_PENDING // 10]
            _log.error("events_dropped", count=MAX_PENDING // 10)
        self._pending.append(event)
        self._wake.set()
        return event

    def publish_coalesced(self, session_id: SessionId, type_: EventType, data: Data) -> None:
        """Publish what a sandbox can cause at will: at most once a second for one session and type."""
        now, key = self._clock.monotonic(), (session_id, type_)
        if now - self._coalesced.get(key, -COALESCE_S) >= COALESCE_S:
            self._coalesced[key] = now
            self.publish(session_id, type_, data)

    def finish(self, session_id: SessionId) -> None:
        """The session has ended: whoever listens gets what is left and then the end."""
        for type_ in EventType:
            self._coalesced.pop((session_id, type_), None)
        self._bus.close(session_id)

    async def flush(self) -> None:
        """Write what is pending. A batch that fails is kept for the next try."""
        async with self._flushing:
            batch, self._pending = self._pending, []
            try:
                async with self._database.begin() as connection:
                    await rows.add_events(connection, batch)
            except SQLAlchemyError:
                self._pending = batch + self._pending
                raise

    async def read(self, session_id: SessionId, *, after: EventId, live: bool) -> AsyncIterator[SessionEvent]:
        """Stored events after `after`, then with `live` those to come until the session has ended."""
        while True:
            subscription = self._bus.subscribe(session_id) if live else None
            try:
                await self.flush()
                async for event in self._stored(session_id, after):
                    after = event.id
                    yield event
                if subscription is None:
                    return
                async for event in subscription:
                    if event.id > after:
                        after = event.id
                        yield event
                return
            except FellBehindError:
                continue  # what was missed is stored: read it from there
            finally:
                if subscription is not None:
                    self._bus.unsubscribe(session_id, subscription)

    async def _stored(self, session_id: SessionId, after: EventId) -> AsyncIterator[SessionEvent]:
        while True:
            async with self._database.read() as connection:
                page = await rows.events_after(connection, session_id, after, PAGE)
            for event in page:
                yield event
            if len(page) < PAGE:
                return
            after = page[-1].id

    async def _write_batches(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(BATCH_EVERY_S)
            try:
                await self.flush()
            except SQLAlchemyError:
                _log.exception("events_not_written", pending=len(self._pending))
                await asyncio.sleep(1)
                self._wake.set()
