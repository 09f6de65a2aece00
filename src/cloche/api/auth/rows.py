"""The table of API keys and its queries."""

from datetime import datetime
from typing import Final

from sqlalchemy import JSON, Column, Index, RowMapping, String, Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cloche.ids import KeyId
from cloche.storage.database import metadata
from cloche.storage.sqlite_thread import Connection
from cloche.storage.timestamps import UtcDateTime

keys: Final = Table(
    "keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("secret_hash", String(64), nullable=False, unique=True),  # SHA-256, hex
    Column("principal", String(128), nullable=False),
    Column("role", String(16), nullable=False),
    Column("name", String(128), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    Column("scopes", JSON, nullable=False, server_default="[]"),
    Index("keys_by_principal", "principal"),
)


async def add(connection: AsyncConnection, **values: str | datetime | list[str] | None) -> None:
    await connection.execute(insert(keys).values(**values))


async def by_hash(connection: Connection, secret_hash: str) -> RowMapping | None:
    result = await connection.execute(select(keys).where(keys.c.secret_hash == secret_hash))
    return result.mappings().one_or_none()


async def by_id(connection: AsyncConnection, key_id: KeyId) -> RowMapping | None:
    result = await connection.execute(select(keys).where(keys.c.id == key_id))
    return result.mappings().one_or_none()


async def page(connection: AsyncConnection, *, before: KeyId | None, limit: int) -> list[RowMapping]:
    """Newest first: the ids are ULIDs, so they sort by time."""
    query = select(keys).order_by(keys.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(keys.c.id < before)
    return list((await connection.execute(query)).mappings())


async def any_valid(connection: AsyncConnection) -> bool:
    query = select(keys.c.id).where(keys.c.revoked_at.is_(None)).limit(1)
    return (await connection.execute(query)).first() is not None


async def revoke(connection: AsyncConnection, key_id: KeyId, now: datetime) -> None:
    query = update(keys).where(keys.c.id == key_id, keys.c.revoked_at.is_(None)).values(revoked_at=now)
    await connection.execute(query)


async def touch(connection: Connection, key_id: KeyId, now: datetime) -> None:
    await connection.execute(update(keys).where(keys.c.id == key_id).values(last_used_at=now))
