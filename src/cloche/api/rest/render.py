"""Sessions, pools and keys as their answers show them."""

from dataclasses import asdict, fields
from urllib.parse import urlsplit

from cloche.api.auth.keys import KeyRecord
from cloche.api.deps import ApiDeps
from cloche.api.rest.key_schemas import KeyOut
from cloche.api.rest.pool_schemas import PoolOptionsOut, PoolOut
from cloche.api.rest.schemas import SessionOut
from cloche.api.urls import Origin, connect_url, live_url
from cloche.sessions.model import FINAL_STATUSES, Session
from cloche.sessions.pool.model import Pool


def render_session(session: Session, deps: ApiDeps, origin: Origin) -> SessionOut:
    options = session.options
    connect, live = None, None
    if session.status not in FINAL_STATUSES:
        drive, control = deps.tokens_for(session.id)
        connect, live = connect_url(origin, session.id, drive), live_url(origin, session.id, control)
    egress = asdict(options.egress) | {"max_bytes": options.budget.egress_bytes}
    egress["upstream"] = masked_upstream(options.egress.upstream)
    return SessionOut.model_validate(
        {
            "id": session.id,
            "status": session.status,
            "reason": session.reason,
            "owner": session.owner,
            "created_at": session.created_at,
            "expires_at": session.expires_at,
            "connect_url": connect,
            "live_url": live,
            "engine": options.engine,
            "browser": session.browser,
            "viewport": options.viewport,
            "budget": options.budget,
            "egress": egress,
            "labels": dict(options.labels),
            "action_allowed_domains": options.action_allowed_domains,
            "machine": options.machine,
            "profile": options.profile,
            "private": options.private,
            "downloads": options.downloads,
            "live": options.live,
            "standby": options.standby,
            "pool": options.pool,
            "started": session.started,
            "queue_position": session.queue_position,
            "usage": session.usage,
        }
    )


def render_pool(pool: Pool) -> PoolOut:
    record, stock = pool.record, pool.stock
    request = record.request
    budget = {name: amount for name, amount in asdict(request.budget).items() if amount is not None}
    options = {field.name: getattr(request, field.name) for field in fields(request)} | {
        "egress": asdict(request.egress) | {"max_bytes": request.egress_max_bytes},
        "budget": budget,
        "labels": dict(request.labels),
    }
    return PoolOut(
        name=record.name,
        size=record.size,
        options=PoolOptionsOut.model_validate(options),
        created_at=record.created_at,
        updated_at=record.updated_at,
        ready=stock.ready,
        building=stock.building,
        wanted=stock.wanted,
        in_use=pool.in_use,
        hits=stock.hits,
        misses=stock.misses,
        hit_rate=pool.hit_rate,
    )


def render_key(record: KeyRecord) -> KeyOut:
    return KeyOut.model_validate(asdict(record) | {"scopes": sorted(record.scopes)})


def masked_upstream(upstream: str | None) -> str | None:
    """The proxy without its user and password."""
    if upstream is None or "@" not in upstream:
        return upstream
    try:
        parts = urlsplit(upstream)
    except ValueError:
        return "***"
    return parts._replace(netloc="***@" + parts.netloc.rpartition("@")[2]).geturl() if parts.netloc else "***"
