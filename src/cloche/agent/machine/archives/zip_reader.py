"""Zip archives out of a file, checked before anything is believed (APPNOTE.TXT of PKWARE).

What an archive says of itself twice must be the same twice: a name and a size stand in the directory at its end and
before the content. No two entries share content, and none unpacks to more or less than it says.
"""

import os
import stat
import struct
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple

from cloche.agent.machine.archives.limits import (
    MAX_ENTRIES,
    MAX_NAME_BYTES,
    bad_archive,
    too_many_entries,
)
from cloche.agent.machine.archives.members import Kind, Member, bounded_mtime_ns
from cloche.agent.machine.archives.zip_end import find_directory
from cloche.agent.machine.archives.zip_records import (
    CENTRAL,
    CENTRAL_MARK,
    DEFLATED,
    ENCRYPTED,
    ENTRIES_IN_ZIP64,
    HAS_DESCRIPTOR,
    IN_ZIP64,
    IS_DIRECTORY,
    IS_PATCH,
    IS_UTF8,
    LOCAL,
    LOCAL_MARK,
    STORED,
    TIME_EXTRA,
    UNIX,
    ZIP64_EXTRA,
    extra_fields,
    seconds_of,
)
from cloche.agent.machine.problem import Problem

_PIECE_BYTES: Final = 256 * 1024
_PACKED_PIECE_BYTES: Final = 64 * 1024
_MAX_RECORD_BYTES: Final = CENTRAL.size + 3 * 65535


class ZipMember(NamedTuple):
    member: Member
    flags: int
    method: int
    crc: int
    packed_bytes: int
    offset: int
    """Of its local header."""


class ZipReader:
    """Of an open file, which stays its caller's. All raises `Problem` (400) for what is no zip archive, or a bad one.

    Nothing here waits or gives turns: whoever iterates does.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.size = os.fstat(fd).st_size
        self._start, self._end, self._count = find_directory(fd, self.size)
        if self._count > MAX_ENTRIES:
            raise too_many_entries()
        self._offsets = array("Q")

    def members(self) -> Iterator[ZipMember]:
        """What the directory says. To be gone through to its end once before any content is asked for."""
        offsets = array("Q")
        at, buffer, base = self._start, b"", self._start
        for _ in range(self._count):
            if at - base + _MAX_RECORD_BYTES > len(buffer) and base + len(buffer) < self._end:
                base, buffer = at, os.pread(self._fd, min(4 * _MAX_RECORD_BYTES, self._end - at), at)
            found, length = _central(buffer, at - base)
            at += length
            offsets.append(found.offset)
            yield found
        if at != self._end:
            raise bad_archive("the directory of the archive is not as large as it says")
        self._offsets = array("Q", sorted(offsets))

    def content(self, found: ZipMember) -> Iterator[bytes]:
        """Yield what an entry holds, in pieces of at most 256 KiB. Some may be empty: so may be what is packed."""
        start = self._content_start(found)
        if found.method == STORED:
            pieces = self._stored(start, found.packed_bytes)
        else:
            pieces = self._inflated(start, found.packed_bytes)
        crc = count = 0
        for piece in pieces:
            count += len(piece)
            if count > found.member.size:
                break
            crc = zlib.crc32(piece, crc)
            yield piece
        if count != found.member.size or crc != found.crc:
            raise bad_archive("an entry is damaged: size or checksum differ")

    def _content_start(self, found: ZipMember) -> int:
        """Compare what stands before the content with the directory, and make sure that it is nobody else's."""
        if found.offset + LOCAL.size > self._start:
            raise bad_archive("an entry lies outside the archive")
        head = os.pread(self._fd, LOCAL.size, found.offset)
        mark, _, flags, method, _, _, crc, packed, size, name_length, extra_length = LOCAL.unpack(head)
        if (
            mark != LOCAL_MARK
            or method != found.method
            or (flags ^ found.flags) & (ENCRYPTED | HAS_DESCRIPTOR | IS_PATCH)
        ):
            raise bad_archive("an entry is not what the directory says")
        name = os.pread(self._fd, name_length, found.offset + LOCAL.size)
        if name != found.member.name:
            raise bad_archive("an entry has another name than the directory says")
        told = (found.crc, found.packed_bytes, found.member.size)
        if not flags & HAS_DESCRIPTOR and any(
            here not in (there, IN_ZIP64) for here, there in zip((crc, packed, size), told, strict=True)
        ):
            raise bad_archive("an entry has another size or checksum than the directory says")
        start: int = found.offset + LOCAL.size + name_length + extra_length
        nth = bisect_right(self._offsets, found.offset)
        end = int(self._offsets[nth]) if nth < len(self._offsets) else self._start
        if start + found.packed_bytes > end or (nth >= 2 and self._offsets[nth - 2] == found.offset):
            raise bad_archive("entries of the archive overlap")
        return start

    def _stored(self, start: int, count: int) -> Iterator[bytes]:
        for at in range(start, start + count, _PIECE_BYTES):
            yield os.pread(self._fd, min(_PIECE_BYTES, start + count - at), at)

    def _inflated(self, start: int, count: int) -> Iterator[bytes]:
        unpacker = zlib.decompressobj(-15)
        end = start + count
        try:
            while start < end and not unpacker.eof:
                data = os.pread(self._fd, min(_PACKED_PIECE_BYTES, end - start), start)
                start += len(data)
                if not data:
                    break
                while data and not unpacker.eof:
                    yield unpacker.decompress(data, _PIECE_BYTES)
                    data = unpacker.unconsumed_tail
            # What is still in the window when the last byte has gone in.
            while not unpacker.eof and (piece := unpacker.decompress(b"", _PIECE_BYTES)):
                yield piece
        except zlib.error:
            raise bad_archive("an entry is damaged: it cannot be unpacked") from None
        if not unpacker.eof or unpacker.unused_data or start < end:
            raise bad_archive("an entry is damaged: it is not as long as it says")


