"""gzip, bzip2, xz and zstd: the beginning of what is packed, and no more than that. Pure.

A file may be several streams, one after the other, and unpacks to all of them: the first may be empty.
"""

import bz2
import io
import lzma
import zlib
from typing import Final

import zstandard

from cloche.artifacts.reasons import Reason
from cloche.artifacts.sniff.content import MAX_DEPTH, Budget, Content, Look, content
from cloche.artifacts.sniff.members import inside, look_among
from cloche.artifacts.sniff.sample import Sample
from cloche.artifacts.sniff.tars import is_tar, list_members
from cloche.artifacts.types import Family

_MEMORY_BYTES: Final = 32 << 20
_MOST_STREAMS: Final = 256
"""Of one file; those that bgzip(1) makes have as many in what is sampled. Of more, nobody says what is in them."""
_WORTH_A_LOOK: Final = 20
_MOST_GROWTH_BYTES: Final = 16 << 20
_MOST_RATIO_INPUT: Final = 200
"""Deflate packs at most a thousandfold: nothing honest of a megabyte comes from so little."""


def packed_content(name: str, sample: Sample, budget: Budget, look: Look) -> Content:
    most = budget.bytes_left
    if most <= 0:
        return content(name, Reason.ARCHIVE_NOT_INSPECTED)
    try:
        data, is_end, used = _unpack(name, sample.head, most)
    except (zlib.error, OSError, ValueError, EOFError, lzma.LZMAError, zstandard.ZstdError, MemoryError):
        return content(name, Reason.ARCHIVE_NOT_INSPECTED)
    budget.take(len(data))
    if len(data) >= most and used and len(data) > _MOST_RATIO_INPUT * used:
        return content(name, Reason.ARCHIVE_BOMB)
    return content(name, *_reasons(data, is_end, budget, look))


def _reasons(data: bytes, is_end: bool, budget: Budget, look: Look) -> set[Reason]:
    if is_tar(data):
        listing = list_members(data, len(data) if is_end else None)
        found = look_among(listing.members, budget, look)
        return found if listing.is_complete else found | {Reason.ARCHIVE_NOT_INSPECTED}
    if budget.depth >= MAX_DEPTH:
        return {Reason.ARCHIVE_NOT_INSPECTED}
    budget.depth += 1
    inner = look(Sample.of(data, b"", len(data) if is_end else len(data) + 1), budget)
    budget.depth -= 1
    found = set(inner.reasons) | inside(inner.type.danger if inner.type else None)
    if not is_end and inner.type and inner.type.family is Family.ARCHIVE:
        found.add(Reason.ARCHIVE_NOT_INSPECTED)
    return found


def _unpack(name: str, head: bytes, most: int) -> tuple[bytes, bool, int]:
    """Return what comes out first, whether that is all of it, and how many bytes went in."""
    if name == "zstd":
        source = io.BytesIO(head)
        opener = zstandard.ZstdDecompressor(max_window_size=_MEMORY_BYTES)
        data = opener.stream_reader(source, read_size=4096, read_across_frames=True).read(most)
        return data, len(data) < most and source.tell() == len(head), source.tell()
    if name == "gzip":
        return _inflated(head, most)
    data, rest = b"", head
    for _ in range(_MOST_STREAMS):
        opening = bz2.BZ2Decompressor() if name == "bzip2" else lzma.LZMADecompressor(memlimit=_MEMORY_BYTES)
        data += opening.decompress(rest, most - len(data))
        if len(data) >= most and len(data) > _WORTH_A_LOOK * len(head):
            return data, False, _grown(opening, len(data), head)
        if not opening.eof or len(data) >= most:
            return data, False, len(head)
        rest = opening.unused_data.lstrip(b"\x00")  # padding between streams of xz
        if not rest:
            return data, True, len(head)
    raise ValueError("a file of very many streams")


def _inflated(head: bytes, most: int) -> tuple[bytes, bool, int]:
    data, rest = b"", head
    for _ in range(_MOST_STREAMS):
        inflating = zlib.decompressobj(31)
        data += inflating.decompress(rest, most - len(data))
        used = len(head) - len(inflating.unconsumed_tail or inflating.unused_data)
        if not inflating.eof or len(data) >= most:
            return data, False, used
        rest = inflating.unused_data.lstrip(b"\x00")
        if not rest:
            return data, True, len(head)
    raise ValueError("a file of very many streams")


def _grown(opening: bz2.BZ2Decompressor | lzma.LZMADecompressor, size: int, head: bytes) -> int:
    """Unpack on and throw it away: these two do not say how much of their input they used.

    Returns how much it is to be taken for: next to nothing, if it grows without end.
    """
    while size < _MOST_GROWTH_BYTES and not opening.eof and not opening.needs_input:
        size += len(opening.decompress(b"", 1 << 16))
    return 1 if size >= _MOST_GROWTH_BYTES and size > _MOST_RATIO_INPUT * len(head) else len(head)
