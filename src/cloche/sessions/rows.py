"""The tables of sessions, and how rows and model become each other."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    and_,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from cloche.ids import EventId, PrincipalName, SessionId, begun_at
from cloche.live.model import ClipboardPolicy, RecordPolicy
from cloche.profiles.model import ProfileForm
from cloche.sandbox.spec import Engine
from cloche.sessions.model import (
    FINAL_STATUSES,
    BrowserFacts,
    Budget,
    Downloads,
    EgressOptions,
    EventType,
    IfBusy,
    LiveUse,
    OnExhausted,
    ProfileUse,
    Session,
    SessionEvent,
    SessionOptions,
    SessionStatus,
    SessionUsage,
    Started,
    Viewport,
)
from cloche.sessions.resting import Snapshot, StandbyUse
from cloche.storage.database import metadata
from cloche.storage.sqlite_thread import Connection
from cloche.storage.timestamps import UtcDateTime

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    Column("options", JSON, nullable=False),
    Column("browser", JSON),
    Column("usage", JSON, nullable=False),
    Column("sandbox", JSON),
    Column("agent_token_hash", String(64)),
    # The upstream proxy's URL with its credentials, under the server's key; `options` holds it without them.
    Column("upstream_sealed", Text),
    Column("started", String(8), nullable=False, server_default="cold"),
    # Of a hibernated session: where its state is. Set together with its status, and together with it taken away.
    Column("snapshot", JSON),
    Index("sessions_by_owner", "owner", "created_at", "id"),
    Index("sessions_by_time", "created_at", "id"),
    Index("sessions_by_status", "status"),
)

labels = Table(
    "session_labels",
    metadata,
    Column("session_id", String(32), ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("value", String(256), nullable=False),
    Index("session_labels_by_pair", "key", "value"),
)

events = Table(
    "session_events",
    metadata,
    # 64 bits: numbers count all events of a server and are never used again. SQLite's INTEGER has them.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("session_id", String(32), ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("type", String(48), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("data", JSON, nullable=False),
    Index("session_events_by_session", "session_id", "id"),
)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A session that has not ended, with what a new daemon needs to take it over."""

    session: Session
    agent_token_hash: str
    upstream_sealed: str | None


async def add(
    connection: Connection,
    session: Session,
    *,
    agent_token_hash: str,
    upstream_sealed: str | None,
    sandbox: Mapping[str, Any] | None = None,
) -> None:
    row = (
        _state(session)
        | ({} if sandbox is None else {"sandbox": dict(sandbox)})
        | {
            "id": session.id,
            "owner": session.owner,
            "created_at": session.created_at,
            "started": str(session.started),
            "options": _options_to_json(session.options),
            "agent_token_hash": agent_token_hash,
            "upstream_sealed": upstream_sealed,
        }
    )
    await connection.execute(insert(sessions).values(row))
    if session.options.labels:
        pairs = [{"session_id": session.id, "key": key, "value": v} for key, v in session.options.labels.items()]
        await connection.execute(insert(labels), pairs)


async def save(connection: Connection, session: Session, *, sandbox: Mapping[str, Any] | None = None) -> None:
    """Write what can change of a session, and with `sandbox` where that is found again."""
    values = _state(session) | ({} if sandbox is None else {"sandbox": dict(sandbox)})
    await connection.execute(update(sessions).where(sessions.c.id == session.id).values(values))


async def hand_over(
    connection: Connection, session_id: SessionId, description: Mapping[str, Any], agent_token_hash: str
) -> None:
    """It has another sandbox from here on, and an agent with another token."""
    values = {"sandbox": dict(description), "agent_token_hash": agent_token_hash}
    await connection.execute(update(sessions).where(sessions.c.id == session_id).values(values))


async def upstream_of(connection: Connection, session_id: SessionId) -> str | None:
    """As it was sealed."""
    return (await connection.execute(select(sessions.c.upstream_sealed).where(sessions.c.id == session_id))).scalar()


async def get(connection: Connection, session_id: SessionId) -> Session | None:
    row = (await connection.execute(select(sessions).where(sessions.c.id == session_id))).mappings().first()
    return _to_session(row) if row is not None else None


async def page(
    connection: AsyncConnection,
    *,
    owner: PrincipalName | None,
    status: SessionStatus | None,
    wanted_labels: Mapping[str, str],
    before: SessionId | None,
    limit: int,
) -> list[Session]:
    """Newest first, at most `limit`, from beyond `before`.

    By when they were made and not by their ids, which warm sandboxes have before they are sessions.
    """
    query = select(sessions).order_by(sessions.c.created_at.desc(), sessions.c.id.desc()).limit(limit)
    if owner is not None:
        query = query.where(sessions.c.owner == owner)
    if status is not None:
        query = query.where(sessions.c.status == str(status))
    if before is not None:
        found = await connection.execute(select(sessions.c.created_at).where(sessions.c.id == before))
        at = found.scalar() or begun_at(before)  # it may have been forgotten meanwhile
        older, as_old = sessions.c.created_at < at, sessions.c.created_at == at
        query = query.where(older | (as_old & (sessions.c.id < before)))
    for key, value in wanted_labels.items():
        match = and_(labels.c.session_id == sessions.c.id, labels.c.key == key, labels.c.value == value)
        query = query.where(exists(select(labels.c.key).where(match)))
    return [_to_session(row) for row in (await connection.execute(query)).mappings()]


