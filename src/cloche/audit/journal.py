"""Writes the journal: an ordered queue, one writer that commits it in batches, and the end of the chain in a file."""

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from cloche.audit import rows
from cloche.audit.bounds import bounded_data, bounded_text
from cloche.audit.chain import GENESIS, Entry, Tip, chained, data_text, row_mac, time_text
from cloche.audit.metrics import JournalMetrics
from cloche.audit.model import AuditRecord, Verified
from cloche.audit.segments import drop_next, last_dropped, read_segments, seal, sealed
from cloche.audit.tip import BadTipError, read_tip, write_tip
from cloche.audit.verify import verify_database
from cloche.clock import Clock
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import JournalError
from cloche.storage.database import Database
from cloche.storage.sqlite_thread import Connection

MAX_BATCH: Final = 500
MAX_PENDING: Final = 10_000
"""Records that wait. Above this nothing new may be done, and what is noted all the same is only counted."""
RETRY_S: Final = 0.5
TIP_EVERY_S: Final = 0.05
HOUSE_EVERY_S: Final = 3600.0
RESERVE: Final = 1000
"""Rows beyond `max_events` for the ends of what was begun before the journal was full."""
NEARLY_FULL: Final = 0.8
"""From here on the log warns of it."""

SERVER: Final = "cloche"
"""The actor of what the server does by itself."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalOptions:
    durable: bool = False
    """Each batch is on the disk before it counts as written."""
    stop_on_failure: bool = True
    max_events: int = 10_000_000
    segment_events: int = 10_000
    retention_days: int = 365


class Journal:
    """Owns the end of the chain; there is one writer to a database. Opened after the database, closed before it.

    Implements `sessions.audit.AuditWriter`. A batch that fails is kept and tried again until it is written; meanwhile
    `require` refuses. What a killed process had noted and not written is lost, and was confirmed to nobody.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        mac_key: bytes,
        tip_file: Path,
        options: JournalOptions,
        metrics: JournalMetrics,
    ) -> None:
        self._database = database
        self._clock = clock
        self._key = mac_key
        self._tip_file = tip_file
        self._options = options
        self._metrics = metrics
        self._pending: deque[tuple[datetime, AuditRecord]] = deque()
        self._batch: list[dict[str, Any]] = []
        """What is being written, chained already."""
        self._end = self._sealed = Tip(0, GENESIS, 0)
        self._gone = 0
        """The last number of what retention has dropped."""
        self._noted = self._written = self._dropped = 0
        self._waiting: deque[tuple[int, asyncio.Future[bool]]] = deque()
        self._is_failing = self._is_closed = self._has_tip = False
        self._wake = asyncio.Event()
        self._tip_is_old = asyncio.Event()
        self._house, self._writing, self._tipping = asyncio.Lock(), asyncio.Lock(), asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None
        self._tip_writer: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None

    # --- its life ---------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Continue where the last row ends. Raises: SQLAlchemyError when the database cannot be read."""
        segments = await read_segments(self._database)
        self._sealed, dropped = sealed(segments), last_dropped(segments)
        self._gone = dropped.last_seq if dropped is not None else 0
        async with self._database.read() as connection:
            seq, hash_ = await rows.last(connection) or (self._sealed.seq, self._sealed.hash)
        await self._go_on_from(Tip(seq, hash_, self._sealed.segments))
        self._writer = spawn(self._write(), name="audit-writer")
        self._tip_writer = spawn(self._write_tips(), name="audit-tip")
        self._keeper = spawn(self._keep_house(), name="audit-house")

    async def _go_on_from(self, found: Tip) -> None:
        """Compare what is there with where the chain is known to have ended.

        Rows that are gone leave a gap in the numbers for good, so that `verify` finds it also later.
        """
        self._end = found
        try:
            tip = await asyncio.to_thread(read_tip, self._tip_file, self._key)
        except BadTipError:
            _log.error("audit_tip_changed")
            self.note(AuditRecord(kind="audit.tip_changed", actor=SERVER))
            return
        self._has_tip = tip is not None
        if tip is None and found.seq > 0:
            _log.error("audit_tip_missing")
            self.note(AuditRecord(kind="audit.tip_missing", actor=SERVER))
        elif tip is not None and tip.seq > found.seq:
            _log.error("audit_rows_missing", first=found.seq + 1, last=tip.seq)
            lost = {"first": found.seq + 1, "last": tip.seq}
            self._end = tip._replace(segments=found.segments)
            self.note(AuditRecord(kind="audit.rows_missing", actor=SERVER, data=lost))

    async def close(self) -> None:
        """Write what is left, and stop."""
        # Between two of its queries: one that is cancelled leaves its connection open, and a lock with it.
        async with self._house, self._writing, self._tipping:
            await cancel_and_wait(self._keeper, self._writer, self._tip_writer)
        while self._has_work() and await self._write_batch():
            pass
        if self._end.seq:
            await self._write_tip()
        self._is_closed = True
        if self._pending or self._batch:
            _log.error("audit_events_lost", count=len(self._pending) + len(self._batch))
        self._fail_waiting()

    # --- writing ----------------------------------------------------------------------------------------------------

    def require(self) -> None:
        """Raises: JournalError when nothing can be written down and so nothing new may be done."""
        if (problem := self.problem()) is not None and self._options.stop_on_failure:
            raise JournalError(problem, done=False)

    def problem(self) -> str | None:
        """What is wrong with the journal."""
        if self._is_closed:
            return "the audit journal is closed"
        if self._is_failing:
            return "the audit journal cannot be written"
        if not self.has_room:
            return "the audit journal is full"
        if len(self._pending) >= MAX_PENDING // 2 or self._dropped:
            return "the audit journal does not keep up"
        return None

    def note(self, record: AuditRecord) -> None:
        """Put a record into the journal, after all that were noted before."""
        if len(self._pending) >= MAX_PENDING or self._is_past_reserve() or self._is_closed:
            self._drop()
            return
        self._pending.append((self._clock.now(), record))
        self._noted += 1
        self._wake.set()

    async def settled(self) -> None:
        """Wait until everything noted so far is written. Raises: JournalError when it could not be."""
        if self._written >= self._noted and not self._dropped:
            return
        is_written = False
        if not (self._is_failing or self._dropped or self._is_closed):
            future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            self._waiting.append((self._noted, future))
            is_written = await future
        if not is_written and self._options.stop_on_failure:
            raise JournalError("it was done, but could not be written into the audit journal", done=True)

    @property
    def has_room(self) -> bool:
        """False: what is noted now takes from what is kept for the ends of what was begun."""
        return self._count() < self._options.max_events

    def _count(self) -> int:
        return self._end.seq - self._gone + len(self._batch) + len(self._pending)

    def _drop(self) -> None:
        self._dropped += 1
        self._metrics.dropped.inc()
        self._wake.set()
        if self._dropped == 1:
            _log.error("audit_event_dropped", pending=len(self._pending))

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._has_work():
                async with self._writing:
                    is_written = await self._write_batch()
                if not is_written:
                    await asyncio.sleep(RETRY_S)

    def _has_work(self) -> bool:
        return bool(self._pending or self._batch or (self._dropped and not self._is_past_reserve()))

    def _is_past_reserve(self) -> bool:
        return self._count() >= self._options.max_events + RESERVE

    async def _write_batch(self) -> bool:
        """Write the next rows, or those again that failed. False: they could not be."""
        began = self._clock.monotonic()
        try:
            if self._batch and await self._is_in():
                end, sealed_ = self._ends_at(), await self._read_sealed()
            else:
                self._chain_up()
                end, sealed_ = await self._commit(self._batch)
        except Exception as error:  # noqa: BLE001 - one turn of a loop: whatever keeps a batch out, it is kept
            self._failed(error)
            return False
        self._is_in_order(end, sealed_, took_s=self._clock.monotonic() - began)
        self._tip_is_old.set()
        return True

    def _chain_up(self) -> None:
        """Fill the batch, unless one is left from a try that failed."""
        if self._batch:
            return
        if self._dropped:
            lost = AuditRecord(kind="audit.dropped", actor=SERVER, data={"count": self._dropped})
            self._pending.append((self._clock.now(), lost))
            self._noted += 1
            self._dropped = 0
        seq, hash_ = self._end.seq, self._end.hash
        while self._pending and len(self._batch) < MAX_BATCH:
            seq += 1
            entry = entry_of(seq, *self._pending.popleft())
            hash_ = chained(hash_, entry)
            self._batch.append(entry._asdict() | {"hash": hash_, "mac": row_mac(self._key, hash_)})

    async def _is_in(self) -> bool:
        """Whether the batch is there already: a commit whose answer got lost, or that was cancelled."""
        async with self._database.read() as connection:
            return await rows.hash_of(connection, self._ends_at().seq) == self._ends_at().hash

    async def _read_sealed(self) -> Tip:
        return sealed(await read_segments(self._database))

    def _ends_at(self) -> Tip:
        return Tip(self._batch[-1]["seq"], self._batch[-1]["hash"], 0)

    async def _commit(self, batch: list[dict[str, Any]]) -> tuple[Tip, Tip]:
        async def steps(connection: Connection) -> tuple[Tip, Tip]:
            end, sealed_ = self._ends_at(), self._sealed
            await rows.add(connection, batch)
            if end.seq - sealed_.seq >= self._options.segment_events:
                sealed_ = await seal(connection, self._key, sealed_, end, self._clock.now())
            return end, sealed_

        return await self._database.write(steps, durable=self._options.durable)

    def _is_in_order(self, end: Tip, sealed_: Tip, *, took_s: float) -> None:
        written = len(self._batch)
        self._batch = []
        self._end, self._sealed = end._replace(segments=sealed_.segments), sealed_
        self._written += written
        if self._is_failing:
            self._is_failing = False
            _log.info("audit_written_again")
        self._metrics.appended.inc(written)
        self._metrics.batch_seconds.observe(took_s)
        self._show()
        while self._waiting and self._waiting[0][0] <= self._written:
            _tell(self._waiting.popleft()[1], True)

    def _failed(self, error: Exception) -> None:
        if not self._is_failing:
            self._is_failing = True
            # Only what the database itself says: the whole text holds the rows.
            cause = str(getattr(error, "orig", None) or type(error).__name__)[:300]
            _log.error("audit_not_written", cause=cause, pending=len(self._pending) + len(self._batch))
        self._show()
        self._fail_waiting()

    def _fail_waiting(self) -> None:
        while self._waiting:
            _tell(self._waiting.popleft()[1], False)

    def _show(self) -> None:
        self._metrics.queue.set(len(self._pending) + len(self._batch))
        self._metrics.failed.set(self.problem() is not None)

    async def _write_tips(self) -> None:
        """Beside the rows and not for each batch: a process killed before it has leaves rows beyond the tip, which
        their MACs vouch for."""
        while True:
            await self._tip_is_old.wait()
            if self._has_tip:
                # Not at once: what was just noted is often a part of something that somebody waits for.
                await asyncio.sleep(TIP_EVERY_S)
            async with self._tipping:
                await self._write_tip()

    async def _write_tip(self) -> None:
        self._tip_is_old.clear()
        try:
            await asyncio.to_thread(write_tip, self._tip_file, self._key, self._end, durable=self._options.durable)
            self._has_tip = True
        except OSError as error:
            _log.error("audit_tip_not_written", cause=error.strerror)

    # --- the house --------------------------------------------------------------------------------------------------

    async def _keep_house(self) -> None:
        while True:
            try:
                await self.drop_old()
            except SQLAlchemyError:
                _log.exception("audit_not_shortened")
            if (count := self._count()) >= NEARLY_FULL * self._options.max_events:
                _log.warning("audit_nearly_full", count=count, max_events=self._options.max_events)
            await asyncio.sleep(HOUSE_EVERY_S)

    async def drop_old(self) -> int:
        """Let go of segments that are old enough. Returns how many."""
        retention, count = timedelta(days=self._options.retention_days), 0
        async with self._house:
            while (gone := await drop_next(self._database, self._key, self._clock.now(), retention)) is not None:
                self._gone, count = gone.last_seq, count + 1
                data = {"segment": gone.id, "first": gone.first_seq, "last": gone.last_seq}
                self.note(AuditRecord(kind="audit.segment_dropped", actor=SERVER, data=data))
        return count

    async def probe(self) -> str | None:
        """For readiness: what keeps new work from being done."""
        return self.problem() if self._options.stop_on_failure else None

    async def verify(self) -> Verified:
        """Follow the whole chain, to what is written when it comes to its end."""
        known = self._end
        async with self._house:
            return await verify_with_file(self._database, self._key, self._tip_file, at_least=known)


