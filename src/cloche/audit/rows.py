"""The tables of the journal, and how rows and model become each other."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from cloche.audit.chain import Entry, SegmentFacts, time_text
from cloche.audit.model import AuditEvent, AuditFilter, AuditRecord
from cloche.storage.database import metadata
from cloche.storage.sqlite_thread import Connection

Number: Final = BigInteger().with_variant(Integer, "sqlite")

events = Table(
    "audit_events",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("owner", String(128), nullable=False),
    Column("session_id", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("outcome", String(64), nullable=False),
    Column("data", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("mac", String(64), nullable=False),
    Index("audit_events_by_owner", "owner", "seq"),
    Index("audit_events_by_session", "session_id", "seq"),
)

segments = Table(
    "audit_segments",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("first_seq", Number, nullable=False),
    Column("last_seq", Number, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("last_hash", String(64), nullable=False),
    Column("sealed_at", String(32), nullable=False),
    Column("dropped_at", String(32), nullable=False),
    Column("mac", String(64), nullable=False),
)

_INSERT: Final = insert(events)
_ENTRY_COLUMNS: Final = [events.c[name] for name in Entry._fields]


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row as it stands there, whatever somebody may have made of it."""

    entry: Entry
    hash: str
    mac: str


@dataclass(frozen=True, slots=True)
class StoredSegment:
    facts: SegmentFacts
    mac: str


async def add(connection: Connection, batch: Sequence[Mapping[str, Any]]) -> None:
    await connection.execute(_INSERT, batch)


async def last(connection: AsyncConnection) -> tuple[int, str] | None:
    """Number and hash of the newest row."""
    row = (await connection.execute(select(events.c.seq, events.c.hash).order_by(events.c.seq.desc()).limit(1))).first()
    return (row.seq, row.hash) if row is not None else None


async def count_from(connection: AsyncConnection, seq: int) -> int:
    """How many rows there are with this number and above."""
    counted = select(func.count()).select_from(events).where(events.c.seq >= seq)
    return int((await connection.execute(counted)).scalar_one())


async def hash_of(connection: AsyncConnection, seq: int) -> str | None:
    found: str | None = (await connection.execute(select(events.c.hash).where(events.c.seq == seq))).scalar()
    return found


async def stored_after(connection: AsyncConnection, seq: int | None, limit: int) -> list[StoredRow]:
    """The next rows in order; from the very first one with None."""
    asked = select(*_ENTRY_COLUMNS, events.c.hash, events.c.mac).order_by(events.c.seq).limit(limit)
    if seq is not None:
        asked = asked.where(events.c.seq > seq)
    found = (await connection.execute(asked)).all()
    return [StoredRow(Entry(*row[:-2]), row[-2], row[-1]) for row in found]


async def page(
    connection: AsyncConnection,
    wanted: AuditFilter,
    *,
    owner: str | None,
    limit: int,
    before: int | None = None,
    after: int | None = None,
) -> list[AuditEvent]:
    """Newest first below `before`, or oldest first above `after`. `owner` None: everyone's."""
    terms = _terms(wanted)
    terms += [events.c.owner == owner] if owner is not None else []
    terms += [events.c.seq < before] if before is not None else []
    terms += [events.c.seq > after] if after is not None else []
    order = events.c.seq.asc() if after is not None else events.c.seq.desc()
    found = await connection.execute(select(events).where(and_(True, *terms)).order_by(order).limit(limit))
    return [_event(row) for row in found.mappings()]


def _terms(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    terms: list[ColumnElement[bool]] = []
    if wanted.kind is not None:
        is_beginning = wanted.kind.endswith(".")
        column = events.c.kind
        terms.append(column.startswith(wanted.kind, autoescape=True) if is_beginning else column == wanted.kind)
    exact = {"actor": wanted.actor, "session_id": wanted.session_id, "subject": wanted.subject}
    terms += [events.c[name] == value for name, value in exact.items() if value is not None]
    # Times are stored as texts of one width in UTC, which sort as the times do.
    terms += [events.c.at >= time_text(wanted.since)] if wanted.since is not None else []
    terms += [events.c.at < time_text(wanted.until)] if wanted.until is not None else []
    return terms


def _event(row: RowMapping) -> AuditEvent:
    record = AuditRecord(
        kind=row["kind"],
        actor=row["actor"],
        owner=row["owner"],
        session_id=row["session_id"],
        subject=row["subject"],
        outcome=row["outcome"],
        data=_data(row["data"]),
    )
    return AuditEvent(seq=row["seq"], at=_time(row["at"]), record=record, hash=row["hash"])


def _data(text: str) -> Mapping[str, str | int | float | bool | None]:
    """A row somebody has edited must still be shown: `verify` says what is wrong with it."""
    try:
        read = json.loads(text)
    except ValueError:
        read = None
    return read if isinstance(read, dict) else {"unreadable": True}


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = datetime.min
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


async def all_segments(connection: AsyncConnection) -> list[StoredSegment]:
    columns = [segments.c[name] for name in SegmentFacts._fields]
    found = (await connection.execute(select(*columns, segments.c.mac).order_by(segments.c.id))).all()
    return [StoredSegment(SegmentFacts(*row[:-1]), row[-1]) for row in found]


async def add_segment(connection: Connection, facts: SegmentFacts, mac: str) -> None:
    await connection.execute(insert(segments), [facts._asdict() | {"mac": mac}])


async def drop(connection: AsyncConnection, facts: SegmentFacts, mac: str) -> None:
    """Delete a segment's rows; the segment stays, as what the next one is chained to."""
    await connection.execute(delete(events).where(events.c.seq.between(facts.first_seq, facts.last_seq)))
    changed = update(segments).where(segments.c.id == facts.id).values(dropped_at=facts.dropped_at, mac=mac)
    await connection.execute(changed)
