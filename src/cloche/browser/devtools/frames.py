"""WebSocket frames from Chromium (RFC 6455, section 5.2), one whole message each. Pure.

A message that is too large to be held is skipped as it comes in, and only its beginning is kept: who waits for it can
be told. Chromium sends neither fragments nor masks.
"""

from enum import Enum, auto
from typing import Final, NamedTuple

from cloche.wire.websocket import Opcode, WebSocketError

KEPT_BYTES: Final = 256
"""Of a message that is skipped: `{"id":17,…` or `{"method":…` stands at its beginning."""


class Kind(Enum):
    MESSAGE = auto()
    TOO_LARGE = auto()
    PING = auto()
    PONG = auto()
    CLOSE = auto()


class Received(NamedTuple):
    kind: Kind
    data: bytes


class FrameReader:
    """Owned by one connection. After an error it is of no further use."""

    def __init__(self, max_bytes: int) -> None:
        self._max = max_bytes
        self._pending = bytearray()
        self._skipping = 0
        """Bytes that are still to be dropped."""
        self._skipped = b""

    def feed(self, data: bytes) -> list[Received]:
        """Take bytes as they come; return what has become whole with them.

        Raises:
            WebSocketError: this is no frame that Chromium sends.
        """
        self.add(data)
        received: list[Received] = []
        while (one := self.next()) is not None:
            received.append(one)
        return received

    def add(self, data: bytes) -> None:
        """Take bytes as they come, for `next`."""
        self._pending += data

    def next(self) -> Received | None:
        """Return what has become whole; None until there is more. Raises: WebSocketError, as `feed`."""
        while (one := self._next()) is not None and one.kind is Kind.PONG:
            pass  # nobody has asked for it
        return one

    def clear(self) -> None:
        """Forget what has come: the connection is over, and its owner may be kept for long."""
        self._pending = bytearray()

    def _next(self) -> Received | None:
        if self._skipping:
            return self._skip()
        head = self._head()
        if head is None:
            return None
        opcode, start, length = head
        if opcode is Opcode.TEXT and length > self._max:
            if len(self._pending) < start + KEPT_BYTES:
                return None
            self._skipped = bytes(self._pending[start : start + KEPT_BYTES])
            del self._pending[:start]
            self._skipping = length
            return self._skip()
        if len(self._pending) < start + length:
            return None
        data = bytes(memoryview(self._pending)[start : start + length])
        del self._pending[: start + length]
        match opcode:
            case Opcode.TEXT:
                return Received(Kind.MESSAGE, data)
            case Opcode.PING:
                return Received(Kind.PING, data)
            case Opcode.CLOSE:
                return Received(Kind.CLOSE, data)
            case Opcode.PONG:
                return Received(Kind.PONG, data)
            case _:
                raise WebSocketError("not a frame of DevTools'")

    def _skip(self) -> Received | None:
        dropped = min(self._skipping, len(self._pending))
        del self._pending[:dropped]
        self._skipping -= dropped
        return None if self._skipping else Received(Kind.TOO_LARGE, self._skipped)

    def _head(self) -> tuple[Opcode, int, int] | None:
        """Opcode, where the data starts, and how long it is; None until that much is there."""
        if len(self._pending) < 2:
            return None
        first, second = self._pending[0], self._pending[1]
        if first & 0xF0 != 0x80 or second & 0x80:
            raise WebSocketError("a fragment, an extension or a mask")
        try:
            opcode = Opcode(first & 0x0F)
        except ValueError:
            raise WebSocketError("an unknown opcode") from None
        length, start = second & 0x7F, 2
        if length >= 126:
            start = 4 if length == 126 else 10
            if len(self._pending) < start:
                return None
            length = int.from_bytes(self._pending[2:start], "big")
        if opcode >= Opcode.CLOSE and length > 125:
            raise WebSocketError("a control frame that is too long")
        return opcode, start, length
