"""A directory as a zip archive, made as it goes out.

A small file is packed before its header is written, which so can tell its size; behind a large one stands a data
descriptor. What does not shrink is not packed: a large file of that kind goes out as the stored blocks of a deflate
stream (RFC 1951, section 3.2.4), because a reader that cannot seek finds no end of one that is merely stored. Links are
entries with the mode of a link whose content is the target, as Info-ZIP has them. Notes are the archive's comment.
"""

import os
import struct
import zlib
from contextlib import closing
from typing import Any, Final

from cloche.agent.machine.archives.body import Body
from cloche.agent.machine.archives.members import Kind
from cloche.agent.machine.archives.notes import Notes
from cloche.agent.machine.archives.tar_writer import read_small
from cloche.agent.machine.archives.walk import Found, walk
from cloche.agent.machine.archives.zip_directory import Directory, Entry
from cloche.agent.machine.archives.zip_records import (
    DEFLATED,
    DESCRIPTOR_MARK,
    HAS_DESCRIPTOR,
    IS_DIRECTORY,
    IS_UTF8,
    STORED,
)

_SMALL_BYTES: Final = 256 * 1024
_SAMPLE_BYTES: Final = 64 * 1024
_WORTH: Final = 0.95
"""What packs to more than this part of its size is not packed."""
_BLOCK_BYTES: Final = 65535
_STORED_PIECE_BYTES: Final = 8 * _BLOCK_BYTES
_PACKED_PIECE_BYTES: Final = 64 * 1024
"""Packing so much takes about a millisecond."""
_LAST_BLOCK: Final = b"\x01\x00\x00\xff\xff"
_FEW_BYTES: Final = 3 << 30
"""What packs to less needs no 64-bit sizes; a deflate stream is a little larger than what does not shrink."""


async def send_zip(
    body: Body, top_fd: int, notes: Notes, leaves_out: frozenset[bytes] = frozenset(), level: int = 1
) -> None:
    """Send what is in the directory `top_fd`; raises OSError when whoever reads has gone. `level`: 0 (none) to 9."""
    directory = Directory()
    with closing(walk(top_fd, notes, leaves_out)) as walker:
        for found in walker:
            if found is None:
                await body.turns.give()
                continue
            await _send(body, directory, found, notes, level)
            await body.settle()
    start = body.sent_bytes
    for piece in directory.pieces():
        body.put(piece)
        await body.settle()
    body.put(directory.end(start, notes.text()))
    await body.finish()


async def _send(body: Body, directory: Directory, found: Found, notes: Notes, level: int) -> None:
    if found.kind is not Kind.FILE:
        _put(body, directory, found, found.target, 0)
        return
    size = found.status.st_size
    if size > _SMALL_BYTES:
        await _send_large(body, directory, found, size, level, notes)
        return
    data = read_small(found.fd, size)
    _put(body, directory, found, data, level)
    if body.turns.due(len(data) * 8):
        await body.turns.give()


def _put(body: Body, directory: Directory, found: Found, data: bytes, level: int) -> None:
    """An entry whose sizes are known before its header goes out."""
    packed, method = data, STORED
    # What is no larger than a sample is packed to find out.
    if level and data and (len(data) <= _SAMPLE_BYTES or _shrinks(data)):
        smaller = zlib.compress(data, level, wbits=-15)
        if len(smaller) <= _WORTH * len(data):
            packed, method = smaller, DEFLATED
    entry = _entry(body, found)._replace(
        method=method, crc=zlib.crc32(data), packed_bytes=len(packed), size=len(data)
    )  # fmt: skip
    body.put(entry.local() + packed)
    directory.add(entry)


async def _send_large(body: Body, directory: Directory, found: Found, size: int, level: int, notes: Notes) -> None:
    is_zip64 = size > _FEW_BYTES
    entry = _entry(body, found)._replace(method=DEFLATED, is_zip64=is_zip64)
    entry = entry._replace(flags=entry.flags | HAS_DESCRIPTOR)
    body.put(entry.local())
    start = body.sent_bytes
    if level and _shrinks(_pread(found.fd, _SAMPLE_BYTES, 0)):
        crc, count = await _pack(body, found.fd, size, level)
    else:
        crc, count = await _store(body, found.fd, size)
    if count < size:
        notes.changed(found.path, "it has shrunk, or could not be read to its end")
    entry = entry._replace(crc=crc, packed_bytes=body.sent_bytes - start, size=count)
    body.put(struct.pack("<4sIQQ" if is_zip64 else "<4sIII", DESCRIPTOR_MARK, crc, entry.packed_bytes, count))
    directory.add(entry)


async def _pack(body: Body, fd: int, size: int, level: int) -> tuple[int, int]:
    """Send up to `size` bytes of a file, deflated; return their CRC, and how many there were."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    crc = count = 0
    while count < size and (data := _pread(fd, min(_PACKED_PIECE_BYTES, size - count), count)):
        crc, count = zlib.crc32(data, crc), count + len(data)
        await body.write(packer.compress(data))
        await body.turns.give()
    await body.write(packer.flush())
    return crc, count


async def _store(body: Body, fd: int, size: int) -> tuple[int, int]:
    """The same, in stored blocks."""
    crc = count = 0
    while count < size and (data := _pread(fd, min(_STORED_PIECE_BYTES, size - count), count)):
        crc, count = zlib.crc32(data, crc), count + len(data)
        await body.write(stored_blocks(data))
        if body.turns.due(len(data)):
            await body.turns.give()
    await body.write(_LAST_BLOCK)
    return crc, count


def stored_blocks(data: bytes) -> bytes:
    """Deflate blocks that hold this as it is; none of them is the last."""
    view = memoryview(data)
    pieces: list[Any] = []
    for at in range(0, len(data), _BLOCK_BYTES):
        piece = view[at : at + _BLOCK_BYTES]
        pieces += (struct.pack("<BHH", 0, len(piece), len(piece) ^ 0xFFFF), piece)
    return b"".join(pieces)


def _shrinks(data: bytes) -> bool:
    """Judged by how it begins."""
    sample = data[:_SAMPLE_BYTES]
    return len(zlib.compress(sample, 1, wbits=-15)) <= _WORTH * len(sample)


def _entry(body: Body, found: Found) -> Entry:
    is_directory = found.kind is Kind.DIRECTORY
    name = found.path + b"/" if is_directory else found.path
    attributes = (found.status.st_mode & 0xFFFF) << 16 | (IS_DIRECTORY if is_directory else 0)
    return Entry(name, _flags(name), attributes, int(found.status.st_mtime), offset=body.sent_bytes)


def _flags(name: bytes) -> int:
    if name.isascii():
        return 0
    try:
        name.decode()
    except UnicodeDecodeError:
        return 0
    return IS_UTF8


def _pread(fd: int, count: int, offset: int) -> bytes:
    """Less, or nothing, at the end of the file and where it cannot be read."""
    try:
        return os.pread(fd, count, offset)
    except OSError:
        return b""
