"""The table of artifacts and its queries."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Index,
    RowMapping,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from cloche.artifacts.model import Artifact, ArtifactKind, ArtifactState
from cloche.ids import ArtifactId, PrincipalName, ProfileId, SessionId
from cloche.storage.database import metadata
from cloche.storage.timestamps import UtcDateTime

artifacts: Final = Table(
    "artifacts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("session_id", String(32)),
    Column("profile_id", String(32)),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("file_name", String(255), nullable=False),
    Column("media_type", String(128), nullable=False),
    Column("declared_type", String(128), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("source_url", Text, nullable=False),
    Column("referrer", Text, nullable=False),
    Column("blob", String(64), unique=True),  # the file's name; null where no bytes are kept
    Column("sealed_bytes", BigInteger),  # the file's size
    Column("data_key", Text),  # wrapped, see `keys`
    Column("key_id", String(32)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("decided_at", UtcDateTime),
    Column("decided_by", String(128), nullable=False),
    Index("artifacts_by_owner", "owner", "id"),
    Index("artifacts_by_session", "session_id", "id"),
    Index("artifacts_by_expiry", "expires_at"),
    Index("artifacts_by_key", "key_id"),
)

_READ_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Stored:
    """An artifact, and where its bytes are; without a blob only this record of it is kept."""

    artifact: Artifact
    blob: str | None = None
    sealed_bytes: int | None = None
    data_key: str | None = None
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """`size_bytes` of what is kept; `artifacts` counts the records, with those of what was not kept."""

    size_bytes: int = 0
    artifacts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    owner: PrincipalName | None = None
    session_id: SessionId | None = None
    state: ArtifactState | None = None
    kind: ArtifactKind | None = None
    apart_from: ArtifactKind | None = None
    """All but those of this kind."""

    def matches(self, artifact: Artifact) -> bool:
        return (
            self.owner in (None, artifact.owner)
            and self.session_id in (None, artifact.session_id)
            and self.state in (None, artifact.state)
            and self.kind in (None, artifact.kind)
            and self.apart_from is not artifact.kind
        )

    def clauses(self) -> list[ColumnElement[bool]]:
        wanted = (("owner", self.owner), ("session_id", self.session_id), ("state", self.state), ("kind", self.kind))
        clauses: list[ColumnElement[bool]] = [
            artifacts.c[name] == str(value) for name, value in wanted if value is not None
        ]
        return clauses if self.apart_from is None else [*clauses, artifacts.c.kind != str(self.apart_from)]


async def add(connection: AsyncConnection, stored: Stored) -> None:
    await connection.execute(insert(artifacts).values(_to_row(stored)))


async def get(connection: AsyncConnection, artifact_id: ArtifactId) -> Stored | None:
    row = (await connection.execute(select(artifacts).where(artifacts.c.id == artifact_id))).mappings().first()
    return None if row is None else _to_stored(row)


async def page(connection: AsyncConnection, wanted: Filter, *, before: ArtifactId | None, limit: int) -> list[Artifact]:
    """Newest first: the ids are ULIDs, so they sort by time."""
    query = select(artifacts).where(*wanted.clauses()).order_by(artifacts.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(artifacts.c.id < before)
    return [_to_stored(row).artifact for row in (await connection.execute(query)).mappings()]


async def totals(connection: AsyncConnection, wanted: Filter) -> Totals:
    kept = func.sum(artifacts.c.size_bytes).filter(artifacts.c.blob.is_not(None))
    query = select(func.coalesce(kept, 0), func.count()).select_from(artifacts).where(*wanted.clauses())
    size_bytes, count = (await connection.execute(query)).one()
    return Totals(int(size_bytes), int(count))


async def release(
    connection: AsyncConnection, artifact_id: ArtifactId, *, by: str, now: datetime, expires_at: datetime
) -> bool:
    """False: it is not in quarantine, or no longer there."""
    query = (
        update(artifacts)
        .where(artifacts.c.id == artifact_id, artifacts.c.state == str(ArtifactState.QUARANTINED))
        .values(state=str(ArtifactState.RELEASED), decided_at=now, decided_by=by, expires_at=expires_at)
    )
    return (await connection.execute(query)).rowcount == 1


async def remove(connection: AsyncConnection, ids: Iterable[ArtifactId]) -> set[str]:
    """Returns which were there."""
    query = delete(artifacts).where(artifacts.c.id.in_(list(ids))).returning(artifacts.c.id)
    return set((await connection.execute(query)).scalars())


async def expired(connection: AsyncConnection, now: datetime) -> list[Stored]:
    """Some of those whose time is up."""
    query = select(artifacts).where(artifacts.c.expires_at <= now).limit(_READ_AT_ONCE)
    return [_to_stored(row) for row in (await connection.execute(query)).mappings()]


async def with_bytes(connection: AsyncConnection, *, not_under: str | None = None) -> AsyncIterator[Stored]:
    """All of which bytes are kept, in the order of their ids; with `not_under`: whose key is not wrapped by that."""
    after = ""
    while True:
        query = select(artifacts).where(artifacts.c.blob.is_not(None), artifacts.c.id > after)
        if not_under is not None:
            query = query.where(artifacts.c.key_id != not_under)
        query = query.order_by(artifacts.c.id).limit(_READ_AT_ONCE)
        found = [_to_stored(row) for row in (await connection.execute(query)).mappings()]
        for stored in found:
            yield stored
        if len(found) < _READ_AT_ONCE:
            return
        after = found[-1].artifact.id


async def rewrap(connection: AsyncConnection, stored: Stored, *, data_key: str, key_id: str) -> bool:
    """Put a newly wrapped key in the place of the one in `stored`. False: it is not there any more."""
    query = (
        update(artifacts)
        .where(artifacts.c.id == stored.artifact.id, artifacts.c.data_key == stored.data_key)
        .values(data_key=data_key, key_id=key_id)
    )
    return (await connection.execute(query)).rowcount == 1


async def mark_lost(connection: AsyncConnection, stored: Stored, reason: str) -> None:
    """Its bytes are not there: only the record stays."""
    lost = without_bytes(stored.artifact, reason)
    query = update(artifacts).where(artifacts.c.id == lost.id).values(_to_row(Stored(lost)))
    await connection.execute(query)


def without_bytes(artifact: Artifact, reason: str) -> Artifact:
    reasons = tuple(dict.fromkeys((*artifact.reasons, reason)))
    return replace(artifact, state=ArtifactState.REJECTED, reasons=reasons, sha256="")


def _to_row(stored: Stored) -> dict[str, Any]:
    artifact = stored.artifact
    return {
        "id": artifact.id,
        "owner": artifact.owner,
        "session_id": artifact.session_id,
        "profile_id": artifact.profile_id,
        "kind": str(artifact.kind),
        "state": str(artifact.state),
        "reasons": list(artifact.reasons),
        "file_name": artifact.file_name,
        "media_type": artifact.media_type,
        "declared_type": artifact.declared_type,
        "size_bytes": artifact.size_bytes,
        "sha256": artifact.sha256,
        "source_url": artifact.source_url,
        "referrer": artifact.referrer,
        "blob": stored.blob,
        "sealed_bytes": stored.sealed_bytes,
        "data_key": stored.data_key,
        "key_id": stored.key_id,
        "created_at": artifact.created_at,
        "expires_at": artifact.expires_at,
        "decided_at": artifact.decided_at,
        "decided_by": artifact.decided_by,
    }


def _to_stored(row: RowMapping) -> Stored:
    artifact = Artifact(
        id=ArtifactId(row["id"]),
        owner=PrincipalName(row["owner"]),
        session_id=None if row["session_id"] is None else SessionId(row["session_id"]),
        profile_id=None if row["profile_id"] is None else ProfileId(row["profile_id"]),
        kind=ArtifactKind(row["kind"]),
        state=ArtifactState(row["state"]),
        reasons=tuple(row["reasons"]),
        file_name=row["file_name"],
        media_type=row["media_type"],
        declared_type=row["declared_type"],
        size_bytes=row["size_bytes"],
        sha256=row["sha256"],
        source_url=row["source_url"],
        referrer=row["referrer"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
    )
    return Stored(artifact, row["blob"], row["sealed_bytes"], row["data_key"], row["key_id"])
