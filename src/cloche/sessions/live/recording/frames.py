"""Encoded frames one after the other, as they lie in a spool. Pure.

pts in ms u64 | 1 for a key frame, else 0 u8 | length u32 | the frame        big-endian
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_HEAD: Final = struct.Struct(">QBI")


@dataclass(frozen=True, slots=True)
class Frame:
    pts_ms: int
    is_key: bool
    data: bytes


def packed(pts_ms: int, data: bytes, *, is_key: bool) -> bytes:
    return _HEAD.pack(pts_ms, is_key, len(data)) + data


def unpacked(batch: bytes) -> Iterator[Frame]:
    """Raises: ValueError for what was not packed so."""
    view, at = memoryview(batch), 0
    while at < len(view):
        if len(view) - at < _HEAD.size:
            raise ValueError("a frame's head is cut off")
        pts_ms, is_key, length = _HEAD.unpack_from(view, at)
        at += _HEAD.size
        if len(view) - at < length:
            raise ValueError("a frame is cut off")
        yield Frame(pts_ms, bool(is_key), bytes(view[at : at + length]))
        at += length
