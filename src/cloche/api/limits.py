"""What may come in over HTTP: bodies of a size, of one kind, read once and checked before a route sees them."""

import asyncio
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloche.api.json_body import parse_json
from cloche.errors import InvalidError, TooLargeError

MAX_BODY_BYTES: Final = 1024 * 1024
BODY_TIMEOUT_S = 30.0
"""From the end of the head to the end of the body."""


class BodyLimitMiddleware:
    """Reads a whole body of at most `max_bytes`, checks that it is strict JSON, and hands it on in one piece.

    FastAPI would parse it with Python's lenient parser and an unbounded read; by the time it does, both are harmless.
    """

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if "content-length" not in headers and "transfer-encoding" not in headers:
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await self._read(headers, receive)
        except TimeoutError:
            raise InvalidError("the body did not arrive in time") from None
        if body is None:  # the client has gone; there is no one to answer
            return
        if body:
            _require_json(headers, body)
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes | None:
        # httptools has checked that Content-Length is a number.
        if int(headers.get("content-length", "0")) > self._max:
            raise TooLargeError(f"a body may have {self._max} bytes")
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > self._max:
                raise TooLargeError(f"a body may have {self._max} bytes")
            if not message.get("more_body", False):
                return bytes(body)


def _require_json(headers: Headers, body: bytes) -> None:
    # Only this type: a form or text/plain can be sent by any page without a preflight (fetch spec, CORS-safelisted).
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise InvalidError("a body must be sent as application/json")
    parse_json(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay
