"""A process's input and output over a WebSocket (RFC 6455): a terminal for whoever attaches, any number at a time.

    in    binary: standard input; text: {"type": "resize", "rows", "cols"}
    out   binary: output; text: {"type": "gap", "missed_bytes"}, {"type": "error", "code", "message"} and, last,
          {"type": "exit", "exitCode", "signal"}, then Close 1000

Whoever leaves does not end the process. A client that is slow is waited for; only one that takes nothing for a minute
is given up. While a process does not read its input, no more is taken from the client.
"""

import json
import time
from collections import deque
from contextlib import suppress
from socket import SHUT_WR
from typing import Any, Final

from cloche.agent import streams
from cloche.agent.loop import Event, Task
from cloche.agent.machine.exchange import WRITE_S, Exchange, linger
from cloche.agent.machine.fields import Fields
from cloche.agent.machine.problem import Problem, invalid
from cloche.agent.machine.process.program import Program
from cloche.agent.machine.process.request import window_of
from cloche.wire.websocket import (
    NO_CODE,
    FrameReader,
    Message,
    Opcode,
    WebSocketError,
    accept_value,
    close_code,
    encode_close,
    encode_frame,
)

MAX_MESSAGE_BYTES: Final = 1024 * 1024
PING_S: Final = 30.0
_OUTPUT_BYTES: Final = 16 * 1024
"""Of output, in one message."""
_RECEIVED_BYTES: Final = 64 * 1024
_STDIN_S: Final = 5.0
"""How long input is offered before it is looked again whether the process lives."""
_MAX_SAID: Final = 64
"""What waits to be said to a client that does not listen; more is not asked of it either."""
_FAREWELL_S: Final = 1.0
"""How long the client's own Close frame is waited for."""
_VERSION: Final = "13"


async def attach(exchange: Exchange, program: Program) -> None:
    """Answer 101, then talk until the process has ended, or the client has."""
    key, offset = _check_upgrade(exchange), exchange.query_number("offset")
    if offset is not None and offset > program.ring.end:
        raise invalid(f"must be a whole number up to {program.ring.end}", "offset")
    received = exchange.take_over()
    attachment = _Attachment(exchange, program, program.ring.start if offset is None else offset)
    await attachment.run(key, received)


class _Attachment:
    """One client. Only `run` writes to it; what reads leaves in `_said` what is to be said."""

    def __init__(self, exchange: Exchange, program: Program, offset: int) -> None:
        self._loop, self._connection, self._program = exchange.loop, exchange.connection, program
        self._offset = offset
        self._frames = FrameReader(from_client=True, max_bytes=MAX_MESSAGE_BYTES)
        self._said: deque[bytes] = deque()
        self._pong: bytes | None = None
        """The answer to the client's last ping (section 5.5.3)."""
        self._room = Event(self._loop)
        """Pulsed when something that was to be said has been."""
        self._close: bytes | None = None
        """The Close frame that ends it."""
        self._has_left = False
        """The client has sent a Close frame or has gone: nothing more will be read."""

    async def run(self, key: str, received: bytes) -> None:
        lines = (
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept_value(key)}",
        )
        await self._send("\r\n".join(lines).encode() + b"\r\n\r\n")
        with self._program.listening() as changed:
            reading = self._loop.spawn(self._listen(received, changed), "attached input")
            try:
                await self._talk(changed)
                await self._say_goodbye(reading)
            finally:
                await self._loop.stop(reading)

    async def _talk(self, changed: Event) -> None:
        """Say what there is to say until there is a Close frame to send, or nobody to send it to."""
        ping_at = time.monotonic() + PING_S
        while self._close is None and not self._has_left:
            if time.monotonic() >= ping_at:
                await self._send(encode_frame(Opcode.PING, b""))
                ping_at = time.monotonic() + PING_S
                continue  # a Close frame may have come meanwhile
            if await self._say_waiting():
                continue
            if self._program.settled.is_set() and self._offset >= self._program.tail:  # though others may print on
                await self._say(self._exit())
                self._close = encode_close(1000, "the process has ended")
                return
            if await self._say_output():
                continue
            try:
                await changed.next(ping_at)
            except TimeoutError:
                continue

    async def _say_waiting(self) -> bool:
        pong, self._pong = self._pong, None
        if pong is not None:
            await self._send(encode_frame(Opcode.PONG, pong))
        said = bool(self._said)
        while self._said:
            await self._send(encode_frame(Opcode.TEXT, self._said.popleft()))
        if said:
            self._room.pulse()
        return said or pong is not None

    async def _say_output(self) -> bool:
        """Send one piece, or that some are missing; false if there is nothing."""
        ring = self._program.ring
        if self._offset < ring.start:
            missed, self._offset = ring.start - self._offset, ring.start
            await self._say({"type": "gap", "missed_bytes": missed})
            return True
        piece = ring.read(self._offset, _OUTPUT_BYTES)
        if piece is None:
            return False
        self._offset = piece.end
        await self._send(encode_frame(Opcode.BINARY, piece.data))
        return True

    def _exit(self) -> dict[str, Any]:
        return {"type": "exit", "exitCode": self._program.exit_code, "signal": self._program.signal}

    async def _say_goodbye(self, reading: Task) -> None:
        """Send the Close frame, and give the client a moment for its own: what a reset would take from it is lost."""
        if self._close is None:
            return
        await self._send(self._close)
        with suppress(TimeoutError):
            await reading.done.wait(time.monotonic() + _FAREWELL_S)
        if not self._has_left and reading.done.is_set():  # it broke the protocol, and is not listened to any more
            self._connection.shutdown(SHUT_WR)
            await linger(self._loop, self._connection, _FAREWELL_S)

    async def _listen(self, received: bytes, changed: Event) -> None:
        """Take messages until the client has no more, or breaks the protocol."""
        try:
            self._frames.feed(received)
            while not self._has_left:
                while not self._has_left and (message := self._frames.next_message()) is not None:
                    await self._take(message, changed)
                if not self._has_left:
                    await self._receive()
        except WebSocketError as error:
            self._close = self._close or encode_close(error.code, str(error))
        except OSError:
            self._has_left = True
        finally:
            changed.pulse()

    async def _receive(self) -> None:
        data = await streams.receive(self._loop, self._connection, _RECEIVED_BYTES)
        if not data:
            self._has_left = True
        self._frames.feed(data)

    async def _take(self, message: Message, changed: Event) -> None:
        if message.opcode is Opcode.BINARY:
            await self._type(message.data)
        elif message.opcode is Opcode.TEXT:
            await self._obey(message.data)
        elif message.opcode is Opcode.PING:
            self._pong = message.data
        elif message.opcode is Opcode.CLOSE:
            code = close_code(message.data)
            self._close = self._close or encode_close(1000 if code == NO_CODE else code, "")
            self._has_left = True
        changed.pulse()
        await self._loop.sleep(0)  # who sends without end must not keep the loop from the others

    async def _type(self, data: bytes) -> None:
        """Offer it until it is taken, or the process takes no more."""
        while data and self._program.is_running:
            try:
                taken = await self._program.stdin.write(data, time.monotonic() + _STDIN_S)
            except BrokenPipeError:
                await self._complain(Problem(409, "stdin_closed", "the process takes no more input"))
                return
            data = data[taken:]

    async def _obey(self, text: bytes) -> None:
        try:
            self._resize(_fields_of(text))
        except Problem as problem:
            await self._complain(problem)

    def _resize(self, fields: Fields) -> None:
        if fields.text("type") != "resize":
            raise invalid("must be resize", "type")
        rows, columns = window_of(fields)
        if not self._program.is_terminal:
            raise Problem(409, "not_a_terminal", "the process has no terminal")
        if self._program.is_running:
            self._program.resize(rows, columns)

    async def _complain(self, problem: Problem) -> None:
        while len(self._said) >= _MAX_SAID:
            await self._room.next()
        body = {"type": "error", "code": problem.code, "message": problem.message} | problem.fields
        self._said.append(json.dumps(body).encode())

    async def _say(self, value: dict[str, Any]) -> None:
        await self._send(encode_frame(Opcode.TEXT, json.dumps(value).encode()))

    async def _send(self, data: bytes) -> None:
        await self._loop.sleep(0)  # who takes everything at once must not keep the loop from the others
        await streams.send_all(self._loop, self._connection, data, time.monotonic() + WRITE_S)


def _fields_of(text: bytes) -> Fields:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise invalid("the message is not JSON") from None
    if not isinstance(value, dict):
        raise invalid("the message is no object")
    return Fields(value)


def _check_upgrade(exchange: Exchange) -> str:
    """Return the client's key. Raises: Problem: it is no WebSocket that is asked for (section 4.2.1)."""
    fields = exchange.head.fields
    tokens = [token.strip().lower() for token in fields.get("connection", "").split(",")]
    key = fields.get("sec-websocket-key", "")
    if fields.get("upgrade", "").lower() != "websocket" or "upgrade" not in tokens or not key:
        raise Problem(400, "invalid_request", "a WebSocket must be asked for")
    if fields.get("sec-websocket-version") != _VERSION:
        raise Problem(400, "invalid_request", f"only version {_VERSION} of the protocol is spoken")
    return key
