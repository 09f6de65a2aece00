"""What happened to sessions: typed, numbered, stored, and told to whoever listens; a listener can resume by number.

Numbers are given out in memory and grow across restarts. An event is announced at once and written in the next small
batch, so that nobody waits for a disk on the path of a page load; a killed daemon can lose the last batch, never
reorder or reuse a number that was stored.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from typing import Final

import structlog
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from cloche.clock import Clock
from cloche.concurrency.event_bus import EventBus, FellBehindError, Subscription
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
        self._coalesced = OrderedDict[tuple[SessionId, EventType], tuple[float, int]]()
        """Since when, and how often since then; by age. Of the last second, and little more."""
        self._last = 0
        self._wake = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None

    async def open(self) -> None:
        async with self._database.read() as connection:
            stored = await rows.last_event_id(connection)
        # Beyond what a killed daemon may have announced and not written: a listener that resumes after such a number
        # would take the new events for ones it has seen.
        self._last = stored + MAX_PENDING if stored else 0
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

    def publish_coalesced(self, session_id: SessionId, type_: EventType, data: Data | None, *, burst: int = 1) -> bool:
        """Publish what a sandbox can cause at will: at most `burst` times a second. False: held back."""
        now, key = self._clock.monotonic(), (session_id, type_)
        # What is told once its session has ended would stay for good otherwise: nobody ends a session twice.
        while self._coalesced and now - next(iter(self._coalesced.values()))[0] >= COALESCE_S:
            self._coalesced.popitem(last=False)
        since, told = self._coalesced.get(key, (now, 0))
        if told >= burst:
            return False
        self._coalesced[key] = since, told + 1
        self.publish(session_id, type_, data)
        return True

    @contextmanager
    def follow(self, session_id: SessionId) -> Iterator[Subscription[SessionEvent]]:
        """Listen, for as long as the block lasts, to what comes from now on: nothing of it is looked up."""
        subscription = self._bus.subscribe(session_id)
        try:
            yield subscription
        finally:
            self._bus.unsubscribe(session_id, subscription)

    def finish(self, session_id: SessionId) -> None:
        """The session has ended: whoever listens gets what is left and then the end."""
        for type_ in EventType:
            self._coalesced.pop((session_id, type_), None)
        self._bus.close(session_id)

    async def flush(self) -> None:
        """Write what is pending. A batch that fails is kept for the next try."""
        # A task of its own: a listener that goes away just now must not take along what it was about to write.
        if (error := await asyncio.shield(spawn(self._flush(), name="event-flush"))) is not None:
            raise error

    async def _flush(self) -> SQLAlchemyError | None:
        async with self._flushing:
            batch, self._pending = self._pending, []
            try:
                await self._write(batch)
            except SQLAlchemyError as error:
                self._pending = batch + self._pending
                return error
        return None

    async def _write(self, batch: Sequence[SessionEvent]) -> None:
        """Write a batch; of one the database will never take (its session has no row), leave out the culprits."""
        try:
            await self._database.write(lambda connection: rows.add_events(connection, batch))
        except IntegrityError:
            if len(batch) == 1:
                _log.warning("event_dropped", session=batch[0].session_id, type=batch[0].type)
                return
            middle = len(batch) // 2
            await self._write(batch[:middle])
            await self._write(batch[middle:])

    async def read(self, session_id: SessionId, *, after: EventId, live: bool) -> AsyncGenerator[SessionEvent]:
        """Stored events after `after`, then with `live` those to come until the session has ended."""
        while True:
            subscription = self._bus.subscribe(session_id) if live else None
            try:
                await self.flush()
                async with aclosing(self._stored(session_id, after)) as stored:
                    async for event in stored:
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
                # What was missed is stored: read it from there. After the end nobody would wake a new subscription.
                live = subscription is not None and not subscription.is_finished
            finally:
                if subscription is not None:
                    self._bus.unsubscribe(session_id, subscription)

    async def _stored(self, session_id: SessionId, after: EventId) -> AsyncGenerator[SessionEvent]:
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
