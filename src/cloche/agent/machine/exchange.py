"""One request of the machine API and its answer: HTTP/1.1 (RFC 9112), one per connection."""

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from socket import socket
from typing import Any, Final

from cloche.agent import streams
from cloche.agent.loop import Loop, Task
from cloche.agent.machine.fields import Fields
from cloche.agent.machine.problem import Problem, invalid
from cloche.wire.http_head import MAX_CHUNK_LINE_BYTES, MAX_TRAILERS, HeadError, RequestHead, chunk_size
from cloche.wire.machine import MAX_JSON_BYTES

PIECE_BYTES: Final = 256 * 1024
BODY_S: Final = 60.0
"""How long the next piece of a body may take, and all of one that is JSON."""
WRITE_S: Final = 60.0
"""How long a reader may take none of an answer before it is given up."""
BEAT_S: Final = 15.0
"""How long an event stream may be silent before it says that it is still there."""

LINGER_S: Final = 5.0
"""How long the rest of a body that nobody wants is read, so that whoever sends it gets to read the answer."""

_JOINED_BYTES: Final = 16 * 1024
"""Up to here copying is cheaper than two more system calls."""
_SENT_BYTES: Final = 64 * 1024

_REASONS: Final = {
    200: "OK", 201: "Created", 204: "No Content", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict", 413: "Content Too Large",
    416: "Range Not Satisfiable", 429: "Too Many Requests", 431: "Request Header Fields Too Large",
    500: "Internal Server Error", 505: "HTTP Version Not Supported", 507: "Insufficient Storage",
}  # fmt: skip


