"""HTTP/1.1 with an agent over a stream of the guest socket: one request, one answer, read as it comes.

The head of an answer is h11's to parse; its body goes through `http_body`. Measured over a unix socket with the peer
in a process of its own, 400 MB in pieces of 256 KiB: see `docs/reference/performance.md`.
"""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import h11

from cloche.agent_link.http_body import ChunkedFraming, Framing, LengthFraming
from cloche.errors import AgentError, DeadlineError

MAX_HEAD_BYTES: Final = 16 * 1024
MAX_BODY_BYTES: Final = 1024 * 1024
"""Of what `get` reads."""
MAX_TARGET_CHARS: Final = 15 * 1024
PIECE_BYTES: Final = 256 * 1024
SILENCE_S: Final = 60.0
"""How long an agent may send none of a body's rest, or take none of a request. Event streams beat more often."""

_MAX_FIELDS: Final = 32
_MAX_VALUE_CHARS: Final = 256
_OWN_FIELD: Final = re.compile(rb"cloche-[a-z-]{1,32}")
_PRINTABLE: Final = re.compile(rb"[ -~]*")
_TARGET: Final = re.compile(r"/[!-~]*")
_LENGTH: Final = re.compile(rb"\d{1,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`target` is path and query, percent-encoded; `json` an encoded body, for requests without a streamed one."""

    method: str
    target: str
    json: bytes | None = None
    host: str = "agent"


@dataclass(frozen=True, slots=True)
class Answer:
    """`fields` are those whose names begin with `cloche-`, in lower case; `length` is the body's where it was told."""

    status: int
    length: int | None
    fields: Mapping[str, str]
    body: "Body"


class Body:
    """An answer's body, piece by piece: what has arrived is handed on at once, and nothing is read ahead.

    Raises: AgentError when it is malformed or breaks off, DeadlineError after `SILENCE_S`.
    """

    def __init__(self, stream: socket.socket, framing: Framing, received: bytes) -> None:
        self._stream, self._framing, self._received = stream, framing, received

    def __aiter__(self) -> "Body":
        return self

    async def __anext__(self) -> bytes:
        while not self._framing.is_finished:
            data, self._received = self._received, b""
            piece = self._framing.feed(data or await self._receive())
            if self._framing.rest:
                self._received = self._framing.rest
                await asyncio.sleep(0)
            if piece:
                return piece
        raise StopAsyncIteration

    async def read(self, limit: int) -> bytes:
        """Read all of it. Raises: AgentError when there is more than `limit`."""
        read = bytearray()
        async for piece in self:
            read += piece
            if len(read) > limit:
                raise AgentError("the agent's answer is too large")
        return bytes(read)

    async def _receive(self) -> bytes:
        try:
            async with asyncio.timeout(SILENCE_S):
                return await _receive(self._stream, PIECE_BYTES)
        except TimeoutError:
            raise DeadlineError("the agent stopped in the middle of its answer") from None


@asynccontextmanager
async def exchange(
    stream: socket.socket, request: Request, body: AsyncIterator[bytes] | None = None, *, timeout_s: float
) -> AsyncIterator[Answer]:
    """Send a request on `stream` (from `streams.open_http`) and read its answer; leaving the block closes the stream.

    `timeout_s` is for the answer's head, counted from the end of the request. An agent that answers before it has
    read all of `body` is heard: the rest is not sent.

    Raises:
        AgentError: it broke off, or the answer is no HTTP/1.1 of ours (a status from 200 to 599, a head of 16 KiB).
        DeadlineError: the head did not come in time, or the agent took none of the request for `SILENCE_S`.
        Whatever `body` raises.
    """
    with stream:
        protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        await _send(stream, _head(protocol, request, is_streamed=body is not None), body)
        try:
            async with asyncio.timeout(timeout_s):
                response = await _receive_head(stream, protocol)
        except TimeoutError:
            raise DeadlineError("the agent did not answer in time") from None
        yield _answer(stream, response, protocol.trailing_data[0])


async def get(stream: socket.socket, path: str, *, timeout_s: float) -> tuple[int, bytes]:
    """Ask for `path`, a constant of the caller's, and read the whole answer: status and at most `MAX_BODY_BYTES`.

    Raises: as `exchange`; `timeout_s` is for all of it.
    """
    try:
        async with (
            asyncio.timeout(timeout_s),
            exchange(stream, Request(method="GET", target=path), timeout_s=timeout_s) as answer,
        ):
            return answer.status, await answer.body.read(MAX_BODY_BYTES)
    except TimeoutError:
        raise DeadlineError("the agent did not answer in time") from None


# --- the request ----------------------------------------------------------------------------------------------------


def _head(protocol: h11.Connection, request: Request, *, is_streamed: bool) -> bytes:
    if len(request.target) > MAX_TARGET_CHARS or not _TARGET.fullmatch(request.target):
        raise ValueError("a request's target is a percent-encoded path")
    fields = [("Host", request.host), ("Connection", "close")]
    if is_streamed:
        fields.append(("Transfer-Encoding", "chunked"))
    elif request.json is not None:
        fields += [("Content-Type", "application/json"), ("Content-Length", str(len(request.json)))]
    head = protocol.send(h11.Request(method=request.method, target=request.target, headers=fields))
    assert head is not None
    return head + (request.json or b"")


async def _send(stream: socket.socket, head: bytes, body: AsyncIterator[bytes] | None) -> None:
    """Send all of it, or as much as the agent takes until it begins to answer or hangs up: it may have said why."""
    loop = asyncio.get_running_loop()
    sending = asyncio.timeout(None)

    def stop() -> None:
        loop.remove_reader(stream)
        sending.reschedule(loop.time())

    try:
        async with sending:
            loop.add_reader(stream, stop)  # also the end of a stream is readable
            try:
                await _send_all(stream, head, body)
            finally:
                loop.remove_reader(stream)
    except _HungUpError:
        return
    except TimeoutError:
        if not sending.expired():
            raise  # the body's own


async def _send_all(stream: socket.socket, head: bytes, body: AsyncIterator[bytes] | None) -> None:
    await _write(stream, head)
    if body is None:
        return
    async for piece in body:
        if piece:
            await _write(stream, b"%x\r\n" % len(piece), piece, b"\r\n")
    await _write(stream, b"0\r\n\r\n")


async def _write(stream: socket.socket, *parts: bytes) -> None:
    try:
        sent = _write_now(stream, parts)
        if sent < sum(map(len, parts)):
            async with asyncio.timeout(SILENCE_S):
                await asyncio.get_running_loop().sock_sendall(stream, memoryview(b"".join(parts))[sent:])
    except TimeoutError:
        raise DeadlineError("the agent does not take the request") from None
    except (BrokenPipeError, ConnectionResetError):
        raise _HungUpError from None
    except OSError as error:
        raise AgentError("the session could not be reached") from error


def _write_now(stream: socket.socket, parts: tuple[bytes, ...]) -> int:
    try:
        return stream.sendmsg(parts, (), socket.MSG_DONTWAIT)
    except BlockingIOError:
        return 0


class _HungUpError(Exception):
    """The agent takes no more."""


# --- the answer -----------------------------------------------------------------------------------------------------


async def _receive_head(stream: socket.socket, protocol: h11.Connection) -> h11.Response:
    received = 0
    try:
        while (event := protocol.next_event()) is h11.NEED_DATA:
            # Never a byte beyond the limit: h11 looks at it only while something is missing.
            if received >= MAX_HEAD_BYTES:
                raise AgentError("the agent's answer was not understood")
            data = await _receive(stream, MAX_HEAD_BYTES - received)
            received += len(data)
            protocol.receive_data(data)
    except h11.RemoteProtocolError as error:
        raise AgentError("the agent's answer was not understood") from error
    if not isinstance(event, h11.Response) or not 200 <= event.status_code <= 599:
        raise AgentError("the agent's answer was not understood")
    return event


async def _receive(stream: socket.socket, limit: int) -> bytes:
    """Raises: AgentError at the end of the stream."""
    try:
        data = await asyncio.get_running_loop().sock_recv(stream, limit)
    except OSError as error:
        raise AgentError("the agent broke off its answer") from error
    if not data:
        raise AgentError("the agent broke off its answer")
    return data


def _answer(stream: socket.socket, response: h11.Response, received: bytes) -> Answer:
    fields = list(response.headers)
    if len(fields) > _MAX_FIELDS:
        raise AgentError("the agent's answer was not understood")
    length = _length(response.status_code, fields)
    framing = ChunkedFraming() if length is None else LengthFraming(length)
    own = {
        name.decode("ascii"): value.decode("ascii")
        for name, value in fields
        if _OWN_FIELD.fullmatch(name) and len(value) <= _MAX_VALUE_CHARS and _PRINTABLE.fullmatch(value)
    }
    return Answer(response.status_code, length, own, Body(stream, framing, received))


def _length(status: int, fields: list[tuple[bytes, bytes]]) -> int | None:
    """Of the body; None for one in chunks. A body that would end with the connection could be cut off unseen."""
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    lengths = [value for name, value in fields if name == b"content-length"]
    if status in (204, 304) and not codings and (not lengths or lengths == [b"0"]):
        return 0
    if codings and not lengths:
        return None  # h11 knows no coding but `chunked`
    if len(lengths) != 1 or codings or not _LENGTH.fullmatch(lengths[0]):
        raise AgentError("the agent's answer was not understood")
    return int(lengths[0])
