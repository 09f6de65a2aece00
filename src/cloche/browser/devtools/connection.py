"""One WebSocket to Chromium's browser endpoint, with all calls that are under way on it."""

import asyncio
import base64
import itertools
import os
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import msgspec
import structlog

from cloche.browser.devtools.codec import Incoming, Json, read, read_message, write_message
from cloche.browser.devtools.errors import (
    AnswerMalformedError,
    AnswerTooLargeError,
    ConnectionGoneError,
    DevToolsError,
    NoAnswerError,
    RefusedError,
)
from cloche.browser.devtools.frames import FrameReader, Kind, Received
from cloche.browser.devtools.guest_socket import GuestSocket
from cloche.wire.websocket import Opcode, WebSocketError, accept_value, encode_frame

MAX_MESSAGE_BYTES: Final = 96 << 20
"""Of an answer. A picture of 64 MiB in base64 fits."""
MAX_HEAD_BYTES: Final = 16 << 10
HANDSHAKE_S: Final = 5.0
MAX_UNSENT_BYTES: Final = 128 << 20
MAX_UNSENT_PONGS: Final = 64 << 10
"""Unsent bytes with which pings are no longer answered: whoever sends them without end may take nothing in."""
MAX_UNDER_WAY: Final = 32_768
"""Calls without an answer. A page with a thousand frames has nine thousand for a moment."""
MAX_COMPLAINTS: Final = 20
"""How many kinds of messages that are not understood are told of in the log, once each."""
BUSY_S: Final = 0.005
"""A browser that keeps the daemon at its messages for longer has to wait for as long again."""

_ID: Final = re.compile(rb'^\{"id":(\d{1,18})[,}]')

_log = structlog.get_logger(__name__)

T = TypeVar("T")
OnEvent = Callable[[str, str, msgspec.Raw], None]
"""Session id (empty: the browser's own), method, parameters not yet decoded."""


@dataclass(slots=True)
class _Pending:
    method: str
    session_id: str
    answer: "asyncio.Future[msgspec.Raw]"
    held_up: bool
    """Whether a dialog may end the waiting."""


