"""Follows the whole chain and names the first row at which it does not hold.

What is checked: every segment's signature and that they join; every row's number, hash and signature in order; that
rows begin where the last dropped segment ends and go on to the end of the chain. Rows are read in pages and hashed in
a thread, so that a daemon that verifies stays a daemon.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from cloche.audit import rows
from cloche.audit.chain import GENESIS, SegmentFacts, Tip, chained, row_mac, same, segment_mac
from cloche.audit.model import Verified
from cloche.audit.rows import StoredRow, StoredSegment
from cloche.storage.database import Database

PAGE: Final = 1000


class BrokenError(Exception):
    """The chain does not hold at `seq`."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(reason)
        self.seq, self.reason = seq, reason


@dataclass(slots=True)
class Walk:
    """Where a walk along the chain stands. Pure; fed with rows in order."""

    key: bytes
    tip: Tip
    """What must be reached at least, and be so."""
    first_seq: int = 1
    rows: int = 0
    seq: int = 0
    """Of the last row that held."""
    hash: str = GENESIS
    segments: int = 0
    _ends: dict[int, SegmentFacts] = field(default_factory=dict)

    def begin(self, segments: Sequence[StoredSegment]) -> None:
        """Check the segments, and stand where rows must begin."""
        before = Tip(0, GENESIS, 0)
        for stored in segments:
            before = self._join(before, stored)
        self.segments = len(segments)
        self.first_seq = self.seq + 1
        if len(segments) < self.tip.segments:
            raise BrokenError(before.seq + 1, f"segment {len(segments) + 1} is missing")

    def _join(self, before: Tip, stored: StoredSegment) -> Tip:
        facts, name = stored.facts, f"segment {before.segments + 1}"
        if facts.id != before.segments + 1:
            raise BrokenError(before.seq + 1, f"{name} is missing")
        if not _are_texts(*facts[3:], stored.mac) or not same(stored.mac, segment_mac(self.key, facts)):
            raise BrokenError(before.seq + 1, f"{name} was changed")
        if (facts.first_seq, facts.prev_hash) != (before.seq + 1, before.hash):
            raise BrokenError(before.seq + 1, f"{name} does not join the one before")
        if not facts.dropped_at:
            self._ends[facts.last_seq] = facts
        elif self._ends:
            raise BrokenError(before.seq + 1, f"{name} is gone and the one before it is not")
        else:
            self.seq, self.hash = facts.last_seq, facts.last_hash
        return Tip(facts.last_seq, facts.last_hash, facts.id)

    def follow(self, page: Iterable[StoredRow]) -> None:
        """Check rows that come next."""
        for row in page:
            self._step(row)

    def _step(self, row: StoredRow) -> None:
        seq = row.entry.seq
        if not _are_texts(*row.entry[1:], row.hash, row.mac):
            raise BrokenError(seq, "the row was changed")
        if seq <= self.seq:
            raise BrokenError(seq, "a row stands where none may")
        if seq != self.seq + 1:
            raise BrokenError(self.seq + 1, f"rows are missing up to {seq - 1}")
        if row.hash != chained(self.hash, row.entry):
            raise BrokenError(seq, "the row was changed, or stands where another one stood")
        if not same(row.mac, row_mac(self.key, row.hash)):
            raise BrokenError(seq, "the row was not written by this server")
        end = self._ends.get(seq)
        if end is not None and end.last_hash != row.hash:
            raise BrokenError(seq, f"the row is not the one that segment {end.id} ends with")
        if seq == self.tip.seq and row.hash != self.tip.hash:
            raise BrokenError(seq, "the row is not the one that the tip of the journal names")
        self.seq, self.hash, self.rows = seq, row.hash, self.rows + 1

    def finish(self) -> None:
        """There are no more rows."""
        most = max([self.tip.seq, *self._ends])
        if self.seq < most:
            raise BrokenError(self.seq + 1, f"rows are missing at the end, up to {most}")

    def verdict(self, broken: BrokenError | None = None) -> Verified:
        return Verified(
            rows=self.rows,
            segments=self.segments,
            first_seq=self.first_seq,
            last_seq=self.seq,
            broken_at=broken.seq if broken is not None else None,
            reason=broken.reason if broken is not None else "",
        )


async def verify_database(database: Database, key: bytes, tip: Tip | None, *, tip_problem: str = "") -> Verified:
    """Follow the chain to its end. `tip` None: there is no file that says where that is, which is wrong if rows are.

    `tip_problem` is what is wrong with the file; it is told when nothing else is found.
    """
    walk = Walk(key, tip or Tip(0, GENESIS, 0))
    try:
        async with database.read() as connection:
            if connection.dialect.name == "sqlite":
                # One snapshot for all pages: a daemon that lets go of old segments meanwhile looks like a thief.
                await connection.exec_driver_sql("BEGIN")
            walk.begin(await rows.all_segments(connection))
            after: int | None = None
            while page := await _next_page(connection, after, walk):
                await asyncio.to_thread(walk.follow, page)
                after = page[-1].entry.seq
        walk.finish()
        if tip_problem or (tip is None and walk.seq > 0):
            raise BrokenError(walk.seq + 1, tip_problem or "the file with the tip of the journal is missing")
    except BrokenError as broken:
        return walk.verdict(broken)
    return walk.verdict()


async def _next_page(connection: AsyncConnection, after: int | None, walk: Walk) -> list[StoredRow]:
    try:
        return await rows.stored_after(connection, after, PAGE)
    except OperationalError:  # text that is none, say, which SQLite lets anyone put there
        raise BrokenError(walk.seq + 1, "the rows from here on cannot be read") from None


def _are_texts(*values: object) -> bool:
    """SQLite keeps what it is given, whatever the column's type (sqlite.org/datatype3.html)."""
    return all(isinstance(value, str) for value in values)
