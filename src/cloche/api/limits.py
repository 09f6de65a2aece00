"""What may come in over HTTP: bodies of a size, of one kind, read once and checked before a route sees them.

Uploads are read by their routes as they come, whatever they are; here they are counted, and must not dawdle.
"""

import asyncio
import re
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloche.api.json_body import parse_json
from cloche.errors import InvalidError, TooLargeError

MAX_BODY_BYTES: Final = 1024 * 1024
BODY_TIMEOUT_S = 30.0
"""From the end of the head to the end of the body."""

MAX_UPLOAD_BYTES: Final = 4 * 1024 * 1024 * 1024
PIECE_TIMEOUT_S = 30.0
"""How long the next piece of an upload may take, from when there is room for it."""
UPLOADS: Final = {
    "PUT": re.compile(r"/v1/sessions/[^/]+/fs/write_file|/v1/profiles/[^/]+/storage_state"),
    "POST": re.compile(
        r"/v1/sessions/[^/]+/(fs/upload(_zip|_zstd)?|upload|evaluate|cookies|storage_state)"
        r"|/v1/profiles/import|/v1/artifacts"
    ),
}
"""By method the paths whose bodies are streams, or so large (`read_large_json`) that a key comes first."""

MAX_LARGE_BODY_BYTES: Final = 16 * 1024 * 1024
MAX_LARGE_VALUES: Final = 200_000
LARGE_BODY_TIMEOUT_S = 120.0
OFF_THE_LOOP_BYTES: Final = 64 * 1024
"""From this size on, a body is parsed in a thread: 16 MiB take tenths of a second."""


class BodyLimitMiddleware:
    """Reads a whole body of at most `max_bytes`, checks that it is strict JSON, and hands it on in one piece.

    FastAPI would parse it with Python's lenient parser and an unbounded read; by the time it does, both are harmless.
    The `UPLOADS` go on unread: what their routes do not take, uvicorn does not take from the client.
    """

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES, max_upload_bytes: int = MAX_UPLOAD_BYTES) -> None:
        self._app = app
        self._max = max_bytes
        self._max_upload = max_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if _is_upload(scope):
            await self._app(scope, self._metered(headers, receive), send)
            return
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
            _require_type(headers)
            parse_json(body)
        await self._app(scope, _replay(body, receive), send)

    def _metered(self, headers: Headers, receive: Receive) -> Receive:
        """Count an upload and time its pieces. Raises, also when received from: TooLargeError, InvalidError."""
        if int(headers.get("content-length", "0")) > self._max_upload:
            raise TooLargeError(f"an upload may have {self._max_upload} bytes")
        received, is_whole = 0, False

        async def metered() -> Message:
            nonlocal received, is_whole
            if is_whole:
                return await receive()
            try:
                async with asyncio.timeout(PIECE_TIMEOUT_S):
                    message = await receive()
            except TimeoutError:
                raise InvalidError("the body did not arrive in time") from None
            received += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if received > self._max_upload:
                raise TooLargeError(f"an upload may have {self._max_upload} bytes")
            return message

        return metered

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


def _is_upload(scope: Scope) -> bool:
    pattern = UPLOADS.get(scope["method"])
    return pattern is not None and pattern.fullmatch(scope["path"]) is not None


async def read_large_json(request: Request) -> bytes:
    """Read and check the JSON body of one of the `UPLOADS`; an absent one is empty.

    Raises: InvalidError, TooLargeError.
    """
    if int(request.headers.get("content-length", "0")) > MAX_LARGE_BODY_BYTES:
        raise TooLargeError(f"this body may have {MAX_LARGE_BODY_BYTES} bytes")
    body = bytearray()
    try:
        async with asyncio.timeout(LARGE_BODY_TIMEOUT_S):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_LARGE_BODY_BYTES:
                    raise TooLargeError(f"this body may have {MAX_LARGE_BODY_BYTES} bytes")
    except TimeoutError:
        raise InvalidError("the body did not arrive in time") from None
    except ClientDisconnect:
        raise InvalidError("the body was broken off") from None
    whole = bytes(body)
    if not whole:
        return whole
    _require_type(request.headers)
    if len(whole) < OFF_THE_LOOP_BYTES:
        parse_json(whole, max_values=MAX_LARGE_VALUES)
    else:
        await asyncio.to_thread(parse_json, whole, max_values=MAX_LARGE_VALUES)
    return whole


def _require_type(headers: Headers) -> None:
    # Only this type: a form or text/plain can be sent by any page without a preflight (fetch spec, CORS-safelisted).
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise InvalidError("a body must be sent as application/json")


def _replay(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay
