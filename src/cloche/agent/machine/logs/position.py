"""A place in a log, as it is told to a reader and given back by it: `<device>-<inode>-<offset>-<check>`, in hex.

The check is taken of what stands before the offset. A file of which that has changed is not the one that was read: it
was truncated and has grown again, or its inode was given to another. Pure.
"""

from binascii import crc32
from typing import Final, NamedTuple

CHECKED_BYTES: Final = 64

_MAX_BITS: Final = (64, 64, 63, 32)
_HEX: Final = frozenset("0123456789abcdef")


class Position(NamedTuple):
    device: int
    inode: int
    offset: int
    check: int

    def __str__(self) -> str:
        return f"{self.device:x}-{self.inode:x}-{self.offset:x}-{self.check:x}"


def check_of(before: bytes) -> int:
    """`before` is what stands before an offset, at least the last `CHECKED_BYTES` of it where there are as many."""
    return crc32(before[-CHECKED_BYTES:])


def parse_position(text: str) -> Position | None:
    """Return None for what is none."""
    parts = text.split("-")
    if len(parts) != len(_MAX_BITS):
        return None
    numbers: list[int] = []
    for part, bits in zip(parts, _MAX_BITS, strict=True):
        if not 0 < len(part) <= bits // 4 + 1 or not _HEX.issuperset(part) or int(part, 16) >> bits:
            return None
        numbers.append(int(part, 16))
    return Position(*numbers)
