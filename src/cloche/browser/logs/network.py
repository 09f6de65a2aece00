"""The network log: one entry for each request and each hop of a redirect."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from cloche.browser.call import WhyBlocked
from cloche.browser.contract.logs import Header, NetworkLogEntry, NetworkTiming
from cloche.browser.devtools.codec import read
from cloche.browser.devtools.errors import AnswerMalformedError
from cloche.browser.devtools.session import TargetSession
from cloche.browser.logs.network_events import (
    Failed,
    Finished,
    Initiator,
    RequestSent,
    Response,
    ResponseReceived,
    ServedFromCache,
    Timing,
    WebSocketAnswered,
    WebSocketClosed,
    WebSocketCreated,
    WebSocketFailed,
)
from cloche.browser.logs.rings import Rings
from cloche.browser.redact.headers import redact_header
from cloche.browser.redact.text import redact_text
from cloche.browser.redact.urls import redact_url

if TYPE_CHECKING:
    from cloche.browser.tab import Tab

MAX_HEADERS: Final = 24
MAX_HEADER_CHARS: Final = 256
MAX_OPEN: Final = 2048
"""Requests that have not ended; of more the oldest are told no further."""
PROXY_ERRORS: Final = ("ERR_SOCKS_", "ERR_PROXY_", "ERR_TUNNEL_")
"""What Chromium makes of a refusal by the gateway, and of a host that could not be reached."""

_BUCKETS: Final = ((100, "lt_100ms"), (500, "100_500ms"), (2000, "500ms_2s"))


@dataclass(eq=False, slots=True)
class Exchange:
    """A request on its way; nothing in it is unredacted but `host`."""

    tab_id: str
    session: TargetSession
    request_id: str
    url: str
    host: str
    port: int
    method: str
    type: str
    frame_id: str
    began: float
    captured_at: int
    request_headers: list[Header] = field(default_factory=list)
    initiator: tuple[str, str, int] = ("", "", -1)
    redirected_from: str = ""
    status: int = 0
    mime_type: str = ""
    protocol: str = ""
    remote: str = ""
    from_cache: bool = False
    response_headers: list[Header] = field(default_factory=list)
    response_bytes: int = -1
    timing: NetworkTiming = field(default_factory=NetworkTiming)
    ended: float = -1.0
    error: str = ""
    blocked_reason: str = ""
    blocked_rule: str = ""

    def entry(self, *, with_headers: bool) -> NetworkLogEntry:
        latency = round((self.ended - self.began) * 1000) if self.ended >= 0 else -1
        return NetworkLogEntry(
            request_id=self.request_id,
            request_url=self.url,
            method=self.method,
            resource_type=self.type,
            status_code=self.status,
            mime_type=self.mime_type,
            protocol=self.protocol,
            remote_address=self.remote,
            from_cache=self.from_cache,
            response_bytes=self.response_bytes,
            timing_bucket=_bucket(latency),
            latency_ms=latency,
            timing=self.timing,
            captured_at_unix_ms=self.captured_at,
            initiator_type=self.initiator[0],
            initiator_url=self.initiator[1],
            initiator_line=self.initiator[2],
            frame_id=self.frame_id,
            tab_id=self.tab_id,
            redirected_from=self.redirected_from,
            failed=bool(self.error),
            error_text=self.error,
            blocked=bool(self.blocked_reason),
            blocked_reason=self.blocked_reason,
            blocked_rule=self.blocked_rule,
            request_headers=self.request_headers if with_headers else [],
            response_headers=self.response_headers if with_headers else [],
        )


class NetworkLog:
    """An observer of all tabs (`memory.Observer`). Owned by the session's `Memory`."""

    def __init__(self, entries_per_tab: int, now: Callable[[], float] = time.time) -> None:
        self.rings: Rings[Exchange] = Rings(entries_per_tab)
        self._open: OrderedDict[tuple[str, str], Exchange] = OrderedDict()
        self._now = now
        self.methods = frozenset(_TAKERS)

    def take(self, tab: "Tab", session: TargetSession, method: str, params: msgspec.Raw) -> None:
        kind, taker = _TAKERS[method]
        try:
            taker(self, tab, session, read(params, kind))
        except AnswerMalformedError:
            session.connection.not_understood(method)

    def media_type_of(self, url: str) -> str:
        """What the last answer from an address (redacted) was declared to be; empty where none has been seen."""
        answered = (exchange for _, exchange in reversed(self.rings.entries("")) if exchange.url == url)
        return next((exchange.mime_type for exchange in answered if exchange.status), "")

    def _sent(self, tab: "Tab", session: TargetSession, event: RequestSent) -> None:
        before = self._open.get((session.id, event.requestId))
        if before is not None and event.redirectResponse is not None:
            _answer(before, event.redirectResponse)
            self._end(before, event.timestamp)
        exchange = self._begin(tab, session, event.requestId, event.request.url, event.initiator)
        exchange.method = event.request.method[:16]
        exchange.type = event.type.lower()[:32]
        exchange.frame_id = event.frameId
        exchange.began = event.timestamp
        exchange.captured_at = round(event.wallTime * 1000) or exchange.captured_at
        exchange.request_headers = _headers(event.request.headers)
        exchange.redirected_from = before.url if before is not None and event.redirectResponse is not None else ""

    def _begin(self, tab: "Tab", session: TargetSession, request_id: str, url: str, initiator: Initiator) -> Exchange:
        host, port = host_and_port(url)
        exchange = Exchange(
            tab_id=tab.id,
            session=session,
            request_id=request_id[:64],
            url=redact_url(url),
            host=host,
            port=port,
            method="GET",
            type="",
            frame_id="",
            began=-1.0,
            captured_at=round(self._now() * 1000),
            initiator=_initiator(initiator),
        )
        self._open[session.id, request_id] = exchange
        if len(self._open) > MAX_OPEN:
            self._open.popitem(last=False)
        self.rings.add(tab.id, exchange)
        return exchange

    def _received(self, tab: "Tab", session: TargetSession, event: ResponseReceived) -> None:
        if (exchange := self._open.get((session.id, event.requestId))) is not None:
            exchange.type = event.type.lower()[:32] or exchange.type
            _answer(exchange, event.response)

    def _finished(self, tab: "Tab", session: TargetSession, event: Finished) -> None:
        if (exchange := self._open.pop((session.id, event.requestId), None)) is not None:
            exchange.response_bytes = max(0, round(event.encodedDataLength))
            self._end(exchange, event.timestamp)

    def _failed(self, tab: "Tab", session: TargetSession, event: Failed) -> None:
        exchange = self._open.pop((session.id, event.requestId), None)
        if exchange is None:
            return
        exchange.error = redact_text(event.errorText[:512])[:128] or "failed"
        if event.blockedReason:
            exchange.blocked_reason = f"page:{event.blockedReason[:64]}"
        self._find_refusal(exchange, tab.browser.why_blocked)
        self._end(exchange, event.timestamp)

    def _cached(self, tab: "Tab", session: TargetSession, event: ServedFromCache) -> None:
        if (exchange := self._open.get((session.id, event.requestId))) is not None:
            exchange.from_cache = True

    def _socket_created(self, tab: "Tab", session: TargetSession, event: WebSocketCreated) -> None:
        self._begin(tab, session, event.requestId, event.url, event.initiator).type = "websocket"

    def _socket_answered(self, tab: "Tab", session: TargetSession, event: WebSocketAnswered) -> None:
        if (exchange := self._open.get((session.id, event.requestId))) is not None:
            _answer(exchange, event.response)

    def _socket_failed(self, tab: "Tab", session: TargetSession, event: WebSocketFailed) -> None:
        if (exchange := self._open.get((session.id, event.requestId))) is not None:
            exchange.error = redact_text(event.errorMessage[:512])[:128] or "failed"
            self._find_refusal(exchange, tab.browser.why_blocked)

    def _socket_closed(self, tab: "Tab", session: TargetSession, event: WebSocketClosed) -> None:
        self._open.pop((session.id, event.requestId), None)

    @staticmethod
    def _find_refusal(exchange: Exchange, why_blocked: WhyBlocked) -> None:
        if any(error in exchange.error for error in PROXY_ERRORS):
            blocked = why_blocked(exchange.host, exchange.port)
            if blocked is not None:
                exchange.blocked_reason, exchange.blocked_rule = blocked.reason, blocked.rule

    @staticmethod
    def _end(exchange: Exchange, at: float) -> None:
        exchange.ended = at
        if exchange.began >= 0:
            exchange.timing = _with_total(exchange.timing, round((at - exchange.began) * 1000, 1))


