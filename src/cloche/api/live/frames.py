"""WebSocket frames from a viewer (RFC 6455, section 5.2), one whole message each. Pure.

A message that is too large is skipped as it comes in, and told once, at its beginning: the connection goes on. Texts
are not checked to be UTF-8 here: whoever reads the JSON in them finds out.
"""

from enum import Enum, auto
from typing import Final, NamedTuple

from websockets.utils import apply_mask

from cloche.wire.websocket import MAX_CONTROL_BYTES, Opcode, WebSocketError


class Kind(Enum):
    TEXT = auto()
    BINARY = auto()
    TOO_LARGE = auto()
    PING = auto()
    PONG = auto()
    CLOSE = auto()


class Received(NamedTuple):
    kind: Kind
    data: bytes


_CONTROLS: Final = {Opcode.PING: Kind.PING, Opcode.PONG: Kind.PONG, Opcode.CLOSE: Kind.CLOSE}


class _Head(NamedTuple):
    is_last: bool
    opcode: Opcode
    start: int
    """Where the data begins, behind the four bytes of the mask."""
    length: int


class ViewerFrames:
    """Owned by one connection; holds at most `max_bytes` and what was last fed. Of no further use after an error."""

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes`: of one message."""
        self.frames = 0
        """That have been dealt with. Each costs time, however short it is."""
        self._max = max_bytes
        self._pending = bytearray()
        self._opcode: Opcode | None = None
        """Of the message whose fragments are being put together."""
        self._fragments = bytearray()
        self._is_too_large = False
        """Whether that message is being skipped."""
        self._skipping = 0
        """Bytes of the present frame that are still to be dropped."""
        self._ends_with_frame = False

    def feed(self, data: bytes) -> list[Received]:
        """Take bytes as they come; return what has become whole with them.

        Raises:
            WebSocketError: the peer broke the protocol.
        """
        self._pending += data
        received: list[Received] = []
        while True:
            before = len(self._pending)
            if (one := self._next()) is not None:
                received.append(one)
            elif len(self._pending) == before:
                return received

    def _next(self) -> Received | None:
        """Take one step; None with as much pending as before: there is none to take."""
        if self._skipping:
            self._skip()
            return None
        head = self._head()
        if head is None:
            return None
        if head.opcode >= Opcode.CLOSE:
            return self._control(head)
        if (head.opcode is Opcode.CONTINUATION) != (self._opcode is not None):
            raise WebSocketError("a fragment is out of place")
        if self._is_too_large or len(self._fragments) + head.length > self._max:
            return self._begin_to_skip(head)
        data = self._take(head)
        if data is None:
            return None
        opcode = self._opcode or head.opcode
        self._fragments += data
        if not head.is_last:
            self._opcode = opcode
            return None
        whole = bytes(self._fragments)
        self._forget_message()
        return Received(Kind.TEXT if opcode is Opcode.TEXT else Kind.BINARY, whole)

    def _control(self, head: _Head) -> Received | None:
        if not head.is_last or head.length > MAX_CONTROL_BYTES:
            raise WebSocketError("a control frame is cut up or too long")
        data = self._take(head)
        return None if data is None else Received(_CONTROLS[head.opcode], data)

    def _begin_to_skip(self, head: _Head) -> Received | None:
        is_news = not self._is_too_large
        self.frames += 1
        self._is_too_large = True
        self._opcode = self._opcode or head.opcode
        self._fragments = bytearray()
        del self._pending[: head.start]
        self._skipping, self._ends_with_frame = head.length, head.is_last
        if not self._skipping and head.is_last:
            self._forget_message()
        return Received(Kind.TOO_LARGE, b"") if is_news else None

    def _skip(self) -> None:
        dropped = min(self._skipping, len(self._pending))
        del self._pending[:dropped]
        self._skipping -= dropped
        if not self._skipping and self._ends_with_frame:
            self._forget_message()

    def _forget_message(self) -> None:
        self._opcode, self._fragments, self._is_too_large = None, bytearray(), False

    def _take(self, head: _Head) -> bytes | None:
        end = head.start + head.length
        if len(self._pending) < end:
            return None
        data = apply_mask(self._pending[head.start : end], bytes(self._pending[head.start - 4 : head.start]))
        del self._pending[:end]
        self.frames += 1
        return data

    def _head(self) -> _Head | None:
        if len(self._pending) < 2:
            return None
        first, second = self._pending[0], self._pending[1]
        if first & 0x70 or not second & 0x80:
            raise WebSocketError("reserved bits, or no mask")
        try:
            opcode = Opcode(first & 0x0F)
        except ValueError:
            raise WebSocketError("unknown opcode") from None
        length, start = second & 0x7F, 2
        if length >= 126:
            start = 4 if length == 126 else 10
            if len(self._pending) < start:
                return None
            length = int.from_bytes(self._pending[2:start], "big")
            if length < (126 if start == 4 else 1 << 16) or length >> 63:
                raise WebSocketError("a length is not written as it must be")
        if len(self._pending) < start + 4:
            return None
        return _Head(bool(first & 0x80), opcode, start + 4, length)
