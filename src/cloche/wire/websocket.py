"""WebSocket frames (RFC 6455) for both ends that the agent is: client of Chromium, server of an attached terminal.

Bytes in, whole messages out. No extensions. A mask is the caller's: whoever needs one brings four random bytes.
"""

import base64
import hashlib
import struct
from enum import IntEnum
from typing import Final, NamedTuple

MAX_CONTROL_BYTES: Final = 125
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Opcode(IntEnum):
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class WebSocketError(ValueError):
    """The peer broke the protocol; `code` is what a Close frame should say (section 7.4.1)."""

    def __init__(self, message: str, code: int = 1002) -> None:
        super().__init__(message)
        self.code = code


class Message(NamedTuple):
    opcode: Opcode
    """TEXT, BINARY, CLOSE, PING or PONG; fragments have been put together."""
    data: bytes


def accept_value(key: str) -> str:
    """Sec-WebSocket-Accept for a Sec-WebSocket-Key (section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key.encode("latin-1") + _GUID, usedforsecurity=False).digest()).decode()


def encode_frame(opcode: Opcode, data: bytes, mask: bytes = b"") -> bytes:
    """One whole message as one frame. `mask` is four bytes from a client, none from a server (section 5.3)."""
    first, masked, length = 0x80 | opcode, 0x80 if mask else 0, len(data)
    if length < 126:
        head = struct.pack(">BB", first, masked | length)
    elif length < 1 << 16:
        head = struct.pack(">BBH", first, masked | 126, length)
    else:
        head = struct.pack(">BBQ", first, masked | 127, length)
    return head + mask + (_mask(data, mask) if mask else data)


def encode_close(code: int, reason: str, mask: bytes = b"") -> bytes:
    body = struct.pack(">H", code) + reason.encode()[: MAX_CONTROL_BYTES - 2]
    return encode_frame(Opcode.CLOSE, body, mask)


class FrameReader:
    """Owned by whoever reads one connection. After an error it is of no further use."""

    def __init__(self, *, from_client: bool, max_bytes: int) -> None:
        """`from_client`: frames must be masked; otherwise they must not be. `max_bytes`: of one message."""
        self._from_client, self._max = from_client, max_bytes
        self._pending = bytearray()
        self._opcode: Opcode | None = None
        self._fragments = bytearray()

    def feed(self, data: bytes) -> None:
        self._pending += data

    def next_message(self) -> Message | None:
        """Return the next message, or None until more has been fed. Raises: WebSocketError."""
        while (frame := self._next_frame()) is not None:
            is_last, opcode, data = frame
            if opcode >= Opcode.CLOSE:
                if not is_last or len(data) > MAX_CONTROL_BYTES:
                    raise WebSocketError("a control frame is cut up or too long")
                return Message(opcode, data)
            if (opcode is Opcode.CONTINUATION) != (self._opcode is not None):
                raise WebSocketError("a fragment is out of place")
            self._opcode = self._opcode or opcode
            self._fragments += data
            if len(self._fragments) > self._max:
                raise WebSocketError("the message is too large", 1009)
            if is_last:
                message = Message(self._opcode, bytes(self._fragments))
                self._opcode, self._fragments = None, bytearray()
                return message
        return None

    def _next_frame(self) -> tuple[bool, Opcode, bytes] | None:
        head = self._head()
        if head is None:
            return None
        is_last, opcode, start, length = head
        end = start + length
        if len(self._pending) < end:
            return None
        data = bytes(self._pending[start:end])
        if self._from_client:
            data = _mask(data, bytes(self._pending[start - 4 : start]))
        del self._pending[:end]
        return is_last, opcode, data

    def _head(self) -> tuple[bool, Opcode, int, int] | None:
        """Whether it is the last of a message, its opcode, where its data begins, and how long they are."""
        if len(self._pending) < 2:
            return None
        first, second = self._pending[0], self._pending[1]
        try:
            opcode = Opcode(first & 0x0F)
        except ValueError:
            raise WebSocketError("unknown opcode") from None
        if first & 0x70 or bool(second & 0x80) != self._from_client:
            raise WebSocketError("reserved bits, or a mask where none may be")
        length, start = second & 0x7F, 2
        if length >= 126:
            size = 2 if length == 126 else 8
            if len(self._pending) < start + size:
                return None
            length = int.from_bytes(self._pending[start : start + size], "big")
            start += size
        if length > self._max:
            raise WebSocketError("the message is too large", 1009)
        if self._from_client:
            start += 4
        return (bool(first & 0x80), opcode, start, length) if len(self._pending) >= start else None


def _mask(data: bytes, mask: bytes) -> bytes:
    """XOR with the repeated mask, as one big number: a byte at a time would take milliseconds for each 64 KiB."""
    repeated = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(data), "big")