def host_and_port(url: str) -> tuple[str, int]:
    """As the gateway was asked for it; empty and 0 for what has none."""
    try:
        parts = urlsplit(url[:8192])
        port = parts.port or {"http": 80, "ws": 80, "https": 443, "wss": 443}.get(parts.scheme, 0)
        return (parts.hostname or "").rstrip("."), port
    except ValueError:
        return "", 0


def _answer(exchange: Exchange, response: Response) -> None:
    exchange.status = response.status
    exchange.mime_type = response.mimeType[:128]
    exchange.protocol = response.protocol[:32]
    exchange.remote = f"{response.remoteIPAddress[:64]}:{response.remotePort}" if response.remoteIPAddress else ""
    exchange.from_cache = exchange.from_cache or response.fromDiskCache
    exchange.response_headers = _headers(response.headers)
    exchange.response_bytes = max(0, round(response.encodedDataLength))
    if response.timing is not None:
        exchange.timing = _timing(response.timing)


def _headers(headers: dict[str, str]) -> list[Header]:
    found = []
    for name, value in sorted(headers.items())[:MAX_HEADERS]:
        text = redact_header(name, value[: 4 * MAX_HEADER_CHARS])
        found.append(Header(name=name[:MAX_HEADER_CHARS], value=text[:MAX_HEADER_CHARS]))
    return found


