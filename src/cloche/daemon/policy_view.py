"""What `/v1/policy` shows: the settings that decide what a session gets and may do. No secret, no path. Pure."""

from dataclasses import asdict
from typing import Any, Final

from cloche.daemon.policy import ceilings, egress_ceiling, engines
from cloche.daemon.settings import Settings
from cloche.egress.policy import EgressPolicy
from cloche.sessions.egress_policy import EgressCeiling

ANYTHING: Final = "any"
ANY_PORT: Final = "*"


def policy_view(settings: Settings, *, is_loopback: bool) -> dict[str, Any]:
    """JSON, by concern. Raises: InvalidError, as the settings it reads."""
    most = ceilings(settings)
    egress = egress_ceiling(settings, is_loopback=is_loopback)
    return {
        "sessions": {
            "engines": sorted(str(engine) for engine in engines(settings)),
            "max_sessions": settings.max_sessions,
            "max_sessions_per_principal": settings.max_sessions_per_principal,
            "queue_size": settings.queue_size,
            "queue_timeout_s": settings.queue_timeout_s,
            "max_queue_timeout_s": settings.max_queue_timeout_s,
            "idle_timeout_s": most.default_idle_timeout_s,
            "max_idle_timeout_s": most.max_idle_timeout_s,
            "lifetime_s": most.default_lifetime_s,
            "max_lifetime_s": most.max_lifetime_s,
        },
        "budget": {"default": asdict(most.default_budget), "most": asdict(most.max_budget)},
        "egress": {
            **_egress(egress.base),
            "private_hosts": _private_hosts(egress),
        },
        "downloads": {
            "retention_s": settings.artifact_retention_s,
            "quarantine_retention_s": settings.quarantine_retention_s,
            "max_total_bytes": settings.max_artifact_total_bytes,
            "scanner": settings.scanner is not None,
        },
        "profiles": {
            "max_per_principal": settings.max_profiles_per_principal,
            "max_bytes": settings.max_profile_bytes,
            "revisions": settings.profile_revisions,
        },
        "audit": {
            "durability": settings.audit_durability,
            "on_failure": settings.audit_on_failure,
            "retention_days": settings.audit_retention_days,
        },
        "live": {
            "transports": [str(transport) for transport in settings.live_transports],
            "max_viewers": settings.live_max_viewers,
            "clipboard": str(most.default_clipboard),
            "clipboard_ceiling": str(most.max_clipboard),
            "record": str(most.record),
            "record_max_s": settings.live_record_max_s,
            "record_max_bytes": settings.live_record_max_bytes,
        },
    }


def _private_hosts(egress: EgressCeiling) -> list[str] | str:
    if egress.private_hosts is None:
        return ANYTHING
    return [f"{each.pattern.text}:{each.port or ANY_PORT}" for each in egress.private_hosts]


def _egress(policy: EgressPolicy) -> dict[str, Any]:
    return {
        "ports": [f"{first}-{last}" for first, last in policy.ports.ranges],
        "closed_ports": sorted(policy.ports.denied),
        "deny_hosts": [each.text for each in policy.deny_hosts],
        "own_addresses": policy.own_addresses,
        "upstream": policy.upstream is not None,
    }
