"""Frames of the guest protocol: a 4-byte big-endian length, then that many bytes of compact UTF-8 JSON.

Both sides stop at 256 KiB of body: what is larger is refused on its way out as well as on its way in, so that no side
effect is ever followed by an answer that the other side must throw away.
"""

import json
import struct
from typing import Any, Final

MAX_FRAME_BYTES: Final = 256 * 1024
HEADER_BYTES: Final = 4

_HEADER: Final = struct.Struct(">I")


class FrameTooLarge(ValueError):
    """A frame, or an object to be put into one, of more than `MAX_FRAME_BYTES`; the stream cannot go on after it."""


def encode_frame(body: bytes) -> bytes:
    """Put a body into a frame.

    Raises:
        FrameTooLarge: it does not fit into one.
    """
    if len(body) > MAX_FRAME_BYTES:
        raise FrameTooLarge(_too_large(MAX_FRAME_BYTES, len(body)))
    return _HEADER.pack(len(body)) + body


def encode_json(value: Any) -> bytes:
    """Render a JSON value as a frame's body; half a surrogate pair goes out as the escape it came in as."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace")


class FrameDecoder:
    """Bytes in, bodies out, in order. Holds at most one unfinished frame and what was fed beyond it."""

    def __init__(self, max_bytes: int = MAX_FRAME_BYTES) -> None:
        self._max = max_bytes
        self._pending = bytearray()
        # What is wrong with the stream. After a refused length nobody can tell where a next frame begins.
        self._broken = ""

    @property
    def is_between_frames(self) -> bool:
        """Nothing of a next frame has arrived: a peer that hangs up here has not been cut short."""
        return not self._pending

    def feed(self, data: bytes) -> None:
        """Take bytes from the stream; those that come after a frame that was too large are dropped."""
        if not self._broken:
            self._pending += data

    def next_frame(self) -> bytes | None:
        """Return the next body, or None until more has been fed.

        Raises:
            FrameTooLarge: as soon as the length says so, and from then on; nothing of the body is kept.
        """
        if self._broken:
            raise FrameTooLarge(self._broken)
        if len(self._pending) < HEADER_BYTES:
            return None
        (length,) = _HEADER.unpack_from(self._pending)
        if length > self._max:
            self._pending.clear()
            self._broken = _too_large(self._max, length)
            raise FrameTooLarge(self._broken)
        end = HEADER_BYTES + length
        if len(self._pending) < end:
            return None
        body = bytes(self._pending[HEADER_BYTES:end])
        del self._pending[:end]
        return body


def _too_large(limit: int, length: int) -> str:
    return f"a frame holds at most {limit} bytes, not {length}"
