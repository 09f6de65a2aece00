"""From settings to the small frozen views that the parts get. Pure."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Final

from cloche.daemon.settings import Settings
from cloche.egress.policy import (
    EgressPolicy,
    parse_host_patterns,
    parse_ports,
    parse_private_ceiling,
    parse_upstream,
)
from cloche.errors import InvalidError
from cloche.sandbox.namespace.uid_range import UidRange
from cloche.sandbox.spec import Engine
from cloche.sessions.admission import AdmissionLimits
from cloche.sessions.budget import Ceilings
from cloche.sessions.egress_policy import EgressCeiling
from cloche.sessions.model import Budget, OnExhausted
from cloche.sessions.pool.keeper import PoolSettings
from cloche.sessions.pressure.judge import Thresholds
from cloche.sessions.sandbox_spec import AgentSettings
from cloche.sessions.waiting.queue import QueueLimits
from cloche.vault.keyring import KeySource

_AMOUNT_SETTINGS: Final = {field.name: field.name for field in fields(Budget) if field.name != "on_exhausted"} | {
    "upload_bytes": "file_input_bytes"
}
"""Where the default of a budget's amount stands; its ceiling is `max_` and that."""


def ceilings(settings: Settings) -> Ceilings:
    return Ceilings(
        default_budget=default_budget(settings),
        max_budget=max_budget(settings),
        min_action_window_ms=settings.min_action_window_ms,
        default_idle_timeout_s=min(settings.idle_timeout_s, settings.max_idle_timeout_s),
        max_idle_timeout_s=settings.max_idle_timeout_s,
        default_lifetime_s=min(settings.lifetime_s, settings.max_lifetime_s),
        max_lifetime_s=settings.max_lifetime_s,
        engines=frozenset(str(engine) for engine in engines(settings)),
        default_standby_s=settings.standby_after_s,
        default_clipboard=settings.live_clipboard,
        max_clipboard=settings.live_clipboard_ceiling,
        record=settings.live_record,
    )


def max_budget(settings: Settings) -> Budget:
    """The most of everything. Each field has its setting, by name."""
    amounts = {name: getattr(settings, f"max_{setting}") for name, setting in _AMOUNT_SETTINGS.items()}
    return Budget(**amounts, on_exhausted=OnExhausted(settings.on_exhausted))


def default_budget(settings: Settings) -> Budget:
    """What a session gets that asks for nothing: a default above its ceiling is lowered to it."""
    most = max_budget(settings)
    lowered = {name: min(getattr(settings, setting), getattr(most, name)) for name, setting in _AMOUNT_SETTINGS.items()}
    return replace(most, **lowered)


def admission_limits(settings: Settings) -> AdmissionLimits:
    return AdmissionLimits(settings.max_sessions, settings.max_sessions_per_principal)


def pool_settings(settings: Settings) -> PoolSettings:
    return PoolSettings(
        size=settings.pool_size,
        most=settings.pool_max,
        settle_s=settings.pool_settle_s,
        max_age_s=settings.pool_max_age_s,
    )


def queue_limits(settings: Settings) -> QueueLimits:
    return QueueLimits(
        size=settings.queue_size, timeout_s=settings.queue_timeout_s, max_timeout_s=settings.max_queue_timeout_s
    )


def thresholds(settings: Settings) -> Thresholds:
    return Thresholds(
        cpu_percent=settings.pressure_cpu_percent,
        load=settings.pressure_load,
        memory_percent=settings.pressure_memory_percent,
        io_percent=settings.pressure_io_percent,
        memory_reserve_bytes=settings.memory_reserve_bytes,
        pids_reserve=settings.pids_reserve,
    )


def agent_settings(settings: Settings) -> AgentSettings:
    return AgentSettings(
        lease_s=settings.lease_s,
        browser_start_timeout_s=settings.browser_start_timeout_s,
        restart_budget=settings.restart_budget,
        restart_window_s=settings.restart_window_s,
    )


def key_source(settings: Settings) -> KeySource:
    text = settings.state_key.get_secret_value() if settings.state_key is not None else None
    return KeySource(text=text, file=settings.state_key_file, command=settings.state_key_command)


def engines(settings: Settings) -> dict[Engine, Path]:
    """The shell always; full Chromium where it is installed."""
    found = {Engine.SHELL: settings.chromium_shell}
    return found | ({Engine.CHROME: settings.chromium} if settings.chromium.exists() else {})


def uid_range(settings: Settings) -> UidRange:
    """Read `first:count`. Raises: InvalidError."""
    if not settings.uid_range:
        return UidRange()
    first, _, count = settings.uid_range.partition(":")
    if not (first.isdecimal() and count.isdecimal() and int(first) >= 1000 and int(count) >= 1):
        raise InvalidError("CLOCHE_UID_RANGE must be first:count, from uid 1000 up", field="CLOCHE_UID_RANGE")
    return UidRange(int(first), int(count))


def egress_ceiling(settings: Settings, *, is_loopback: bool) -> EgressCeiling:
    """Raises: InvalidError for a malformed setting; `field` names it."""
    base = EgressPolicy(
        own_addresses=settings.egress_own_addresses,
        deny_hosts=parse_host_patterns(settings.egress_deny_hosts, field="CLOCHE_EGRESS_DENY_HOSTS"),
        upstream=parse_upstream(
            settings.egress_upstream.get_secret_value(), trusted=True, field="CLOCHE_EGRESS_UPSTREAM"
        )
        if settings.egress_upstream
        else None,
    )
    if settings.egress_ports:
        base = replace(base, ports=parse_ports(settings.egress_ports, field="CLOCHE_EGRESS_PORTS"))
    named = settings.private_hosts_ceiling
    if named is None:
        return EgressCeiling(None if is_loopback else (), base)
    ceiling = tuple(parse_private_ceiling(text, field="CLOCHE_PRIVATE_HOSTS_CEILING") for text in named)
    return EgressCeiling(ceiling, base)
