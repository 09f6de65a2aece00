"""The table of named pools, and how rows and model become each other."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import JSON, Column, Integer, RowMapping, String, Table, Text, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cloche.sessions.model import SessionRequest
from cloche.sessions.pool.model import PoolRecord
from cloche.storage.database import metadata
from cloche.storage.timestamps import UtcDateTime

pools = Table(
    "pools",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("size", Integer, nullable=False),
    Column("options", JSON, nullable=False),
    # The upstream proxy's URL with its credentials, under the server's key; `options` holds it without them.
    Column("upstream_sealed", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)


async def add(connection: AsyncConnection, record: PoolRecord) -> None:
    """Raises: IntegrityError: there is one of that name."""
    row = _state(record) | {"name": record.name, "created_at": record.created_at}
    await connection.execute(insert(pools).values(row))


async def save(connection: AsyncConnection, record: PoolRecord) -> None:
    await connection.execute(update(pools).where(pools.c.name == record.name).values(_state(record)))


async def remove(connection: AsyncConnection, name: str) -> None:
    await connection.execute(delete(pools).where(pools.c.name == name))


async def every(connection: AsyncConnection) -> Sequence[RowMapping]:
    """By name. Each is read by `record_of`, so that one that cannot be does not hide the others."""
    return (await connection.execute(select(pools).order_by(pools.c.name))).mappings().all()


def record_of(row: RowMapping) -> PoolRecord:
    """Raises: msgspec.ValidationError: a newer server has written what this one does not know."""
    return PoolRecord(
        name=row["name"],
        size=row["size"],
        request=msgspec.convert(row["options"], SessionRequest),
        upstream_sealed=row["upstream_sealed"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _state(record: PoolRecord) -> dict[str, Any]:
    return {
        "size": record.size,
        "options": msgspec.to_builtins(record.request),
        "upstream_sealed": record.upstream_sealed,
        "updated_at": record.updated_at,
    }