class Connection:
    """Made by `connect`; `close` ends it. Calls and events belong to one event loop.

    `on_event` is called in order and must not block. What it raises is logged, and costs that one event.
    """

    def __init__(self, sock: socket.socket, on_event: OnEvent, max_bytes: int) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the connection has ended, for whatever reason."""
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count(1)
        self._pending: dict[int, _Pending] = {}
        self._head: bytearray | None = bytearray()
        self._key = base64.b64encode(os.urandom(16)).decode()
        self._open: asyncio.Future[None] = self._loop.create_future()
        self._complained: set[str] = set()
        self._reader = FrameReader(max_bytes)
        self._socket = GuestSocket(sock, self._data_received, self._over)

    @classmethod
    async def connect(
        cls, sock: socket.socket, path: str, host: str, on_event: OnEvent, *, max_bytes: int = MAX_MESSAGE_BYTES
    ) -> "Connection":
        """Shake hands over a connected socket, which is the connection's from here on.

        Raises: ConnectionGoneError.
        """
        connection = cls(sock, on_event, max_bytes)
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                await connection._shake_hands(path, host)
        except BaseException as error:
            connection.close()
            if isinstance(error, TimeoutError):
                raise ConnectionGoneError("the browser did not answer") from None
            raise
        return connection

    @property
    def is_closed(self) -> bool:
        return self.ended.done()

    # --- calls ------------------------------------------------------------------------------------------------------

    def begin(
        self, method: str, params: Json | None = None, *, session_id: str = "", held_up: bool = True
    ) -> "asyncio.Future[msgspec.Raw]":
        """Send a call and return its answer to come, undecoded; it fails as `call` does, but never for time.

        `held_up` False: wait also while a dialog is open.
        """
        future: asyncio.Future[msgspec.Raw] = self._loop.create_future()
        if self.is_closed:
            future.set_exception(ConnectionGoneError("the browser has gone"))
            return future
        if self._socket.unsent_bytes > MAX_UNSENT_BYTES or len(self._pending) >= MAX_UNDER_WAY:
            self.close()
            future.set_exception(ConnectionGoneError("the browser takes nothing in, or answers nothing"))
            return future
        number = next(self._numbers)
        self._pending[number] = _Pending(method, session_id, future, held_up)
        future.add_done_callback(lambda _: self._pending.pop(number, None))
        self._socket.write(encode_frame(Opcode.TEXT, write_message(number, method, params, session_id), os.urandom(4)))
        return future

    async def call(
        self,
        method: str,
        params: Json | None = None,
        kind: type[T] = cast(Any, dict[str, Any]),  # noqa: B008 - a type, made once
        *,
        session_id: str = "",
        deadline: float,
        held_up: bool = True,
    ) -> T:
        """Call a method; the answer's `result` is decoded as `kind`. `deadline` is on the loop's clock.

        Raises:
            RefusedError, AnswerTooLargeError, AnswerMalformedError, NoAnswerError, TargetGoneError, HeldUpError,
            ConnectionGoneError
        """
        answer = self.begin(method, params, session_id=session_id, held_up=held_up)
        try:
            async with asyncio.timeout_at(deadline):
                return read(await answer, kind)
        except TimeoutError:
            raise NoAnswerError(f"no answer to {method}") from None

    def fail(self, session_ids: Iterable[str], error: DevToolsError, *, only_held_up: bool = False) -> None:
        """End the waiting for answers of these sessions. `only_held_up`: of calls that a dialog may end."""
        ids = frozenset(session_ids)
        for pending in tuple(self._pending.values()):
            if pending.session_id in ids and (pending.held_up or not only_held_up) and not pending.answer.done():
                pending.answer.set_exception(error)
                pending.answer.exception()  # nobody need be waiting

    def not_understood(self, what: str) -> None:
        """Note in the log what came, once: a browser could fill the log with it."""
        if what not in self._complained and len(self._complained) < MAX_COMPLAINTS:
            self._complained.add(what)
            _log.warning("devtools_not_understood", what=what[:64])

    def close(self) -> None:
        """End the connection now; calls under way raise ConnectionGoneError."""
        self._socket.close()
        self._over()

    # --- the wire ---------------------------------------------------------------------------------------------------

    def _data_received(self, data: bytes) -> None:
        if self._head is not None:
            data = self._read_head(data)
        if data:
            self._reader.add(data)
            self._work()

    def _work(self) -> None:
        """Take the messages that have come; leave the daemon's other work as much time as this browser has taken."""
        began = self._loop.time()
        while not self.is_closed and (received := self._next()) is not None:
            self._take(received)
            took_s = self._loop.time() - began
            if took_s > BUSY_S:
                self._socket.pause()
                self._loop.call_later(took_s, self._work_on)
                return

    def _work_on(self) -> None:
        self._socket.resume()
        self._work()

    def _next(self) -> Received | None:
        try:
            return self._reader.next()
        except WebSocketError:
            _log.warning("devtools_protocol_broken")
            self.close()
            return None

    async def _shake_hands(self, path: str, host: str) -> None:
        lines = (
            f"GET {path} HTTP/1.1",
            f"Host: {host}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {self._key}",
        )
        self._socket.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")
        await self._open

    def _read_head(self, data: bytes) -> bytes:
        """Return what came behind Chromium's 101."""
        assert self._head is not None
        self._head += data
        head, end, rest = bytes(self._head).partition(b"\r\n\r\n")
        if not end:
            if len(self._head) > MAX_HEAD_BYTES:
                self.close()
            return b""
        self._head = None
        accepted = f"sec-websocket-accept: {accept_value(self._key)}".lower().encode()
        if not head.startswith(b"HTTP/1.1 101 ") or accepted not in head.lower():
            self.close()
            return b""
        if not self._open.done():
            self._open.set_result(None)
        return rest

    def _take(self, received: Received) -> None:
        match received.kind:
            case Kind.MESSAGE:
                try:
                    self._dispatch(read_message(received.data))
                except AnswerMalformedError:
                    self.not_understood("message")
            case Kind.TOO_LARGE:
                if (found := _ID.match(received.data)) and (pending := self._pending.get(int(found[1]))):
                    self._fail(pending, AnswerTooLargeError(f"the answer to {pending.method} is too large"))
            case Kind.PING:
                if self._socket.unsent_bytes < MAX_UNSENT_PONGS:
                    self._socket.write(encode_frame(Opcode.PONG, received.data, os.urandom(4)))
            case Kind.CLOSE:
                self.close()
            case Kind.PONG:
                pass

    def _dispatch(self, message: Incoming) -> None:
        if message.id is None:
            return self._tell(message)
        pending = self._pending.get(message.id)
        if pending is None or pending.answer.done():
            return None
        if message.error is not None:
            return self._fail(pending, RefusedError(pending.method, message.error.code, message.error.message))
        return pending.answer.set_result(message.result)

    def _tell(self, event: Incoming) -> None:
        try:
            self._on_event(event.sessionId, event.method, event.params)
        except Exception:  # noqa: BLE001 - one turn of a loop: an event must not keep the next from being read
            if event.method not in self._complained and len(self._complained) < MAX_COMPLAINTS:
                self._complained.add(event.method)
                _log.exception("devtools_event_broke", method=event.method[:64])

    @staticmethod
    def _fail(pending: _Pending, error: DevToolsError) -> None:
        if not pending.answer.done():
            pending.answer.set_exception(error)
            pending.answer.exception()  # nobody need be waiting

    def _over(self) -> None:
        if self.ended.done():
            return
        self.ended.set_result(None)
        self._reader.clear()
        error = ConnectionGoneError("the browser has gone")
        if not self._open.done():
            self._open.set_exception(error)
            self._open.exception()
        for pending in tuple(self._pending.values()):
            self._fail(pending, error)