class Exchange:
    """Given to a handler, which reads the body if there is one and then answers exactly once, or raises `Problem`."""

    def __init__(self, loop: Loop, connection: socket, head: RequestHead, received: bytes) -> None:
        """`received` is what came behind the head."""
        self.loop, self.connection, self.head = loop, connection, head
        self.params: dict[str, str] = {}
        """What stands in the path where the route has `{name}`."""
        self.has_begun = False
        """The answer's head has been sent: what goes wrong from here on can only be told by breaking off."""
        self.is_taken_over = False
        self._received, self._at = received, 0
        """What has come and how much of it has been taken: mostly one piece, whose parts are copied once."""
        self._left: int | None = None if head.is_chunked else head.content_length or 0
        self._is_read = self._left == 0
        self._task: Task | None = None
        self._watch: Task | None = None
        self._is_chunking = False
        self._sent_in_turn = 0

    # --- the request ------------------------------------------------------------------------------------------------

    def query(self, name: str, default: str | None = None) -> str:
        """A query field as text; `Problem` (400) if it is not UTF-8, or is not there and has no default."""
        value = self.head.query.get(name)
        if value is None:
            if default is None:
                raise invalid("is missing", name)
            return default
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise invalid("must be UTF-8", name) from None

    def query_number(self, name: str, default: int | None = None, *, high: int = (1 << 63) - 1) -> int | None:
        """A query field as a whole number from 0 on; `default` where it is missing."""
        text = self.query(name, "")
        if not text:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= high):
            raise invalid(f"must be a whole number up to {high}", name)
        return int(text)

    def query_flag(self, name: str, default: bool = False) -> bool:
        text = self.query(name, "true" if default else "false")
        if text not in ("true", "false"):
            raise invalid("must be true or false", name)
        return text == "true"

    async def read(self) -> bytes:
        """Return the next piece of the body, at most `PIECE_BYTES`; empty at its end, and from then on.

        Raises:
            Problem: its framing is broken. OSError: it was broken off, or stopped coming (TimeoutError).
        """
        try:
            return await self._read()
        except HeadError as error:
            raise invalid(str(error)) from None

    async def fields(self) -> Fields:
        """Read the whole body as a JSON object; no body is an empty one."""
        body, deadline = bytearray(), time.monotonic() + BODY_S
        while piece := await self.read():
            body += piece
            if len(body) > MAX_JSON_BYTES:
                raise Problem(413, "too_large", "the body is too large")
            if time.monotonic() > deadline:
                raise TimeoutError
        try:
            value = json.loads(body) if body else {}
        except (ValueError, RecursionError):
            raise invalid("the body is not JSON") from None
        if not isinstance(value, dict):
            raise invalid("the body is no object")
        return Fields(value)

    def end_with_client(self) -> None:
        """From here on the handler is cancelled when the client hangs up. Its body must have been read."""
        if self._watch is None:
            self._watch = self.loop.spawn(self._until_gone(), "exchange client")

    # --- the answer -------------------------------------------------------------------------------------------------

    async def answer(self, value: object, status: int = 200, fields: Mapping[str, str] | None = None) -> None:
        """Answer with JSON. `fields` are of the head."""
        body = json.dumps(value, separators=(",", ":")).encode()
        await self.begin("application/json", status=status, length=len(body), fields=fields)
        await self.write(body)

    async def answer_nothing(self, status: int = 204) -> None:
        await self.begin("", status=status, length=0)

    async def begin(
        self,
        content_type: str,
        *,
        status: int = 200,
        length: int | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        """Send the head. Without a length the body is chunked, and `finish` must follow it."""
        self._is_chunking = length is None
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, '')}"]
        if content_type:
            lines.append(f"Content-Type: {content_type}")
        lines.append("Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}")
        lines += [f"{name}: {value}" for name, value in (fields or {}).items()]
        lines.append("Connection: close")
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a line end in a header field")
        self.has_begun = True
        await self._send("\r\n".join(lines).encode() + b"\r\n\r\n")

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        if not data:
            return
        if not self._is_chunking:
            await self._send(data)
        elif len(data) <= _JOINED_BYTES:
            await self._send(b"%x\r\n%b\r\n" % (len(data), bytes(data)))
        else:
            await self._send(b"%x\r\n" % len(data))
            await self._send(data)
            await self._send(b"\r\n")

    async def write_from(self, fd: int, at: int, end: int) -> None:
        """Send a file's bytes from `at` to `end`, of an answer whose length has been told (sendfile(2)).

        Raises: ConnectionAbortedError: the file has become shorter than that.
        """
        while at < end:
            try:
                sent = os.sendfile(self.connection.fileno(), fd, at, min(PIECE_BYTES, end - at))
            except BlockingIOError:
                await self.loop.writable(self.connection.fileno(), time.monotonic() + WRITE_S)
                continue
            if not sent:
                raise ConnectionAbortedError("the file has become shorter while it was read")
            at += sent
            self._sent_in_turn += sent
            await self._give_turn()

    async def finish(self) -> None:
        """End a chunked body: without it the reader knows that something is missing."""
        if self._is_chunking:
            await self._send(b"0\r\n\r\n")

    async def begin_events(self) -> None:
        """Begin a stream of server-sent events (WHATWG HTML, section 9.2), which ends when the client does."""
        while await self.read():
            continue
        self.end_with_client()
        await self.begin("text/event-stream")

    async def send_event(self, value: Mapping[str, Any], id_: str = "") -> None:
        await self.write(encode_event(value, id_))

    async def send_beat(self) -> None:
        """To be sent after `BEAT_S` of silence."""
        await self.write(b": still here\n\n")

    # --- for `api` --------------------------------------------------------------------------------------------------

    async def run(self, handler: Any) -> None:
        """Run a handler to its end; whoever cancels this cancels it."""
        failure: list[BaseException] = []

        async def guarded() -> None:
            try:
                await handler(self)
            except Exception as error:  # noqa: BLE001  # handed on to whoever waits below
                failure.append(error)

        self._task = self.loop.spawn(guarded(), "machine request")
        try:
            await self._task.done.wait()
        finally:
            await self.loop.stop(self._task, *([self._watch] if self._watch is not None else []))
        if failure:
            raise failure[0]

    def take_over(self) -> bytes:
        """Leave HTTP behind: return what has come already; from here on the connection is the handler's."""
        self.has_begun = self.is_taken_over = True
        rest, self._received = self._received[self._at :], b""
        return rest

    async def linger(self) -> None:
        """Read what nobody wanted of the body and throw it away. The answer has been given, and its end."""
        if not self._is_read:
            await linger(self.loop, self.connection)

    async def _send(self, data: bytes | bytearray | memoryview) -> None:
        view = memoryview(data)
        for at in range(0, len(view), _SENT_BYTES):  # in pieces, each with a deadline: who reads slowly still reads
            piece = view[at : at + _SENT_BYTES]
            self._sent_in_turn += len(piece)
            await self._give_turn()
            await streams.send_all(self.loop, self.connection, piece, time.monotonic() + WRITE_S)

    async def _give_turn(self) -> None:
        if self._sent_in_turn >= PIECE_BYTES:  # who is always ready must not keep the loop from the others
            self._sent_in_turn = 0
            await self.loop.sleep(0)

    async def _until_gone(self) -> None:
        await self.loop.readable(self.connection.fileno())
        # Bytes, an end or an error: whoever still listens has nothing more to say.
        if self._task is not None:
            self._task.cancel()

    async def _read(self) -> bytes:
        if self._is_read:
            return b""
        if self._left is None or (self.head.is_chunked and self._left == 0):
            self._left = await self._next_chunk()
            if self._left == 0:
                self._is_read = True
                return b""
        piece = await self._take(min(self._left, PIECE_BYTES))
        self._left -= len(piece)
        if self._left == 0:
            if self.head.is_chunked:
                if await self._line():
                    raise HeadError("this is no chunk")
            else:
                self._is_read = True
        return piece

    async def _next_chunk(self) -> int:
        size = chunk_size(await self._line())
        if size == 0:
            for _ in range(MAX_TRAILERS + 1):
                if not await self._line():
                    return 0
            raise HeadError("too many trailers")
        return size

    async def _line(self) -> bytes:
        most = MAX_CHUNK_LINE_BYTES + 2
        while (end := self._received.find(b"\r\n", self._at, self._at + most)) < 0:
            if len(self._received) - self._at >= most:
                raise HeadError("this is no chunk")
            self._received, self._at = self._received[self._at :] + await self._receive(), 0
        line = self._received[self._at : end]
        self._at = end + 2
        return line

    async def _take(self, limit: int) -> bytes:
        if self._at == len(self._received):
            self._received, self._at = await self._receive(), 0
        piece = self._received[self._at : self._at + limit]
        self._at += len(piece)
        return piece

    async def _receive(self) -> bytes:
        data = await streams.receive(self.loop, self.connection, PIECE_BYTES, time.monotonic() + BODY_S)
        if not data:
            raise ConnectionError("the body was broken off")
        return data


async def linger(loop: Loop, connection: socket, within_s: float | None = None) -> None:
    """Read until the peer has nothing more to say, at most `within_s` (`LINGER_S`), and throw it away.

    A connection that is closed with bytes unread is reset, and the peer may lose what it was answered.
    """
    deadline = time.monotonic() + (LINGER_S if within_s is None else within_s)
    with suppress(OSError):
        while await streams.receive(loop, connection, PIECE_BYTES, deadline):
            continue


def encode_event(value: Mapping[str, Any], id_: str = "") -> bytes:
    """JSON holds no line break, so one `data` field is enough."""
    head = f"id: {id_}\n" if id_ else ""
    return f"{head}data: {json.dumps(value, separators=(',', ':'))}\n\n".encode()
