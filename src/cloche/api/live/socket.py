"""A WebSocket of ours, behind its handshake: whole messages in, frames out, and a word when the peer takes no more."""

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import Callable
from typing import Final, cast

from cloche.api.devtools_door.closing import Closing
from cloche.api.devtools_door.passage import tune
from cloche.api.live.frames import Kind, Received, ViewerFrames
from cloche.wire.websocket import Opcode, WebSocketError, encode_close, encode_frame

FAREWELL_S: Final = 1.0
"""How long the peer may take to answer a Close frame."""
UNSENT_BYTES: Final = 64 << 10
"""What the kernel holds that has not been sent (tcp(7), TCP_NOTSENT_LOWAT): more of it would be old pictures."""
BYTES_PER_SECOND: Final = 1 << 20
BURST_BYTES: Final = 2 << 20
"""Of what a viewer may send at once. Who sends more is read more slowly."""
FRAME_BYTES: Final = 512
"""That a frame counts for beside its own: a ping of six bytes takes as much time as a message."""
READ_BYTES: Final = 16 << 10
"""At once: what the frames in it cost keeps nobody else waiting. No viewer says more before it is let in."""

MAX_HELD: Final = 64
"""Of answers; the largest are WebRTC's, about 10 KiB."""


class UnresponsiveError(Exception):
    """The peer takes nothing, or has not been heard of, for longer than it may."""


class LeftError(Exception):
    """The connection is over."""


class LiveSocket(asyncio.BufferedProtocol):
    """Owned by its door, for as long as it serves; `finish` ends it. All writing is to be preceded by `writable`,
    but for `answer`."""

    def __init__(self, *, max_bytes: int, patience_s: float, ping_every_s: float) -> None:
        """`max_bytes`: of one message of the peer's. `patience_s`: how long it may take nothing."""
        self._loop = asyncio.get_running_loop()
        self._frames = ViewerFrames(max_bytes)
        self._buffer = bytearray(READ_BYTES)
        self._patience_s, self._ping_every_s = patience_s, ping_every_s
        self._transport: asyncio.Transport | None = None
        self._on_message: Callable[[Received], None] = lambda _received: None
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._heard_at = self._loop.time()
        self._allowance, self._allowed_at = float(BURST_BYTES), self._loop.time()
        self._held: deque[bytes] = deque()
        self._close_sent = False
        self.left: asyncio.Future[None] = self._loop.create_future()
        """Done when the peer has said goodbye, has broken the protocol, or is gone."""

    def begin(self, transport: asyncio.Transport, opening: bytes) -> None:
        """Take the connection over, whose reading has been paused. `opening` is the 101."""
        self._transport = transport
        _tune(transport)
        transport.set_write_buffer_limits(high=0)
        transport.set_protocol(self)
        transport.write(opening)

    def listen(self, on_message: Callable[[Received], None], early: bytes = b"") -> None:
        """Begin to read; `early` is what the peer has sent behind its request."""
        transport = self._transport
        assert transport is not None
        self._on_message = on_message
        if len(early) > READ_BYTES:
            self._break_off(WebSocketError("too much before the handshake"))
        elif early:
            self._read(early)
        if not transport.is_closing():
            transport.resume_reading()

    @property
    def takes_more(self) -> bool:
        return self._has_room.is_set() and not self.left.done()

    async def writable(self) -> None:
        """Wait until what was written before is the kernel's. Raises: UnresponsiveError, LeftError."""
        if not self._has_room.is_set():
            try:
                async with asyncio.timeout(self._patience_s):
                    await self._has_room.wait()
            except TimeoutError:
                raise UnresponsiveError from None
        if self.left.done():
            raise LeftError

    def send_text(self, text: bytes) -> None:
        self._send(Opcode.TEXT, text)

    def send_binary(self, data: bytes) -> None:
        self._send(Opcode.BINARY, data)

    def answer(self, text: bytes) -> None:
        """Send a text as soon as there is room. A few are held back until then; who asks for more, gets no answer."""
        if self.takes_more:
            self.send_text(text)
        elif len(self._held) < MAX_HELD:
            self._held.append(text)

    async def keep_alive(self) -> None:
        """Ping for ever. Raises: UnresponsiveError once two pings in a row have brought no sign of life."""
        while True:
            await asyncio.sleep(self._ping_every_s)
            if self._loop.time() - self._heard_at > 2 * self._ping_every_s:
                raise UnresponsiveError
            if self.takes_more:
                self._send(Opcode.PING, b"")

    async def finish(self, closing: Closing) -> None:
        """Say why, give the peer a moment to read it, and close. Any number of times."""
        transport = self._transport
        if transport is None:
            return
        if self.takes_more:
            self._say_goodbye(closing.code, closing.reason)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await asyncio.shield(self.left)
        if self._has_room.is_set():
            transport.close()
        else:
            transport.abort()

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._read(bytes(memoryview(self._buffer)[:nbytes]))

    def eof_received(self) -> None:
        self._leave()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        self._has_room.set()

    def pause_writing(self) -> None:
        self._has_room.clear()

    def resume_writing(self) -> None:
        self._has_room.set()
        while self._held and self.takes_more:
            self.send_text(self._held.popleft())

    def _read(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        if self.left.done():
            self._meter(len(data))
            return
        before = self._frames.frames
        try:
            for received in self._frames.feed(data):
                self._take(received)
        except WebSocketError as error:
            self._break_off(error)
        self._meter(len(data) + FRAME_BYTES * (self._frames.frames - before))

    def _break_off(self, error: WebSocketError) -> None:
        self._say_goodbye(error.code, "protocol_error")
        self._leave()

    def _take(self, received: Received) -> None:
        match received.kind:
            case Kind.PING:
                if self.takes_more:
                    self._send(Opcode.PONG, received.data)
            case Kind.PONG:
                pass  # that it came has been noted
            case Kind.CLOSE:
                if self.takes_more:
                    self._say_goodbye(1000, "left")
                self._leave()
            case _ if not (self._close_sent or self.left.done()):
                self._on_message(received)

    def _say_goodbye(self, code: int, reason: str) -> None:
        if not self._close_sent and self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode_close(code, reason))
        self._close_sent = True

    def _leave(self) -> None:
        if not self.left.done():
            self.left.set_result(None)

    def _send(self, opcode: Opcode, data: bytes) -> None:
        if self._transport is not None and not self._close_sent and not self._transport.is_closing():
            self._transport.write(encode_frame(opcode, data))

    def _meter(self, size: int) -> None:
        """Read no faster than a viewer has any use for: what one sends must not keep the loop from the others."""
        now = self._loop.time()
        self._allowance = min(BURST_BYTES, self._allowance + (now - self._allowed_at) * BYTES_PER_SECOND) - size
        self._allowed_at = now
        if self._allowance < 0 and self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
            self._loop.call_later(-self._allowance / BYTES_PER_SECOND, self._resume_reading)

    def _resume_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()


def _tune(transport: asyncio.Transport) -> None:
    theirs = cast(socket.socket, transport.get_extra_info("socket"))
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(theirs.fileno())) as own:
        tune(own)
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
