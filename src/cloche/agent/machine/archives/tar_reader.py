"""Tar archives as they come in: bytes in, entries and their content out (ustar, pax(1), GNU tar, and the oldest)."""

import re
from collections.abc import Iterator
from typing import Final

from cloche.agent.machine.archives.limits import MAX_NAME_BYTES, bad_archive
from cloche.agent.machine.archives.members import Kind, Member, bounded_mtime_ns
from cloche.agent.machine.problem import Problem

BLOCK: Final = 512
MAX_META_BYTES: Final = 256 * 1024
"""Of one extended header; an extended attribute may have 64 KiB (xattr(7))."""

_ZEROS: Final = bytes(BLOCK)
_KINDS: Final = {
    b"0": Kind.FILE, b"\0": Kind.FILE, b"7": Kind.FILE, b"1": Kind.HARD_LINK, b"2": Kind.LINK, b"5": Kind.DIRECTORY,
}  # fmt: skip
_SPECIAL: Final = (b"3", b"4", b"6")
_META: Final = (b"x", b"g", b"L", b"K")
_OCTAL: Final = re.compile(rb" *([0-7]*)[ \0]*\Z")
_TIME: Final = re.compile(rb"(-?)([0-9]{1,15})(?:\.([0-9]{1,40}))?\Z")


class TarReader:
    """Feed it, and iterate over what each piece holds; `finish` after the last."""

    def __init__(self) -> None:
        self._block = b""
        self._meta: bytearray | None = None
        self._meta_type = b""
        self._data_left = self._padding_left = self._zero_blocks = self._blocks = 0
        self._extended: dict[bytes, bytes] = {}
        """What the headers before an entry say of it."""

    def feed(self, data: bytes) -> Iterator[Member | memoryview]:
        """Yield each entry, and then its content in pieces. Raises: Problem 400."""
        view = memoryview(data)
        while view:
            if self._data_left:
                piece, view = view[: self._data_left], view[self._data_left :]
                self._data_left -= len(piece)
                if self._meta is None:
                    yield piece
                else:
                    self._meta += piece
            elif self._padding_left:
                skipped = min(self._padding_left, len(view))
                self._padding_left -= skipped
                view = view[skipped:]
            else:
                wanted = BLOCK - len(self._block)
                block = bytes(self._block + view[:wanted]) if self._block else bytes(view[:wanted])
                view = view[wanted:]
                if len(block) < BLOCK:
                    self._block = block
                    return
                self._block = b""
                if (member := self._next(block)) is not None:
                    yield member
            if self._meta is not None and not self._data_left:
                self._end_meta(bytes(self._meta))

    def finish(self) -> None:
        """Raises: Problem 400 if the archive is broken off. That the zeros at its end are missing does no harm."""
        if self._block or self._data_left or self._padding_left or self._extended:
            raise bad_archive("the archive is broken off")
        if not self._blocks:
            raise bad_archive("there is no archive")

    def _next(self, block: bytes) -> Member | None:
        """The entry that begins with this block, if one does."""
        self._blocks += 1
        if block == _ZEROS:
            self._zero_blocks += 1
            return None
        if self._zero_blocks:
            raise bad_archive("something follows the end of the archive")
        if not _has_right_sum(block):
            raise bad_archive("this is no tar archive, or it is damaged")
        type_ = block[156:157]
        size = _number(block[124:136])
        if type_ in _META:
            self._begin_meta(type_, size)
            return None
        return self._member(block, type_, size)

    def _begin_meta(self, type_: bytes, size: int) -> None:
        if size > MAX_META_BYTES:
            raise bad_archive("an extended header is too large")
        self._meta, self._meta_type = bytearray(), type_
        self._expect(size)

    def _end_meta(self, body: bytes) -> None:
        self._meta = None
        if self._meta_type == b"L":
            self._extended[b"path"] = _text(body)
        elif self._meta_type == b"K":
            self._extended[b"linkpath"] = _text(body)
        else:
            records = _records(body)
            if any(key.startswith(b"GNU.sparse") for key in records):
                raise bad_archive("files with holes are not understood: archive them without `--sparse`")
            if self._meta_type == b"x":
                # Only what says something of an entry here: the rest need not be kept.
                self._extended |= {
                    key: records[key] for key in (b"path", b"linkpath", b"size", b"mtime") if key in records
                }
            elif not records.keys().isdisjoint((b"path", b"linkpath", b"size")):
                raise bad_archive("a global header names a file")

    def _member(self, block: bytes, type_: bytes, size: int) -> Member:
        extended, self._extended = self._extended, {}
        name = extended.get(b"path") or _name(block)
        link = extended.get(b"linkpath") or _text(block[157:257])
        if b"size" in extended:
            size = _decimal(extended[b"size"])
        mtime_ns = _time_ns(extended[b"mtime"]) if b"mtime" in extended else _number(block[136:148], True) * 10**9
        kind = _kind(type_, name)
        if kind in (Kind.LINK, Kind.DIRECTORY) and size:
            raise bad_archive("a link or a directory has content")
        if kind is not Kind.FILE:
            size = 0
        self._expect(size)
        mode = _number(block[100:108]) & 0o777
        return Member(kind, name, size, mode, bounded_mtime_ns(mtime_ns), link)

    def _expect(self, size: int) -> None:
        self._data_left, self._padding_left = size, -size % BLOCK