async def unfinished(connection: AsyncConnection) -> dict[SessionId, Unfinished]:
    """Every session that has not ended."""
    query = select(sessions).where(sessions.c.status.not_in([str(status) for status in FINAL_STATUSES]))
    rows = (await connection.execute(query)).mappings().all()
    return {
        SessionId(row["id"]): Unfinished(_to_session(row), row["agent_token_hash"] or "", row["upstream_sealed"])
        for row in rows
    }


async def add_events(connection: Connection, batch: Iterable[SessionEvent]) -> None:
    rows = [{"id": e.id, "session_id": e.session_id, "type": e.type, "at": e.at, "data": dict(e.data)} for e in batch]
    if rows:
        await connection.execute(insert(events), rows)


async def events_after(
    connection: AsyncConnection, session_id: SessionId, after: EventId, limit: int
) -> list[SessionEvent]:
    query = (
        select(events).where(events.c.session_id == session_id, events.c.id > after).order_by(events.c.id).limit(limit)
    )
    return [
        SessionEvent(EventId(row["id"]), SessionId(row["session_id"]), EventType(row["type"]), row["at"], row["data"])
        for row in (await connection.execute(query)).mappings()
    ]


async def last_event_id(connection: AsyncConnection) -> EventId:
    return EventId((await connection.execute(select(func.max(events.c.id)))).scalar() or 0)


async def forget_ended_before(connection: AsyncConnection, moment: datetime) -> int:
    """Delete sessions that ended before `moment`, with their labels and events; return how many."""
    result = await connection.execute(delete(sessions).where(sessions.c.closed_at < moment))
    return int(result.rowcount)


def _state(session: Session) -> dict[str, Any]:
    return {
        "status": str(session.status),
        "reason": session.reason,
        "expires_at": session.expires_at,
        "closed_at": session.closed_at,
        "browser": asdict(session.browser) if session.browser else None,
        "usage": asdict(session.usage),
        "snapshot": _snapshot_to_json(session.snapshot),
    }


def _to_session(row: RowMapping) -> Session:
    return Session(
        id=SessionId(row["id"]),
        owner=PrincipalName(row["owner"]),
        status=SessionStatus(row["status"]),
        reason=row["reason"],
        options=_options_from_json(row["options"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        closed_at=row["closed_at"],
        browser=BrowserFacts(**row["browser"]) if row["browser"] else None,
        usage=replace(SessionUsage(**row["usage"]), devtools_clients=0),
        started=Started(row["started"]),
        snapshot=_snapshot_from_json(row["snapshot"]),
    )


def _snapshot_to_json(snapshot: Snapshot | None) -> dict[str, Any] | None:
    return asdict(snapshot) | {"taken_at": snapshot.taken_at.isoformat()} if snapshot is not None else None


def _snapshot_from_json(value: Mapping[str, Any] | None) -> Snapshot | None:
    return Snapshot(**{**value, "taken_at": datetime.fromisoformat(value["taken_at"])}) if value else None


def _options_to_json(options: SessionOptions) -> dict[str, Any]:
    return asdict(options) | {"labels": dict(options.labels)}


def _options_from_json(value: Mapping[str, Any]) -> SessionOptions:
    egress = value["egress"]
    return SessionOptions(
        engine=Engine(value["engine"]),
        viewport=Viewport(**value["viewport"]),
        start_url=value["start_url"],
        locale=value["locale"],
        timezone=value["timezone"],
        user_agent=value["user_agent"],
        egress=EgressOptions(
            allow_hosts=tuple(egress["allow_hosts"]),
            deny_hosts=tuple(egress["deny_hosts"]),
            private_hosts=tuple(egress["private_hosts"]),
            # Younger than the first rows, as `machine` is: what a stored session was not asked, it did not narrow.
            ports=tuple(egress.get("ports", ())),
            schemes=tuple(egress.get("schemes", ())),
            upstream=egress["upstream"],
        ),
        budget=_budget_from_json(value["budget"]),
        idle_timeout_s=value["idle_timeout_s"],
        lifetime_s=value["lifetime_s"],
        labels=value["labels"],
        action_allowed_domains=tuple(value.get("action_allowed_domains", ())),
        machine=value.get("machine", False),
        profile=_profile_from_json(value.get("profile")),
        private=value.get("private", False),
        downloads=Downloads(value.get("downloads", Downloads.OFF)),
        live=_live_from_json(value.get("live", {})),
        standby=StandbyUse(**standby) if (standby := value.get("standby")) else None,
        pool=value.get("pool"),
    )


def _live_from_json(value: Mapping[str, Any]) -> LiveUse:
    """Of a session that was stored before there was this, nothing goes out and nothing is kept."""
    return LiveUse(
        clipboard=ClipboardPolicy(value.get("clipboard", ClipboardPolicy.OFF)),
        record=RecordPolicy(value.get("record", RecordPolicy.OFF)),
    )


def _profile_from_json(value: Mapping[str, Any] | None) -> ProfileUse | None:
    if value is None:
        return None
    return ProfileUse(**{**value, "if_busy": IfBusy(value["if_busy"]), "form": ProfileForm(value["form"])})


def _budget_from_json(value: Mapping[str, Any]) -> Budget:
    budget = Budget(**value)
    return replace(budget, on_exhausted=OnExhausted(budget.on_exhausted))
