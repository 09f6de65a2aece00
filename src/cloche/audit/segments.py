"""Sealed segments: how a long chain gets shorter at its old end and still holds.

Every `size` rows a segment is sealed: a row that says, signed, where it begins and ends. Retention deletes the rows of
whole segments that are old enough; their segments stay, and are what the first row that is left is chained to.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cloche.audit import rows
from cloche.audit.chain import GENESIS, SegmentFacts, Tip, segment_mac, time_text
from cloche.audit.rows import StoredSegment
from cloche.storage.database import Database
from cloche.storage.sqlite_thread import Connection


async def read_segments(database: Database) -> list[StoredSegment]:
    async with database.read() as connection:
        return await rows.all_segments(connection)


def sealed(segments: Sequence[StoredSegment]) -> Tip:
    """Where the last sealed segment ends."""
    if not segments:
        return Tip(0, GENESIS, 0)
    last = segments[-1].facts
    return Tip(last.last_seq, last.last_hash, len(segments))


def last_dropped(segments: Sequence[StoredSegment]) -> SegmentFacts | None:
    dropped = [stored.facts for stored in segments if stored.facts.dropped_at]
    return dropped[-1] if dropped else None


async def seal(connection: Connection, key: bytes, before: Tip, last: Tip, now: datetime) -> Tip:
    """Seal what stands after `before`, up to `last`. Returns where the sealed part now ends."""
    facts = SegmentFacts(
        id=before.segments + 1,
        first_seq=before.seq + 1,
        last_seq=last.seq,
        prev_hash=before.hash,
        last_hash=last.hash,
        sealed_at=time_text(now),
        dropped_at="",
    )
    await rows.add_segment(connection, facts, segment_mac(key, facts))
    return Tip(last.seq, last.hash, facts.id)


async def drop_next(database: Database, key: bytes, now: datetime, retention: timedelta) -> SegmentFacts | None:
    """Delete the rows of the oldest segment there still is, if it was sealed long enough ago; None otherwise."""
    oldest = next((s.facts for s in await read_segments(database) if not s.facts.dropped_at), None)
    if oldest is None or oldest.sealed_at > time_text(now - retention):
        return None
    dropped = oldest._replace(dropped_at=time_text(now))
    async with database.begin() as connection:
        await rows.drop(connection, dropped, segment_mac(key, dropped))
    return dropped
