"""Sessions as messages."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from cloche.api.grpc.convert import Writer, bare_ulid
from cloche.api.grpc.generated import browser_pb2 as pb
from cloche.browser.contract.state import GetPermissionsResponse, Permissions
from cloche.browser.contract.tabs import BrowserTab, ListTabsResponse
from cloche.errors import InvalidError
from cloche.sessions.model import Budget, Downloads, Session, SessionOptions

CHANNEL_LABEL: Final = "channel"
DEFAULT_PAGE: Final = 50
MAX_PAGE: Final = 200

AMOUNTS: Final = {
    "max_navigation_timeout_ms": "navigation_timeout_ms",
    "max_screenshot_bytes": "screenshot_bytes",
    "max_response_bytes": "response_bytes",
    "max_title_bytes": "title_bytes",
    "max_action_timeout_ms": "action_timeout_ms",
    "max_type_input_bytes": "type_bytes",
    "max_actions_per_session": "actions",
    "max_actions_per_window": "actions_per_window",
    "action_rate_window_ms": "action_window_ms",
    "max_action_log_entries": "action_log_entries",
    "max_observe_snapshot_bytes": "snapshot_bytes",
    "max_visible_text_bytes": "text_bytes",
    "max_network_log_entries": "network_log_entries",
    "max_network_log_bytes": "network_log_bytes",
    "max_tabs_per_session": "tabs",
    "max_upload_bytes": "upload_bytes",
    "max_pdf_bytes": "pdf_bytes",
    "max_memory_bytes": "memory_bytes",
    "max_processes": "processes",
    "max_cpu_cores": "cpu_cores",
    "max_disk_bytes": "disk_bytes",
    "max_egress_bytes": "egress_bytes",
    "max_egress_connections": "egress_connections",
    "max_artifact_bytes": "artifact_bytes",
    "max_artifacts_bytes": "artifacts_bytes",
    "max_artifacts": "artifacts",
    "on_exhausted": "on_exhausted",
}
"""The fields of `SessionBudget` and those of ours; a session's lifetime is one of the former alone."""

_TABS: Final = Writer(BrowserTab, pb.BrowserTab)
_PERMISSIONS: Final = Writer(Permissions, pb.Permissions)


def unix_ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def id_message(id_: str) -> pb.CanonicalId:
    return pb.CanonicalId(ulid=bare_ulid(id_))


def kept_fields(options: SessionOptions) -> dict[str, Any]:
    """What a session keeps and lets out, in the fields that two messages share."""
    profile = options.profile
    fields: dict[str, Any] = {
        "downloads_enabled": options.downloads is not Downloads.OFF,
        "private_profile": options.private,
    }
    if profile is not None:
        fields |= {
            "profile_id": id_message(profile.id),
            "persistence_enabled": profile.save,
            "state_restored": profile.revision > 0,
        }
    return fields


def page_size(limit: int) -> int:
    """How many a listing answers. Raises: InvalidError."""
    if limit > MAX_PAGE:
        raise InvalidError(f"limit: at most {MAX_PAGE}", field="limit")
    return limit or DEFAULT_PAGE


def budget_message(budget: Budget, lifetime_s: int) -> pb.SessionBudget:
    amounts = {theirs: getattr(budget, ours) for theirs, ours in AMOUNTS.items()}
    return pb.SessionBudget(v=1, max_session_lifetime_ms=lifetime_s * 1000, **amounts)


def created_message(session: Session) -> pb.CreateSessionResponse:
    options = session.options
    return pb.CreateSessionResponse(
        v=1,
        session_id=id_message(session.id),
        created_at_unix_ms=unix_ms(session.created_at),
        expires_at_unix_ms=unix_ms(session.expires_at),
        effective_budget=budget_message(options.budget, options.lifetime_s),
        action_allowed_domains=options.action_allowed_domains,
        private_hosts=options.egress.private_hosts,
        status=session.status.value,
        **kept_fields(options),
    )


def summary_message(session: Session, now: datetime) -> pb.BrowserSessionSummary:
    """What a listing shows; the tabs are nobody's but the browser's to tell."""
    options = session.options
    ended_or_now = session.closed_at or now
    return pb.BrowserSessionSummary(
        v=1,
        session_id=id_message(session.id),
        principal=session.owner,
        channel=options.labels.get(CHANNEL_LABEL, ""),
        created_unix_ms=unix_ms(session.created_at),
        expires_at_unix_ms=unix_ms(session.expires_at),
        closed_at_unix_ms=unix_ms(session.closed_at) if session.closed_at else 0,
        idle_ttl_ms=options.idle_timeout_s * 1000,
        age_ms=max(unix_ms(ended_or_now) - unix_ms(session.created_at), 0),
        action_count=session.usage.actions,
        allow_private_targets=bool(options.egress.private_hosts),
        private_hosts=options.egress.private_hosts,
        action_allowed_domains=options.action_allowed_domains,
        status=session.status.value,
        reason=session.reason,
        engine=options.engine.value,
        labels=dict(options.labels),
        **kept_fields(options),
    )


def listing_message(sessions: Iterable[Session], next_cursor: str | None, now: datetime) -> pb.ListSessionsResponse:
    return pb.ListSessionsResponse(
        v=1,
        sessions=[summary_message(session, now) for session in sessions],
        truncated=next_cursor is not None,
        next_cursor=next_cursor or "",
    )


def detail_message(session: Session, now: datetime) -> pb.BrowserSessionDetail:
    options = session.options
    return pb.BrowserSessionDetail(
        v=1,
        summary=summary_message(session, now),
        effective_budget=budget_message(options.budget, options.lifetime_s),
    )


def add_tabs(detail: pb.BrowserSessionDetail, listed: ListTabsResponse) -> None:
    """Fill in what ListTabs told."""
    detail.tabs.extend(_TABS.write(tab) for tab in listed.tabs)
    detail.summary.tab_count = len(listed.tabs)
    active = next((tab for tab in detail.tabs if tab.active), pb.BrowserTab())
    detail.summary.active_tab_id = active.tab_id
    detail.summary.active_tab_url = active.url
    detail.summary.active_tab_title = active.title


def add_permissions(detail: pb.BrowserSessionDetail, told: GetPermissionsResponse) -> None:
    detail.summary.permissions.CopyFrom(_PERMISSIONS.write(told.permissions))
