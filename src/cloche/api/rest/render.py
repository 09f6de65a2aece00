"""Sessions and keys as their answers show them."""

from dataclasses import asdict

from cloche.api.auth.keys import KeyRecord
from cloche.api.deps import ApiDeps
from cloche.api.rest.key_schemas import KeyOut
from cloche.api.rest.schemas import SessionOut, masked_upstream
from cloche.api.urls import Origin, connect_url, live_url
from cloche.sessions.model import FINAL_STATUSES, Session


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
            "started": session.started,
            "queue_position": session.queue_position,
            "usage": session.usage,
        }
    )


def render_key(record: KeyRecord) -> KeyOut:
    return KeyOut.model_validate(asdict(record) | {"scopes": sorted(record.scopes)})