def _central(buffer: bytes, at: int) -> tuple[ZipMember, int]:
    """Read the record that begins there; return how long it is, too."""
    if len(buffer) - at < CENTRAL.size or not buffer.startswith(CENTRAL_MARK, at):
        raise bad_archive("the directory of the archive is damaged")
    (
        _, made_by, _, flags, method, dos_time, dos_date, crc, packed, size, name_length, extra_length, comment_length,
        disk, _, attributes, offset,
    ) = CENTRAL.unpack_from(buffer, at)  # fmt: skip
    length = CENTRAL.size + name_length + extra_length + comment_length
    if length > len(buffer) - at or name_length > MAX_NAME_BYTES:
        raise bad_archive("the directory of the archive is damaged, or a name in it is too long")
    at += CENTRAL.size
    name = buffer[at : at + name_length]
    extra = extra_fields(buffer[at + name_length : at + name_length + extra_length])
    size, packed, offset = _in_64_bits([size, packed, offset], extra.get(ZIP64_EXTRA, b""))
    if flags & ENCRYPTED or flags & IS_PATCH:
        raise bad_archive("the archive is encrypted")
    if method not in (STORED, DEFLATED) or (method == STORED and size != packed):
        raise bad_archive("an entry is packed in a way that is not understood")
    if disk not in (0, ENTRIES_IN_ZIP64):
        raise bad_archive("the archive lies on several disks")
    _check_text(name, flags)
    is_unix = made_by >> 8 == UNIX
    mode = attributes >> 16 if is_unix else 0
    kind = _kind(name, mode, attributes)
    if kind is Kind.DIRECTORY and size:
        raise bad_archive("a directory has content")
    mtime_ns = bounded_mtime_ns(_seconds(extra.get(TIME_EXTRA, b""), dos_time, dos_date) * 10**9)
    permissions = mode & 0o777 if mode else (0o755 if kind is Kind.DIRECTORY else 0o644)
    member = Member(kind, name, size, permissions, mtime_ns)
    return ZipMember(member, flags, method, crc, packed, offset), length


def _in_64_bits(values: list[int], extra: bytes) -> list[int]:
    """What does not fit 32 bits stands in this field instead, in this order."""
    at = 0
    for nth, value in enumerate(values):
        if value == IN_ZIP64 and at + 8 <= len(extra):
            (values[nth],) = struct.unpack_from("<Q", extra, at)
            at += 8
    return values


def _check_text(name: bytes, flags: int) -> None:
    try:
        name.decode("utf-8" if flags & IS_UTF8 else "latin-1")
    except UnicodeDecodeError:
        raise bad_archive("a name is not the UTF-8 that it is said to be") from None


def _kind(name: bytes, mode: int, attributes: int) -> Kind:
    type_ = stat.S_IFMT(mode)
    if type_ not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
        raise Problem(400, "special_file", "the archive holds a device, a FIFO or a socket")
    is_directory = name.endswith(b"/") or type_ == stat.S_IFDIR or (type_ == 0 and bool(attributes & IS_DIRECTORY))
    if is_directory:
        if type_ not in (0, stat.S_IFDIR):
            raise bad_archive("an entry is a directory by its name, and none by its mode")
        return Kind.DIRECTORY
    return Kind.LINK if type_ == stat.S_IFLNK else Kind.FILE


def _seconds(extra: bytes, dos_time: int, dos_date: int) -> int:
    if len(extra) >= 5 and extra[0] & 1:
        (seconds,) = struct.unpack_from("<i", extra, 1)
        return int(seconds)
    return seconds_of(dos_time, dos_date)
