"""The tables of profiles, and how rows and model become each other.

A write begins with a statement that locks the profile's row (an UPDATE or DELETE of it): on SQLite, where Python
opens a transaction only with the first change, as on PostgreSQL what is read after it stays so until the commit.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    Select,
    String,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from cloche.ids import PrincipalName, ProfileId, SessionId
from cloche.profiles.lease import Lease
from cloche.profiles.model import NewProfile, Profile, ProfileForm, Revision
from cloche.storage.database import metadata
from cloche.storage.timestamps import UtcDateTime

profiles = Table(
    "profiles",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("name", String(128), nullable=False),
    Column("theme_color", String(24), nullable=False),
    Column("is_private", Boolean, nullable=False),
    Column("persistence", Boolean, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime, nullable=False),
    # Set: the sealed state of a hibernated session, which is in no listing and counts for nothing.
    Column("kept_for", String(32)),
    Index("profiles_by_owner", "owner", "last_used_at", "id"),
    Index(
        "profiles_one_active",
        "owner",
        unique=True,
        sqlite_where=text("is_active"),
        postgresql_where=text("is_active"),
    ),
)

# Apart from `profiles`, whose rows are written again at every use: each time a copy of the key would be left behind.
keys = Table(
    "profile_keys",
    metadata,
    Column("profile_id", String(32), ForeignKey("profiles.id", ondelete="CASCADE"), primary_key=True),
    Column("key_id", String(32), nullable=False),
    Column("data_key", Text, nullable=False),
    Index("profile_keys_by_key", "key_id"),
)

revisions = Table(
    "profile_revisions",
    metadata,
    Column("profile_id", String(32), ForeignKey("profiles.id", ondelete="CASCADE"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("form", String(16), nullable=False),
    Column("engine", String(16), nullable=False),
    Column("blob", String(64), nullable=False, unique=True),
    Column("sealed_bytes", BigInteger, nullable=False),
    Column("session_id", String(32)),
    Column("created_at", UtcDateTime, nullable=False),
)

leases = Table(
    "profile_leases",
    metadata,
    Column("profile_id", String(32), ForeignKey("profiles.id", ondelete="CASCADE"), primary_key=True),
    Column("session_id", String(32), primary_key=True),
    Column("writes", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("taken_at", UtcDateTime, nullable=False),
    Index(
        "profile_leases_one_writer",
        "profile_id",
        unique=True,
        sqlite_where=text("writes"),
        postgresql_where=text("writes"),
    ),
)


async def add(
    connection: AsyncConnection,
    profile_id: ProfileId,
    owner: PrincipalName,
    request: NewProfile,
    now: datetime,
    *,
    kept_for: SessionId | None = None,
) -> None:
    row = {
        "id": profile_id,
        "owner": owner,
        "name": request.name,
        "theme_color": request.theme_color,
        "is_private": request.private,
        "persistence": request.persistence,
        "is_active": False,
        "revision": 0,
        "created_at": now,
        "updated_at": now,
        "last_used_at": now,
        "kept_for": kept_for,
    }
    await connection.execute(insert(profiles).values(row))


async def change(connection: AsyncConnection, profile_id: ProfileId, **values: Any) -> bool:
    """Write columns of a profile and lock its row. False: there is no such profile."""
    done = await connection.execute(update(profiles).where(profiles.c.id == profile_id).values(**values))
    return done.rowcount == 1


async def find(connection: AsyncConnection, profile_id: ProfileId) -> Profile | None:
    row = (await connection.execute(_shown().where(profiles.c.id == profile_id))).mappings().first()
    return (await _with_leases(connection, [row]))[0] if row is not None else None


async def page(
    connection: AsyncConnection, owner: PrincipalName | None, before: tuple[datetime, str] | None, limit: int
) -> list[Profile]:
    """Last used first, from after `before` (a time of use and the id that had it) on."""
    query = _shown().where(profiles.c.kept_for.is_(None))
    query = query.order_by(profiles.c.last_used_at.desc(), profiles.c.id.desc()).limit(limit)
    if owner is not None:
        query = query.where(profiles.c.owner == owner)
    if before is not None:
        at, profile_id = before
        earlier = and_(profiles.c.last_used_at == at, profiles.c.id < profile_id)
        query = query.where(or_(profiles.c.last_used_at < at, earlier))
    return await _with_leases(connection, (await connection.execute(query)).mappings().all())


async def count(connection: AsyncConnection, owner: PrincipalName) -> int:
    theirs = and_(profiles.c.owner == owner, profiles.c.kept_for.is_(None))
    query = select(func.count()).select_from(profiles).where(theirs)
    return int((await connection.execute(query)).scalar_one())


async def active_id(connection: AsyncConnection, owner: PrincipalName) -> ProfileId | None:
    query = select(profiles.c.id).where(profiles.c.owner == owner, profiles.c.is_active)
    return (await connection.execute(query)).scalar()


async def last_used_id(connection: AsyncConnection, owner: PrincipalName) -> ProfileId | None:
    order = profiles.c.last_used_at.desc(), profiles.c.id.desc()
    theirs = and_(profiles.c.owner == owner, profiles.c.kept_for.is_(None))
    return (await connection.execute(select(profiles.c.id).where(theirs).order_by(*order).limit(1))).scalar()


async def make_active(connection: AsyncConnection, owner: PrincipalName, profile_id: ProfileId) -> None:
    """In two steps: there is never more than one, not within a statement either."""
    was_active = and_(profiles.c.owner == owner, profiles.c.is_active, profiles.c.id != profile_id)
    await connection.execute(update(profiles).where(was_active).values(is_active=False))
    await connection.execute(update(profiles).where(profiles.c.id == profile_id).values(is_active=True))


async def remove(connection: AsyncConnection, profile_id: ProfileId) -> None:
    """With all that hangs on it."""
    await connection.execute(delete(profiles).where(profiles.c.id == profile_id))


async def kept_for(
    connection: AsyncConnection, session_id: SessionId | None = None
) -> list[tuple[ProfileId, SessionId]]:
    """The states of hibernated sessions, of one of them or (None) of all, and whose each is."""
    query = select(profiles.c.id, profiles.c.kept_for).where(profiles.c.kept_for.is_not(None))
    if session_id is not None:
        query = query.where(profiles.c.kept_for == session_id)
    return [(row.id, SessionId(row.kept_for)) for row in await connection.execute(query)]


async def every_id(connection: AsyncConnection) -> list[ProfileId]:
    return list((await connection.execute(select(profiles.c.id))).scalars())


# --- data keys


async def overwrite_what_goes(connection: AsyncConnection) -> None:
    """What this transaction deletes or replaces is overwritten with zeros in the file (SQLite's `secure_delete`).

    Stays with the connection, where it does no harm. PostgreSQL has nothing like it.
    """
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql("PRAGMA secure_delete=ON")


async def empty_wal(connection: AsyncConnection) -> bool:
    """Carry SQLite's log over into the file and cut it off. Outside a transaction. False: somebody was reading."""
    if connection.dialect.name != "sqlite":
        return True
    done = await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    busy = done.scalar()
    return busy == 0


async def add_key(connection: AsyncConnection, profile_id: ProfileId, key_id: str, data_key: str) -> None:
    await connection.execute(insert(keys).values(profile_id=profile_id, key_id=key_id, data_key=data_key))


async def key_of(connection: AsyncConnection, profile_id: ProfileId) -> str | None:
    return (await connection.execute(select(keys.c.data_key).where(keys.c.profile_id == profile_id))).scalar()


async def remove_key(connection: AsyncConnection, profile_id: ProfileId) -> bool:
    done = await connection.execute(delete(keys).where(keys.c.profile_id == profile_id))
    return done.rowcount == 1


async def keys_under_others(
    connection: AsyncConnection, key_id: str, after: str, limit: int
) -> list[tuple[ProfileId, PrincipalName, str]]:
    """Data keys, in the order of their profiles, that are wrapped by another key than `key_id`."""
    query = (
        select(keys.c.profile_id, profiles.c.owner, keys.c.data_key)
        .join(profiles, profiles.c.id == keys.c.profile_id)
        .where(keys.c.key_id != key_id, keys.c.profile_id > after)
        .order_by(keys.c.profile_id)
        .limit(limit)
    )
    return [tuple(row) for row in await connection.execute(query)]


async def replace_key(connection: AsyncConnection, profile_id: ProfileId, old: str, key_id: str, new: str) -> bool:
    """False: it is another one by now, or gone."""
    theirs = and_(keys.c.profile_id == profile_id, keys.c.data_key == old)
    done = await connection.execute(update(keys).where(theirs).values(key_id=key_id, data_key=new))
    return done.rowcount == 1


# --- revisions


async def advance(connection: AsyncConnection, profile_id: ProfileId, *, base: int, now: datetime) -> bool:
    """Count one revision on from `base`, and lock the row. False: it is another one by now, or the profile is gone."""
    done = await connection.execute(
        update(profiles)
        .where(profiles.c.id == profile_id, profiles.c.revision == base)
        .values(revision=base + 1, updated_at=now, last_used_at=now)
    )
    return done.rowcount == 1


async def add_revision(connection: AsyncConnection, profile_id: ProfileId, revision: Revision, blob: str) -> None:
    row = {
        "profile_id": profile_id,
        "revision": revision.revision,
        "form": str(revision.form),
        "engine": revision.engine,
        "blob": blob,
        "sealed_bytes": revision.size_bytes,
        "session_id": revision.session_id,
        "created_at": revision.created_at,
    }
    await connection.execute(insert(revisions).values(row))


async def retire(connection: AsyncConnection, profile_id: ProfileId, *, keep: int) -> list[str]:
    """Forget all revisions but the newest `keep`, and those that readers were promised; returns their blobs' names."""
    of_it = revisions.c.profile_id == profile_id
    query = select(revisions.c.revision, revisions.c.blob).where(of_it).order_by(revisions.c.revision.desc())
    # Of a writer's nothing: by the time that it saves it has read what it began with.
    promised = {lease.revision for lease in await leases_of(connection, [profile_id]) if not lease.writes}
    past = (await connection.execute(query)).all()[keep:]
    old = [row for row in past if row.revision not in promised]
    if old:
        numbers = [row.revision for row in old]
        await connection.execute(delete(revisions).where(of_it, revisions.c.revision.in_(numbers)))
    return [row.blob for row in old]


async def revision_of(connection: AsyncConnection, profile_id: ProfileId, revision: int) -> tuple[Revision, str] | None:
    """One revision and the name of its blob."""
    query = select(revisions).where(revisions.c.profile_id == profile_id, revisions.c.revision == revision)
    row = (await connection.execute(query)).mappings().first()
    return (_to_revision(row), row["blob"]) if row is not None else None


async def revisions_of(connection: AsyncConnection, profile_id: ProfileId) -> list[Revision]:
    """Newest first."""
    query = select(revisions).where(revisions.c.profile_id == profile_id).order_by(revisions.c.revision.desc())
    return [_to_revision(row) for row in (await connection.execute(query)).mappings()]


async def every_blob(connection: AsyncConnection, profile_id: ProfileId) -> set[str]:
    return set(
        (await connection.execute(select(revisions.c.blob).where(revisions.c.profile_id == profile_id))).scalars()
    )


# --- leases


async def leases_of(connection: AsyncConnection, ids: Collection[ProfileId]) -> list[Lease]:
    """Oldest first."""
    query = select(leases).where(leases.c.profile_id.in_(ids)).order_by(leases.c.taken_at, leases.c.session_id)
    return [Lease(**row) for row in (await connection.execute(query)).mappings()]


async def put_lease(connection: AsyncConnection, lease: Lease) -> None:
    """In place of what the session had of that profile. Raises: IntegrityError when another one writes."""
    mine = and_(leases.c.profile_id == lease.profile_id, leases.c.session_id == lease.session_id)
    await connection.execute(delete(leases).where(mine))
    row = {
        "profile_id": lease.profile_id,
        "session_id": lease.session_id,
        "writes": lease.writes,
        "revision": lease.revision,
        "taken_at": lease.taken_at,
    }
    await connection.execute(insert(leases).values(row))


async def lease_holders(connection: AsyncConnection) -> list[SessionId]:
    return list((await connection.execute(select(leases.c.session_id).distinct())).scalars())


async def drop_leases(connection: AsyncConnection, sessions: Iterable[SessionId]) -> None:
    for session_id in sessions:
        await connection.execute(delete(leases).where(leases.c.session_id == session_id))


# --- rows and model


def _shown() -> Select[Any]:
    kept = revisions.alias()
    size = select(func.sum(kept.c.sealed_bytes)).where(kept.c.profile_id == profiles.c.id)
    last = and_(revisions.c.profile_id == profiles.c.id, revisions.c.revision == profiles.c.revision)
    return select(profiles, revisions.c.form, revisions.c.engine, size.scalar_subquery().label("size_bytes")).outerjoin(
        revisions, last
    )


async def _with_leases(connection: AsyncConnection, rows: Collection[RowMapping]) -> list[Profile]:
    held: dict[str, list[Lease]] = {}
    for lease in await leases_of(connection, [row["id"] for row in rows]) if rows else ():
        held.setdefault(lease.profile_id, []).append(lease)
    return [_to_profile(row, held.get(row["id"], [])) for row in rows]


def _to_profile(row: RowMapping, held: list[Lease]) -> Profile:
    return Profile(
        id=ProfileId(row["id"]),
        owner=PrincipalName(row["owner"]),
        name=row["name"],
        theme_color=row["theme_color"],
        private=row["is_private"],
        persistence=row["persistence"],
        active=row["is_active"],
        revision=row["revision"],
        form=ProfileForm(row["form"]) if row["form"] is not None else None,
        engine=row["engine"] or "",
        size_bytes=int(row["size_bytes"] or 0),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        last_used_at=row["last_used_at"],
        used_by=tuple(lease.session_id for lease in held),
        written_by=next((lease.session_id for lease in held if lease.writes), None),
        kept_for=SessionId(row["kept_for"]) if row["kept_for"] is not None else None,
    )


def _to_revision(row: RowMapping) -> Revision:
    return Revision(
        revision=row["revision"],
        form=ProfileForm(row["form"]),
        engine=row["engine"],
        size_bytes=row["sealed_bytes"],
        session_id=SessionId(row["session_id"]) if row["session_id"] is not None else None,
        created_at=row["created_at"],
    )
