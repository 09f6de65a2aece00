"""What a caller asked for, checked and clamped to what the server allows. Pure.

Amounts above a ceiling are lowered to it, and the answer shows what is in force; amounts that make no sense, and
permissions beyond the server's, are errors.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final
from urllib.parse import urlsplit

from cloche.egress.hosts import parse_host_pattern
from cloche.errors import InvalidError
from cloche.live.model import ClipboardPolicy, RecordPolicy
from cloche.sessions.model import (
    Budget,
    BudgetRequest,
    LiveRequest,
    LiveUse,
    OnExhausted,
    SessionOptions,
    SessionRequest,
    Viewport,
)
from cloche.sessions.resting import StandbyUse

MAX_LABELS: Final = 32
MAX_HOSTS: Final = 256
MAX_ALLOWED_DOMAINS: Final = 256
MIN_STANDBY_S: Final = 1.0
MAX_STANDBY_S: Final = 3600.0
MAX_HIBERNATE_S: Final = 604_800.0

_LABEL_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,62}")
_LOCALE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_TIMEZONE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,32}){0,2}")
_USER_AGENT: Final = re.compile(r"[\x20-\x7e]{1,512}")


DISK_SHARE_OF_MEMORY: Final = 0.5
"""A session's files are in its memory. When they fill their share, there is room left for the browser, and whoever
writes more is told that the disk is full; if they could fill all of it, the kernel would kill somebody instead."""

_LEAST: Final[Mapping[str, int]] = {"disk_bytes": 16 << 20, "egress_bytes": 0}
"""Of amounts that may be asked for, where it is not 1 and the server does not say."""
_CLIPBOARDS: Final = {(policy.lets_in, policy.lets_out): policy for policy in ClipboardPolicy}
_AMOUNTS: Final = tuple(field.name for field in fields(Budget) if field.name not in {"cpu_cores", "on_exhausted"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """What a session gets when nothing was asked, and the most it can get."""

    default_budget: Budget
    max_budget: Budget
    min_memory_bytes: int = 256 << 20
    min_processes: int = 64
    min_action_window_ms: int = 1_000
    """A shorter window is made this long: the same number of actions in less time would be more of them."""
    default_idle_timeout_s: int = 600
    max_idle_timeout_s: int = 86_400
    default_lifetime_s: int = 3_600
    max_lifetime_s: int = 86_400
    max_viewport_pixels: int = 16_000_000
    engines: frozenset[str] = field(default_factory=lambda: frozenset({"shell"}))
    default_standby_s: float = 5.0
    default_clipboard: ClipboardPolicy = ClipboardPolicy.IN
    max_clipboard: ClipboardPolicy = ClipboardPolicy.BOTH
    record: RecordPolicy = RecordPolicy.ON_REQUEST
    """`off` and `always` are the server's last word; with `on_request` a session may choose."""


def effective_options(request: SessionRequest, ceilings: Ceilings) -> SessionOptions:
    """Turn a request into the options in force.

    Raises:
        InvalidError: a value is malformed or out of any sensible range; `field` names it.
    """
    _check_texts(request)
    _check_viewport(request.viewport, ceilings)
    if str(request.engine) not in ceilings.engines:
        raise InvalidError("this server does not offer that engine", field="engine")
    budget = _clamp_budget(request.budget, request.egress_max_bytes, ceilings)
    idle = _amount("idle_timeout_s", request.idle_timeout_s, 1, ceilings.default_idle_timeout_s)
    lifetime = _amount("lifetime_s", request.lifetime_s, 1, ceilings.default_lifetime_s)
    return SessionOptions(
        engine=request.engine,
        viewport=request.viewport,
        start_url=request.start_url,
        locale=request.locale,
        timezone=request.timezone,
        user_agent=request.user_agent,
        egress=request.egress,
        budget=budget,
        idle_timeout_s=min(idle, ceilings.max_idle_timeout_s),
        lifetime_s=min(lifetime, ceilings.max_lifetime_s),
        labels=dict(request.labels),
        action_allowed_domains=_domains(request.action_allowed_domains),
        machine=request.machine,
        profile=request.profile,
        private=request.private,
        downloads=request.downloads,
        live=_live(request.live, ceilings),
        standby=_standby(request, ceilings),
    )


def _standby(request: SessionRequest, ceilings: Ceilings) -> StandbyUse | None:
    asked = request.standby
    if asked is None:
        return None
    after_s = ceilings.default_standby_s if asked.after_s is None else asked.after_s
    if not MIN_STANDBY_S <= after_s <= MAX_STANDBY_S:  # also refuses NaN
        raise InvalidError(f"must be from {MIN_STANDBY_S:g} to {MAX_STANDBY_S:g} seconds", field="standby.after_s")
    if (deeper_s := asked.hibernate_after_s) is not None:
        field_name = "standby.hibernate_after_s"
        if not MIN_STANDBY_S <= deeper_s <= MAX_HIBERNATE_S:
            raise InvalidError(f"must be from {MIN_STANDBY_S:g} to {MAX_HIBERNATE_S:g} seconds", field=field_name)
        if request.private or request.machine:
            kind = "private" if request.private else "machine"
            raise InvalidError(f"a {kind} session is not hibernated", field=field_name)
    return StandbyUse(after_s=after_s, hibernate_after_s=deeper_s)


