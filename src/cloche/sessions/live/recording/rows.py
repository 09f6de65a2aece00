"""The table of recordings. They go with their session's row; the files they became have rows of their own.

Of private sessions there is none: even a deleted row can be read from the database's file for a while.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from cloche.ids import ArtifactId, PrincipalName, SessionId
from cloche.sessions.live.interface import Mark, RecordingFormat, RecordingInfo, RecordingStatus
from cloche.storage.database import metadata
from cloche.storage.timestamps import UtcDateTime

recordings: Final = Table(
    "recordings",
    metadata,
    Column("session_id", String(32), ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    # 1, 2, …: it is called `r1`, `r2`, … in its session.
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("owner", String(128), nullable=False),
    Column("format", String(8), nullable=False),
    Column("status", String(16), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("seconds", Float, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("ended_by", String(32), nullable=False),
    Column("artifact_id", String(32)),
    Column("error", String(64), nullable=False),
    Column("marks", JSON, nullable=False),
    Index("recordings_by_status", "status"),
)

_UNFINISHED: Final = (str(RecordingStatus.RUNNING), str(RecordingStatus.FINISHING))


async def add(
    connection: AsyncConnection, session_id: SessionId, number: int, owner: PrincipalName, info: RecordingInfo
) -> None:
    row = {"session_id": session_id, "number": number, "owner": owner, "started_at": info.started_at}
    await connection.execute(insert(recordings).values(row | _facts(info, None)))


async def save(
    connection: AsyncConnection, session_id: SessionId, number: int, info: RecordingInfo, ended_at: datetime
) -> None:
    mine = (recordings.c.session_id == session_id, recordings.c.number == number)
    await connection.execute(update(recordings).where(*mine).values(_facts(info, ended_at)))


async def of_session(
    connection: AsyncConnection, session_id: SessionId, *, owner: PrincipalName | None, limit: int
) -> dict[int, RecordingInfo]:
    """By their numbers, newest first. `owner` None: whoever's it is."""
    query = select(recordings).where(recordings.c.session_id == session_id)
    if owner is not None:
        query = query.where(recordings.c.owner == owner)
    query = query.order_by(recordings.c.number.desc()).limit(limit)
    return {row["number"]: _to_info(row) for row in (await connection.execute(query)).mappings()}


async def last_number(connection: AsyncConnection, session_id: SessionId) -> int:
    """0: there is none."""
    query = select(func.max(recordings.c.number)).where(recordings.c.session_id == session_id)
    return int((await connection.execute(query)).scalar() or 0)


async def mark_lost(connection: AsyncConnection, why: str) -> int:
    """Those that an earlier daemon did not finish: their frames were its own. Returns how many."""
    lost = {"status": str(RecordingStatus.FAILED), "error": why}
    result = await connection.execute(update(recordings).where(recordings.c.status.in_(_UNFINISHED)).values(lost))
    return int(result.rowcount)


def _facts(info: RecordingInfo, ended_at: datetime | None) -> dict[str, Any]:
    return {
        "format": str(info.format),
        "status": str(info.status),
        "ended_at": ended_at,
        "seconds": info.seconds,
        "bytes": info.bytes,
        "ended_by": info.ended_by,
        "artifact_id": info.artifact_id,
        "error": info.error,
        "marks": [[mark.at_s, mark.title] for mark in info.marks],
    }


def _to_info(row: RowMapping) -> RecordingInfo:
    return RecordingInfo(
        id=f"r{row['number']}",
        status=RecordingStatus(row["status"]),
        format=RecordingFormat(row["format"]),
        started_at=row["started_at"],
        seconds=row["seconds"],
        bytes=row["bytes"],
        ended_by=row["ended_by"],
        artifact_id=None if row["artifact_id"] is None else ArtifactId(row["artifact_id"]),
        error=row["error"],
        marks=_marks(row["marks"]),
    )


def _marks(stored: Iterable[tuple[float, str]]) -> tuple[Mark, ...]:
    return tuple(Mark(at_s=at_s, title=title) for at_s, title in stored)
