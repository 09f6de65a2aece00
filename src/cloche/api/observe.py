"""One log line, one count and a request id for each HTTP request, and the header fields every answer carries."""

import time
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from ulid import ULID

_log = structlog.get_logger(__name__)

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS: Final = (0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


class HttpMetrics:
    """Counts requests by method, route template and status: never by path, which would hold ids."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("method", "route", "status")
        self._requests = Counter("cloche_http_requests", "HTTP requests answered.", labels, registry=registry)
        self._seconds = Histogram(
            "cloche_http_request_seconds", "Time to the last byte of an answer.", registry=registry, buckets=_BUCKETS
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
        self._seconds.observe(seconds)


class ObserveMiddleware:
    """The outermost. Logs path and status but no query: tokens stand there."""

    def __init__(self, app: ASGIApp, metrics: HttpMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, status, begun = str(ULID()), 499, time.perf_counter()

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _mark(MutableHeaders(scope=message), request_id)
            await send(message)

        with structlog.contextvars.bound_contextvars(request=request_id):
            try:
                await self._app(scope, receive, marked)
            finally:
                seconds = time.perf_counter() - begun
                self._metrics.count(scope["method"], _route(scope), status, seconds)
                ms = round(seconds * 1000, 1)
                _log.info("request", method=scope["method"], path=scope["path"][:200], status=status, ms=ms)


def _mark(headers: MutableHeaders, request_id: str) -> None:
    headers["x-request-id"] = request_id
    headers["x-content-type-options"] = "nosniff"
    # Answers and addresses hold tokens: neither a cache nor the next site may learn them.
    headers.setdefault("cache-control", "no-store")
    headers["referrer-policy"] = "no-referrer"


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "none")
