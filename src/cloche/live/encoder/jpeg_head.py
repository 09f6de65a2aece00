"""How large a JPEG says it is, read before anything decodes it (ITU-T T.81, annex B). Pure."""

from dataclasses import dataclass
from typing import Final

MAX_SIDE: Final = 4096
MAX_PIXELS: Final = 16 << 20

_SOI: Final = b"\xff\xd8"
_SOS: Final = 0xDA
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_DECODED: Final = frozenset({0xC0, 0xC1, 0xC2})
"""Baseline, extended and progressive Huffman. Lossless, hierarchical and arithmetic ones are no browser's."""
_OTHER_FRAMES: Final = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_MAX_SEGMENTS: Final = 200


@dataclass(frozen=True, slots=True)
class JpegHead:
    width: int
    height: int
    components: int
    """1: grey, 3: colour."""


def read_head(data: "bytes | memoryview") -> JpegHead | None:
    """Find the frame header; None where there is none, or one of a kind or size that is not to be decoded.

    A file may hold several frame headers; who decodes limits the pixels of every one of them by itself.
    """
    view = memoryview(data)
    if bytes(view[:2]) != _SOI:
        return None
    at = 2
    for _ in range(_MAX_SEGMENTS):
        if at + 4 > len(view) or view[at] != 0xFF:
            return None
        marker = view[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _STANDALONE:
            at += 2
            continue
        length = view[at + 2] << 8 | view[at + 3]
        if length < 2 or marker == _SOS or marker in _OTHER_FRAMES:
            return None
        if marker in _DECODED:
            return _frame(view[at + 4 : at + 2 + length])
        at += 2 + length
    return None


def _frame(body: memoryview) -> JpegHead | None:
    if len(body) < 6 or body[0] != 8:
        return None
    height, width, components = body[1] << 8 | body[2], body[3] << 8 | body[4], body[5]
    if components not in (1, 3) or not 0 < width <= MAX_SIDE or not 0 < height <= MAX_SIDE:
        return None
    return JpegHead(width, height, components) if width * height <= MAX_PIXELS else None