def _live(asked: LiveRequest, ceilings: Ceilings) -> LiveUse:
    wanted, most = asked.clipboard or ceilings.default_clipboard, ceilings.max_clipboard
    clipboard = _CLIPBOARDS[wanted.lets_in and most.lets_in, wanted.lets_out and most.lets_out]
    may_choose = ceilings.record is RecordPolicy.ON_REQUEST
    return LiveUse(clipboard=clipboard, record=asked.record if may_choose and asked.record else ceilings.record)


def _clamp_budget(asked: BudgetRequest, egress_max_bytes: int | None, ceilings: Ceilings) -> Budget:
    cores = ceilings.default_budget.cpu_cores if asked.cpu_cores is None else asked.cpu_cores
    if not 0.1 <= cores <= 1024:  # also refuses NaN
        raise InvalidError("must be a number of cores from 0.1", field="budget.cpu_cores")
    amounts = {name: _clamp_amount(name, asked, egress_max_bytes, ceilings) for name in _AMOUNTS}
    amounts["disk_bytes"] = min(amounts["disk_bytes"], int(amounts["memory_bytes"] * DISK_SHARE_OF_MEMORY))
    amounts["action_window_ms"] = max(amounts["action_window_ms"], ceilings.min_action_window_ms)
    return Budget(
        cpu_cores=min(cores, ceilings.max_budget.cpu_cores),
        on_exhausted=_on_exhausted(asked.on_exhausted, ceilings),
        **amounts,
    )


def _clamp_amount(name: str, asked: BudgetRequest, egress_max_bytes: int | None, ceilings: Ceilings) -> int:
    least = {**_LEAST, "memory_bytes": ceilings.min_memory_bytes, "processes": ceilings.min_processes}
    wanted: int | None = getattr(asked, name)
    if name == "egress_bytes" and wanted is None:
        wanted = egress_max_bytes
    default: int = getattr(ceilings.default_budget, name)
    most: int = getattr(ceilings.max_budget, name)
    return min(_amount(f"budget.{name}", wanted, least.get(name, 1), default), most)


def _on_exhausted(asked: str | None, ceilings: Ceilings) -> OnExhausted:
    if asked is None:
        return ceilings.default_budget.on_exhausted
    try:
        return OnExhausted(asked)
    except ValueError:
        raise InvalidError("must be refuse or end", field="budget.on_exhausted") from None


def _domains(asked: tuple[str, ...]) -> tuple[str, ...]:
    """Read `action_allowed_domains`: host names and addresses; a leading `*.` or `.` means the same as none."""
    name = "action_allowed_domains"
    if len(asked) > MAX_ALLOWED_DOMAINS:
        raise InvalidError(f"at most {MAX_ALLOWED_DOMAINS} domains", field=name)
    found = dict.fromkeys(_domain(text, name) for text in asked)
    return tuple(found)


def _domain(text: str, name: str) -> str:
    bare = text.strip().removeprefix("*.").removeprefix(".")
    if set(bare) & {"*", "/"}:
        raise InvalidError("a domain is a host name, or `*.` and one", field=name)
    return parse_host_pattern(bare, field=name).text


def _amount(name: str, asked: int | None, least: int, default: int) -> int:
    if asked is None:
        return default
    if asked < least:
        raise InvalidError(f"must be at least {least}", field=name)
    return asked


def _check_viewport(viewport: Viewport, ceilings: Ceilings) -> None:
    if not (50 <= viewport.width <= 10_000 and 50 <= viewport.height <= 10_000):
        raise InvalidError("width and height must be from 50 to 10000", field="viewport")
    if not 0.25 <= viewport.device_scale_factor <= 8:
        raise InvalidError("device_scale_factor must be from 0.25 to 8", field="viewport")
    if viewport.width * viewport.height * viewport.device_scale_factor**2 > ceilings.max_viewport_pixels * 2:
        raise InvalidError("too many pixels", field="viewport")
    if viewport.width * viewport.height > ceilings.max_viewport_pixels:
        raise InvalidError("too many pixels", field="viewport")


def _check_texts(request: SessionRequest) -> None:
    _check_labels(request)
    _check_match("locale", request.locale, _LOCALE)
    _check_match("timezone", request.timezone, _TIMEZONE)
    _check_match("user_agent", request.user_agent, _USER_AGENT)
    if request.start_url is not None:
        _check_start_url(request.start_url)
    if len(request.egress.allow_hosts) + len(request.egress.deny_hosts) + len(request.egress.private_hosts) > MAX_HOSTS:
        raise InvalidError(f"at most {MAX_HOSTS} hosts in all", field="egress")


def _check_labels(request: SessionRequest) -> None:
    if len(request.labels) > MAX_LABELS:
        raise InvalidError(f"at most {MAX_LABELS} labels", field="labels")
    for key, value in request.labels.items():
        if not _LABEL_KEY.fullmatch(key) or len(value) > 256 or not value.isprintable():
            raise InvalidError("a label is a short name and up to 256 printable characters", field="labels")


def _check_match(name: str, value: str | None, pattern: re.Pattern[str]) -> None:
    if value is not None and not pattern.fullmatch(value):
        raise InvalidError("is malformed", field=name)


def _check_start_url(url: str) -> None:
    """Only web addresses: the URL is also Chromium's last argument, so it must not be able to look like an option."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise InvalidError("is not a URL", field="start_url") from None
    if url != "about:blank" and (parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_fine):
        raise InvalidError("must be an http or https URL", field="start_url")
    if len(url) > 8192 or not url.isprintable() or " " in url or parts.username or parts.password:
        raise InvalidError("must be a plain URL without spaces or credentials", field="start_url")