def _kind(type_: bytes, name: bytes) -> Kind:
    if type_ in _SPECIAL:
        raise Problem(400, "special_file", "the archive holds a device or a FIFO")
    if type_ == b"S":
        raise bad_archive("files with holes are not understood: archive them without `--sparse`")
    if type_ not in _KINDS:
        raise bad_archive("an entry of a kind that is not understood")
    kind = _KINDS[type_]
    # Before there was a kind for directories, the slash said it.
    return Kind.DIRECTORY if kind is Kind.FILE and name.endswith(b"/") else kind


def _name(block: bytes) -> bytes:
    name, prefix = _text(block[:100]), block[345:500]
    # GNU tar has other things where POSIX has the first part of a long name.
    if block[257:263] == b"ustar\0" and prefix[:1] != b"\0":
        return _text(prefix) + b"/" + name
    return name


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _has_right_sum(block: bytes) -> bool:
    """The sum of all bytes, its own counted as blanks; some programs took bytes to be signed."""
    told, total = _number(block[148:156]), sum(block) - sum(block[148:156]) + 8 * 0x20
    return told == total or told == total - 256 * sum(byte > 127 for byte in block[:148] + block[156:])


def _number(field: bytes, may_be_negative: bool = False) -> int:
    """Octal digits, or base 256 (GNU)."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big", signed=True) if field[0] == 0xFF else int.from_bytes(field, "big")
        value = value if value < 0 else value & ((1 << (8 * len(field) - 1)) - 1)
    else:
        digits = field.partition(b"\0")[0]
        if digits.isdigit():  # as nearly all of them are; int() takes more than digits, and refuses 8 and 9 itself
            try:
                return int(digits, 8)
            except ValueError:
                raise bad_archive("a number in the archive is none") from None
        match = _OCTAL.match(digits)
        if match is None:
            raise bad_archive("a number in the archive is none")
        value = int(match[1] or b"0", 8)
    if value < 0 and not may_be_negative:
        raise bad_archive("a number in the archive is negative")
    return value


def _decimal(text: bytes) -> int:
    if not (text.isdigit() and len(text) <= 18):
        raise bad_archive("a number in the archive is none")
    return int(text)


def _time_ns(text: bytes) -> int:
    match = _TIME.match(text)
    if match is None:
        raise bad_archive("a time in the archive is none")
    value = int(match[2]) * 10**9 + int((match[3] or b"0")[:9].ljust(9, b"0"))
    return -value if match[1] else value


def _records(body: bytes) -> dict[bytes, bytes]:
    """`length key=value\\n`, again and again."""
    records: dict[bytes, bytes] = {}
    at = 0
    while at < len(body):
        blank = body.find(b" ", at, at + 8)
        length = body[at:blank] if blank > at else b""
        end = at + (int(length) if length.isdigit() else 0)
        key, equals, value = body[blank + 1 : end - 1].partition(b"=")
        if not (blank + 1 < end <= len(body) and key and equals and body[end - 1 : end] == b"\n"):
            raise bad_archive("an extended header is damaged")
        if key in (b"path", b"linkpath") and len(value) > MAX_NAME_BYTES:
            raise bad_archive(f"a name is longer than {MAX_NAME_BYTES} bytes")
        records[key] = value
        at = end
    return records
