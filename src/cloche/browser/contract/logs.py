"""What went over a page's network and console, told by DevTools. Everything is redacted. Pure."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Interval, MaxLen

from cloche.browser.contract.common import ActionLogEntry, BrowserRequest, BrowserResponse, ByteCount, TabRequest

Severity = Literal["", "debug", "info", "warning", "error"]
Limit = Annotated[int, Interval(ge=0, le=10_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    name: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkTiming:
    """Milliseconds from the request's start; -1 where DevTools does not tell."""

    dns_ms: float = -1.0
    connect_ms: float = -1.0
    send_ms: float = -1.0
    wait_ms: float = -1.0
    receive_ms: float = -1.0
    total_ms: float = -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkLogEntry:
    request_id: str = ""
    request_url: str = ""
    method: str = ""
    resource_type: str = ""
    """DevTools' Network.ResourceType in lower case: document, script, xhr, fetch, websocket …"""
    status_code: int = 0
    """0: there was no answer."""
    mime_type: str = ""
    protocol: str = ""
    remote_address: str = ""
    from_cache: bool = False
    request_bytes: int = -1
    response_bytes: int = -1
    """As they came over the network, head and body."""
    timing_bucket: str = ""
    """`lt_100ms`, `100_500ms`, `500ms_2s`, `gt_2s`; empty while it runs."""
    latency_ms: int = -1
    timing: NetworkTiming = field(default_factory=NetworkTiming)
    captured_at_unix_ms: int = 0
    initiator_type: str = ""
    initiator_url: str = ""
    initiator_line: int = -1
    frame_id: str = ""
    tab_id: str = ""
    redirected_from: str = ""
    """The `request_url` of the hop before."""
    failed: bool = False
    error_text: str = ""
    """Chromium's net error, `net::ERR_…`."""
    blocked: bool = False
    """A policy stood in the way; `blocked_reason` and `blocked_rule` say which."""
    blocked_reason: str = ""
    blocked_rule: str = ""
    request_headers: list[Header] = field(default_factory=list)
    response_headers: list[Header] = field(default_factory=list)
    body: str = ""
    body_base64: bool = False
    body_truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkLogRequest(TabRequest):
    """Oldest first; of more than fit, the newest."""

    limit: Limit = 0
    include_headers: bool = False
    include_bodies: bool = False
    max_body_bytes: ByteCount = 0
    """Of each body; 0: 4096."""
    max_payload_bytes: ByteCount = 0
    after: Annotated[int, Interval(ge=0, le=1 << 53)] = 0
    """Only entries captured after `next_after` of an earlier answer."""
    failed_only: bool = False
    url_contains: Annotated[str, MaxLen(1024)] = ""
    all_tabs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkLogResponse(BrowserResponse):
    entries: list[NetworkLogEntry] = field(default_factory=list)
    truncated: bool = False
    next_after: int = 0
    dropped: int = 0
    """Entries that are no longer kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleLogEntry:
    severity: str = ""
    kind: str = ""
    """`console.log` …, `exception`, or the source of a browser's message: network, security, deprecation …"""
    message: str = ""
    source: str = ""
    """URL, redacted."""
    line: int = -1
    column: int = -1
    stack: str = ""
    page_url: str = ""
    tab_id: str = ""
    captured_at_unix_ms: int = 0
    count: int = 1
    """How often in a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageDiagnostics:
    page_url: str = ""
    title: str = ""
    entry_count: int = 0
    warning_count: int = 0
    error_count: int = 0
    last_event: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleLogRequest(TabRequest):
    limit: Limit = 0
    minimum_severity: Severity = ""
    """Empty: info."""
    include_page_diagnostics: bool = False
    max_payload_bytes: ByteCount = 0
    after: Annotated[int, Interval(ge=0, le=1 << 53)] = 0
    all_tabs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleLogResponse(BrowserResponse):
    entries: list[ConsoleLogEntry] = field(default_factory=list)
    truncated: bool = False
    page_diagnostics: PageDiagnostics | None = None
    next_after: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionLogRequest(BrowserRequest):
    limit: Limit = 0
    failed_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionLogResponse(BrowserResponse):
    entries: list[ActionLogEntry] = field(default_factory=list)
    truncated: bool = False
    dropped: int = 0
