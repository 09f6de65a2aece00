"""Zstandard frames as a stranger may send them (RFC 8878): cut so that no piece can grow beyond what is agreed.

A block of four bytes can stand for 128 KiB, and the library has no way to stop half-way through its input. But a block
says how long it is and yields at most 128 KiB, so whoever hands it over block by block decides how much comes out.
"""

from enum import Enum, auto
from typing import Final, NamedTuple

MAX_CUT_YIELD_BYTES: Final = 512 * 1024
"""Of what a cut can stand for; the block that goes beyond it is its last."""

MAGIC: Final = b"\x28\xb5\x2f\xfd"
_SKIPPABLE: Final = b"\x2a\x4d\x18"
"""Behind a first byte of 0x50 to 0x5F."""
_SKIPPABLE_HEADER_BYTES: Final = 8
_MAX_BLOCK_BYTES: Final = 128 * 1024
_BLOCK_HEADER_BYTES: Final = 3
_CHECKSUM_BYTES: Final = 4
_DICTIONARY_ID_BYTES: Final = (0, 1, 2, 4)
_CONTENT_SIZE_BYTES: Final = (0, 2, 4, 8)


class FrameError(ValueError):
    """These are no Zstandard frames."""


class Start(NamedTuple):
    """A frame begins."""

    window_bytes: int
    """How much of its output a decoder must keep."""


class Cut(NamedTuple):
    """Whole blocks of a frame, with the frame's header before the first."""

    data: bytes
    is_last: bool
    """The frame ends here."""


class _Stage(Enum):
    FRAME = auto()
    BLOCKS = auto()
    CHECKSUM = auto()
    SKIPPING = auto()


class FrameCutter:
    """Bytes in, `Start`s and `Cut`s out. Keeps at most one incomplete block beyond what it was fed."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._stage = _Stage.FRAME
        self._begun = 0
        """Bytes at the head of `_pending` that go with the next cut: a frame's header."""
        self._has_checksum = False
        self._to_skip = 0

    @property
    def is_between_frames(self) -> bool:
        return self._stage is _Stage.FRAME and not self._pending

    def feed(self, data: bytes) -> None:
        self._pending += data

    def next(self) -> Start | Cut | None:
        """Return what comes next, or None until more has been fed. Raises: FrameError."""
        while self._stage is _Stage.FRAME or self._stage is _Stage.SKIPPING:
            if self._stage is _Stage.SKIPPING:
                if not self._skip():
                    return None
            elif (start := self._frame()) is not None:
                return start
            elif self._stage is _Stage.FRAME:
                return None
        return self._blocks() if self._stage is _Stage.BLOCKS else self._checksum()

    def _skip(self) -> bool:
        skipped = min(self._to_skip, len(self._pending))
        del self._pending[:skipped]
        self._to_skip -= skipped
        if self._to_skip == 0:
            self._stage = _Stage.FRAME
        return self._to_skip == 0

    def _frame(self) -> Start | None:
        """Read a frame's header, or that of a skippable one (RFC 8878, sections 3.1.1 and 3.1.2)."""
        pending = self._pending
        if pending[1:4] and pending[0] & 0xF0 == 0x50 and _SKIPPABLE.startswith(pending[1:4]):
            if len(pending) >= _SKIPPABLE_HEADER_BYTES:
                self._to_skip = int.from_bytes(pending[4:8], "little")
                del pending[:_SKIPPABLE_HEADER_BYTES]
                self._stage = _Stage.SKIPPING
            return None
        if len(pending) == 1 and pending[0] & 0xF0 == 0x50:
            return None
        if not MAGIC.startswith(pending[:4]):
            raise FrameError("this is not a Zstandard frame")
        if len(pending) < 5 or len(pending) < _header_bytes(pending[4]):
            return None
        start = self._read_header(pending[4])
        self._stage, self._begun = _Stage.BLOCKS, _header_bytes(pending[4])
        return start

    def _read_header(self, descriptor: int) -> Start:
        if descriptor & 0x08:
            raise FrameError("a reserved bit is set")
        self._has_checksum = bool(descriptor & 0x04)
        if not descriptor & 0x20:
            exponent, mantissa = self._pending[5] >> 3, self._pending[5] & 7
            return Start((8 + mantissa) << (7 + exponent))
        at = 5 + _DICTIONARY_ID_BYTES[descriptor & 3]
        size = _CONTENT_SIZE_BYTES[descriptor >> 6] or 1
        # A single segment: the window is the content. Two bytes count from 256 on.
        return Start(int.from_bytes(self._pending[at : at + size], "little") + (256 if size == 2 else 0))

    def _blocks(self) -> Cut | None:
        """Gather whole blocks (RFC 8878, section 3.1.1.2) until they can yield enough, or the frame's last is there."""
        at, most, is_last = self._begun, 0, False
        pending, held = self._pending, len(self._pending)
        while not is_last and most < MAX_CUT_YIELD_BYTES and held - at >= _BLOCK_HEADER_BYTES:
            header = pending[at] | pending[at + 1] << 8 | pending[at + 2] << 16
            kind, size = header >> 1 & 3, header >> 3
            if kind == 3 or size > _MAX_BLOCK_BYTES:
                raise FrameError("a block is of no known kind or too large")
            end = at + _BLOCK_HEADER_BYTES + (1 if kind == 1 else size)
            if end > held:
                break
            at, most, is_last = end, most + (_MAX_BLOCK_BYTES if kind == 2 else size), bool(header & 1)
        if is_last and self._has_checksum:
            self._stage = _Stage.CHECKSUM
        elif is_last:
            self._stage = _Stage.FRAME
        if at == self._begun:
            return None
        return self._cut(at, is_last and not self._has_checksum)

    def _checksum(self) -> Cut | None:
        if len(self._pending) < _CHECKSUM_BYTES:
            return None
        self._stage = _Stage.FRAME
        return self._cut(_CHECKSUM_BYTES, True)

    def _cut(self, end: int, is_last: bool) -> Cut:
        cut = Cut(bytes(self._pending[:end]), is_last)
        del self._pending[:end]
        self._begun = 0
        return cut


def _header_bytes(descriptor: int) -> int:
    """The length of a frame's header, the magic number included (RFC 8878, section 3.1.1.1)."""
    is_single = bool(descriptor & 0x20)
    size = _CONTENT_SIZE_BYTES[descriptor >> 6] or (1 if is_single else 0)
    return 5 + (0 if is_single else 1) + _DICTIONARY_ID_BYTES[descriptor & 3] + size
