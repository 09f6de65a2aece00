"""The central directory of a zip archive (APPNOTE 6.3), read from a sample of it. Pure."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cloche.artifacts.sniff.content import Member
from cloche.artifacts.sniff.sample import Sample

_END: Final = struct.Struct("<4s4HLLH")
_END_64: Final = struct.Struct("<4sQHHLLQQQQ")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_MANY_16: Final = 0xFFFF
_MANY_32: Final = 0xFFFFFFFF
_MOST_ENDS_TRIED: Final = 16
_MOST_COMMENT: Final = 0xFFFF

_STORED, _DEFLATED = 0, 8
_ENCRYPTED: Final = 0x2041
"""Encrypted, strongly encrypted, or with a hidden directory."""
_UNIX: Final = 3
_LINK: Final = 0o120000
_MOST_TARGET: Final = 4096
_PADDING: Final = b"\x00 \t\r\n"


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    raw_name: bytes
    size: int
    packed: int
    offset: int
    method: int
    is_encrypted: bool
    is_link: bool


@dataclass(frozen=True, slots=True)
class Directory:
    entries: tuple[Entry, ...]
    start: int
    """Where in the file the archive begins: past zero if something stands before it."""
    is_complete: bool
    """All entries were seen, and they are as many as were announced."""
    is_last: bool = True
    """Nothing but padding follows it."""


def read_directory(sample: Sample) -> Directory | None:
    """Find the end record and what it points to. None: this is no zip archive, or its end was not sampled."""
    ending = sample.ending
    at = len(ending)
    for _ in range(_MOST_ENDS_TRIED):
        at = ending.rfind(b"PK\x05\x06", max(0, len(ending) - _MOST_COMMENT - _END.size), at)
        if at < 0:
            return None
        found = _directory_at(sample, sample.ending_start + at) if at + _END.size <= len(ending) else None
        if found:
            return found
    return None


def _directory_at(sample: Sample, end: int) -> Directory | None:
    _, _, _, _, count, size, offset, comment = _END.unpack(sample.read(end, _END.size))
    begin = end - size
    if count == _MANY_16 or _MANY_32 in (size, offset):
        record = sample.read(end - 20 - _END_64.size, _END_64.size)
        if record.startswith(b"PK\x06\x06") and len(record) == _END_64.size:
            *_, count, size, offset = _END_64.unpack(record)
            begin = end - 20 - _END_64.size - size
    if begin < 0:
        return None
    data = sample.read(begin, size)
    if len(data) < size:
        # Too long for the sample: believed only if it ends where the file does.
        return Directory((), 0, is_complete=False) if end + _END.size + comment == sample.size else None
    if count and not data.startswith(b"PK\x01\x02"):
        return None
    entries = _entries(data)
    rest = sample.ending[end + _END.size + comment - sample.ending_start :]
    return Directory(entries, begin - offset, is_complete=len(entries) == count, is_last=not rest.strip(_PADDING))


def _entries(data: bytes) -> tuple[Entry, ...]:
    found = []
    at = 0
    while data.startswith(b"PK\x01\x02", at) and at + _ENTRY.size <= len(data):
        fields = _ENTRY.unpack_from(data, at)
        _, made_by, _, flags, method, _, _, _, packed, size, *rest = fields
        name_length, extra_length, comment_length, _, _, attributes, offset = rest
        at += _ENTRY.size
        raw = data[at : at + name_length]
        extra = data[at + name_length : at + name_length + extra_length]
        size, packed, offset = _large(extra, size, packed, offset)
        is_link = made_by >> 8 == _UNIX and (attributes >> 16) & 0o170000 == _LINK
        name = raw.decode("utf-8", "replace")
        found.append(Entry(name, raw, size, packed, offset, method, bool(flags & _ENCRYPTED) or method == 99, is_link))
        at += name_length + extra_length + comment_length
    return tuple(found)


def _large(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Take from the zip64 field what does not fit into 32 bits (4.5.3)."""
    values = [size, packed, offset]
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        field = extra[at + 4 : at + 4 + length]
        if kind == 1:
            for index, value in enumerate(values):
                if value == _MANY_32 and len(field) >= 8:
                    values[index], field = int.from_bytes(field[:8], "little"), field[8:]
            break
        at += 4 + length
    return values[0], values[1], values[2]


def member_of(sample: Sample, directory: Directory, entry: Entry) -> Member:
    read = _reader(sample, directory, entry)
    # A link's bytes are where it points to; where they were not sampled, it may be anywhere.
    target = read(_MOST_TARGET).decode("utf-8", "replace") if entry.is_link else None
    return Member(entry.name, entry.size, read, target)


def _reader(sample: Sample, directory: Directory, entry: Entry) -> Callable[[int], bytes]:
    def read(most: int) -> bytes:
        local = _local(sample, directory, entry)
        if local is None or entry.is_encrypted:
            return b""
        packed = sample.read(local[1], min(entry.packed, most + 64 if entry.method == _STORED else entry.packed))
        if entry.method == _STORED:
            return packed[:most]
        if entry.method != _DEFLATED:
            return b""
        try:
            return zlib.decompressobj(-15).decompress(packed, most)
        except zlib.error:
            return b""

    return read


def is_told_twice_alike(sample: Sample, directory: Directory, entry: Entry) -> bool:
    """Whether the header before the member has the directory's name for it, as far as it was sampled.

    Some programs go by the one, some by the other.
    """
    local = _local(sample, directory, entry)
    return local is None or local[0] == entry.raw_name


def _local(sample: Sample, directory: Directory, entry: Entry) -> tuple[bytes, int] | None:
    """Return the name there and where the member's bytes begin."""
    at = directory.start + entry.offset
    header = sample.read(at, _LOCAL.size)
    if len(header) < _LOCAL.size:
        return None
    magic, *_, name_length, extra_length = _LOCAL.unpack(header)
    if magic != b"PK\x03\x04":
        return b"", at
    name = sample.read(at + _LOCAL.size, name_length)
    return (name, at + _LOCAL.size + name_length + extra_length) if len(name) == name_length else None
