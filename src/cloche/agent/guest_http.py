"""The machine API on the guest socket: HTTP/1.1 (RFC 9112), one request per connection, JSON out.

GET /health      the payload of a heartbeat
GET /metrics     the payload of a metrics message
GET /processes   {"processes": [{pid, ppid, name, state, cpu_seconds, memory_mb}]}
"""

import json
import time
from collections.abc import Callable
from socket import SHUT_WR, socket
from typing import Final, NamedTuple

from cloche.agent import streams
from cloche.agent.loop import Loop
from cloche.agent.metrics import Metrics

MAX_HEAD_BYTES: Final = 8 * 1024
_HEAD_S: Final = 5.0
_RESPONSE_S: Final = 10.0

_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    431: "Request Header Fields Too Large",
}


class Request(NamedTuple):
    method: str
    path: str
    """Without its query."""


class BadRequest(ValueError):
    def __init__(self, status: int) -> None:
        super().__init__(_REASONS[status])
        self.status = status


class MachineApi:
    def __init__(self, loop: Loop, metrics: Metrics) -> None:
        self._loop = loop
        self._routes: dict[str, Callable[[], object]] = {
            "/health": metrics.health,
            "/metrics": metrics.metrics,
            "/processes": lambda: {"processes": metrics.processes()},
        }

    async def serve(self, connection: socket, received: bytes) -> None:
        """Answer the one request on this connection; `received` is what has been read of it already."""
        try:
            request = await self._read(connection, received)
            status, body = self._respond(request)
        except BadRequest as error:
            status, body = error.status, {"error": str(error)}
        await streams.send_all(self._loop, connection, render(status, body), time.monotonic() + _RESPONSE_S)
        connection.shutdown(SHUT_WR)

    async def _read(self, connection: socket, received: bytes) -> Request:
        deadline = time.monotonic() + _HEAD_S
        while (request := parse_request(received)) is None:
            data = await streams.receive(self._loop, connection, MAX_HEAD_BYTES, deadline)
            if not data:
                raise BadRequest(400)
            received += data
        return request

    def _respond(self, request: Request) -> tuple[int, object]:
        route = self._routes.get(request.path)
        if route is None:
            raise BadRequest(404)
        if request.method != "GET":
            raise BadRequest(405)
        return 200, route()


def parse_request(received: bytes) -> Request | None:
    """Read a request's head, or None while it is incomplete. Its headers change nothing here and are skipped.

    Raises:
        BadRequest: malformed (400) or larger than 8 KiB (431).
    """
    head, end, _ = received.partition(b"\r\n\r\n")
    if len(head) > MAX_HEAD_BYTES:
        raise BadRequest(431)
    if not end:
        return None
    method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
    target, _, version = rest.partition(b" ")
    if not method.isalpha() or not target.startswith(b"/") or version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise BadRequest(400)
    return Request(method.decode("ascii"), target.partition(b"?")[0].decode("latin-1"))


def render(status: int, body: object) -> bytes:
    content = json.dumps(body, separators=(",", ":")).encode()
    headers = [
        f"HTTP/1.1 {status} {_REASONS[status]}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        "Connection: close",
        *(["Allow: GET"] if status == 405 else []),
    ]
    return "\r\n".join(headers).encode() + b"\r\n\r\n" + content
