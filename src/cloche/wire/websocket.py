"""WebSocket frames (RFC 6455) for both ends that the agent is: client of Chromium, server of an attached terminal.

Bytes in, whole messages out. No extensions. A mask is the caller's: whoever needs one brings four random bytes.
"""

import base64
import struct
from enum import IntEnum
from typing import Final, NamedTuple

MAX_CONTROL_BYTES: Final = 125
NO_CODE: Final = 1005
"""What a Close frame without a code is taken to say; never sent."""
_CLOSE_CODES: Final = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014)
"""That an end may send (section 7.4.1 and what IANA has registered since); 3000 to 4999 are an application's own."""
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
    import hashlib  # not at the top: it loads a whole library for cryptography, and few sessions are attached to

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
    """Tell the end. A reason that is too long for a control frame is cut, at the end of a character."""
    text = reason.encode()[: MAX_CONTROL_BYTES - 2].decode("utf-8", "ignore")
    return encode_frame(Opcode.CLOSE, struct.pack(">H", code) + text.encode(), mask)


def close_code(data: bytes) -> int:
    """Return the code in a Close frame that `FrameReader` has read; 1005 for one without (section 7.1.5)."""
    return int.from_bytes(data[:2], "big") if data else NO_CODE


class _Head(NamedTuple):
    is_last: bool
    opcode: Opcode
    start: int
    """Where the data begins, counted from the frame's first byte; the mask, if any, is the four bytes before."""
    length: int


class FrameReader:
    """Owned by whoever reads one connection. After an error it is of no further use.

    A frame is judged by its head: what may not be is refused before its data is waited for.
    """

    def __init__(self, *, from_client: bool, max_bytes: int) -> None:
        """`from_client`: frames must be masked; otherwise they must not be. `max_bytes`: of one message."""
        self._from_client, self._max = from_client, max_bytes
        self._pending = bytearray()
        self._opcode: Opcode | None = None
        """Of the message whose fragments are being put together."""
        self._fragments = bytearray()

    def feed(self, data: bytes) -> None:
        self._pending += data

    def next_message(self) -> Message | None:
        """Return the next message, or None until more has been fed. A text is UTF-8, a Close frame well-formed.

        Raises:
            WebSocketError: the peer broke the protocol.
        """
        while (frame := self._next_frame()) is not None:
            head, data = frame
            if head.opcode >= Opcode.CLOSE:
                if head.opcode is Opcode.CLOSE:
                    _check_close(data)
                return Message(head.opcode, data)
            opcode = self._opcode or head.opcode
            self._fragments += data
            if head.is_last:
                message = Message(opcode, bytes(self._fragments))
                self._opcode, self._fragments = None, bytearray()
                if opcode is Opcode.TEXT:
                    _check_text(message.data)
                return message
            self._opcode = opcode
        return None

    def _next_frame(self) -> tuple[_Head, bytes] | None:
        head = self._head()
        if head is None:
            return None
        self._check(head)
        end = head.start + head.length
        if len(self._pending) < end:
            return None
        data = bytes(self._pending[head.start : end])
        if self._from_client:
            data = _mask(data, bytes(self._pending[head.start - 4 : head.start]))
        del self._pending[:end]
        return head, data

    def _head(self) -> _Head | None:
        if len(self._pending) < 2:
            return None
        first, second = self._pending[0], self._pending[1]
        if first & 0x70 or bool(second & 0x80) != self._from_client:
            raise WebSocketError("reserved bits, or a mask where none may be")
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
        if self._from_client:
            start += 4
        return _Head(bool(first & 0x80), opcode, start, length)

    def _check(self, head: _Head) -> None:
        if head.opcode >= Opcode.CLOSE:
            if not head.is_last or head.length > MAX_CONTROL_BYTES:
                raise WebSocketError("a control frame is cut up or too long")
        elif (head.opcode is Opcode.CONTINUATION) != (self._opcode is not None):
            raise WebSocketError("a fragment is out of place")
        elif len(self._fragments) + head.length > self._max:
            raise WebSocketError("the message is too large", 1009)


def _check_close(data: bytes) -> None:
    """Sections 5.5.1 and 7.4: nothing, or a code that may be sent and a reason in UTF-8."""
    if not data:
        return
    code = int.from_bytes(data[:2], "big")
    if len(data) < 2 or not (code in _CLOSE_CODES or 3000 <= code <= 4999):
        raise WebSocketError("a Close frame with a code that may not be sent")
    _check_text(data[2:])


def _check_text(data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError:
        raise WebSocketError("a text that is not UTF-8", 1007) from None


def _mask(data: bytes, mask: bytes) -> bytes:
    """XOR with the repeated mask, as one big number: a byte at a time would take milliseconds for each 64 KiB."""
    repeated = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(data), "big")