async def verify_with_file(database: Database, key: bytes, tip_file: Path, *, at_least: Tip | None = None) -> Verified:
    """Follow the chain to what the tip's file says, and to `at_least`, which whoever writes the journal knows."""
    tip, problem = None, ""
    try:
        tip = await asyncio.to_thread(read_tip, tip_file, key)
    except BadTipError as error:
        problem = str(error)
    if at_least is not None and at_least.seq > (tip.seq if tip is not None else 0):
        problem = problem or ("" if tip is not None else NO_TIP)
        tip = at_least
    return await verify_database(database, key, tip, tip_problem=problem)


NO_TIP: Final = "the file with the tip of the journal is missing"


def entry_of(seq: int, at: datetime, record: AuditRecord) -> Entry:
    """A record as it will stand there: every text bounded."""
    return Entry(
        seq=seq,
        at=time_text(at),
        kind=bounded_text(record.kind, 64),
        actor=bounded_text(record.actor, 128),
        owner=bounded_text(record.owner, 128),
        session_id=bounded_text(record.session_id, 64),
        subject=bounded_text(record.subject, 128),
        outcome=bounded_text(record.outcome, 64),
        data=data_text(bounded_data(record.data)),
    )


def _tell(future: "asyncio.Future[bool]", is_written: bool) -> None:
    if not future.done():
        future.set_result(is_written)
