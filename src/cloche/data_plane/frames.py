"""WebSocket frames (RFC 6455, section 5.2), just enough to know where one ends and the next begins. Pure.

byte 0     FIN, RSV1-3, opcode
byte 1     MASK, length: 0–125 itself; 126: the next two bytes; 127: the next eight
then       four bytes of mask if MASK, then the payload
"""

import struct
from typing import Final

MAX_REASON_BYTES: Final = 123
"""A control frame carries at most 125 bytes, two of which are the code (section 5.5)."""

_CLOSE: Final = 0x8


class FrameCounter:
    """Follows one direction of a WebSocket. Payloads are skipped, not read.

    `skip` is how many bytes come before the first frame: the rest of the handshake's head.
    """

    __slots__ = ("_header", "_skip", "close_seen")

    def __init__(self, skip: int = 0) -> None:
        self._skip = skip
        self._header = bytearray()
        self.close_seen = False
        """Whether a Close frame has begun to pass: after it nothing may follow (section 5.5.1)."""

    @property
    def at_boundary(self) -> bool:
        """Whether a frame of ours could stand here. Between the fragments of a message a control frame may."""
        return not self._skip and not self._header

    def feed(self, data: memoryview) -> None:
        position, size = 0, len(data)
        while position < size:
            if self._skip:
                step = min(self._skip, size - position)
                self._skip -= step
                position += step
            else:
                step = min(_header_size(self._header) - len(self._header), size - position)
                self._header += data[position : position + step]
                position += step
                if len(self._header) == _header_size(self._header):
                    self._begin_payload()

    def _begin_payload(self) -> None:
        header = self._header
        length = header[1] & 0x7F
        if length == 126:
            (length,) = struct.unpack_from(">H", header, 2)
        elif length == 127:
            (length,) = struct.unpack_from(">Q", header, 2)
        self.close_seen = self.close_seen or header[0] & 0x0F == _CLOSE
        self._skip = length
        header.clear()


def _header_size(header: bytearray) -> int:
    """How long a header is, as far as its first two bytes are known."""
    if len(header) < 2:
        return 2
    extra = {126: 2, 127: 8}.get(header[1] & 0x7F, 0)
    return 2 + extra + (4 if header[1] & 0x80 else 0)


def close_frame(code: int, reason: str) -> bytes:
    """A whole, unmasked Close frame; a reason that is too long is cut between two characters."""
    text = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore").encode()
    return bytes((0x80 | _CLOSE, 2 + len(text))) + struct.pack(">H", code) + text