def _initiator(initiator: Initiator) -> tuple[str, str, int]:
    url, line = initiator.url, int(initiator.lineNumber)
    if not url and initiator.stack is not None and initiator.stack.callFrames:
        top = initiator.stack.callFrames[0]
        url, line = top.url, top.lineNumber
    return initiator.type[:32], redact_url(url) if url else "", line


def _timing(timing: Timing) -> NetworkTiming:
    def between(start: float, end: float) -> float:
        return round(end - start, 1) if start >= 0 and end >= 0 else -1.0

    return NetworkTiming(
        dns_ms=between(timing.dnsStart, timing.dnsEnd),
        connect_ms=between(timing.connectStart, timing.connectEnd),
        send_ms=between(timing.sendStart, timing.sendEnd),
        wait_ms=between(timing.sendEnd, timing.receiveHeadersEnd),
    )


def _with_total(timing: NetworkTiming, total_ms: float) -> NetworkTiming:
    """What is left when all else is counted is the receiving; reused connections have no DNS and no connect."""
    steps = (timing.dns_ms, timing.connect_ms, timing.send_ms, timing.wait_ms)
    receive = -1.0 if timing.wait_ms < 0 else max(0.0, round(total_ms - sum(max(0.0, step) for step in steps), 1))
    return replace(timing, total_ms=total_ms, receive_ms=receive)


def _bucket(latency_ms: int) -> str:
    if latency_ms < 0:
        return ""
    return next((name for bound, name in _BUCKETS if latency_ms <= bound), "gt_2s")


_Taker = Callable[[NetworkLog, "Tab", TargetSession, Any], None]
_TAKERS: Final[dict[str, tuple[type[Any], _Taker]]] = {
    "Network.requestWillBeSent": (RequestSent, NetworkLog._sent),
    "Network.responseReceived": (ResponseReceived, NetworkLog._received),
    "Network.loadingFinished": (Finished, NetworkLog._finished),
    "Network.loadingFailed": (Failed, NetworkLog._failed),
    "Network.requestServedFromCache": (ServedFromCache, NetworkLog._cached),
    "Network.webSocketCreated": (WebSocketCreated, NetworkLog._socket_created),
    "Network.webSocketHandshakeResponseReceived": (WebSocketAnswered, NetworkLog._socket_answered),
    "Network.webSocketFrameError": (WebSocketFailed, NetworkLog._socket_failed),
    "Network.webSocketClosed": (WebSocketClosed, NetworkLog._socket_closed),
}
