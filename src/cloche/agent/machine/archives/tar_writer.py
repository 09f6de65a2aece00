"""A directory as a tar archive, in the format that GNU tar writes: names are bytes there, of any length.

A file is sent with the size it had when it was opened: one that has shrunk since is filled up with zeros, and noted.
If there are notes, they are the `comment` of a global extended header (pax(1)) before a last entry `./`, without which
some readers take the archive to be broken off.
"""

import os
from contextlib import closing
from typing import Final

from cloche.agent.machine.archives.body import Body
from cloche.agent.machine.archives.members import Kind
from cloche.agent.machine.archives.notes import Notes
from cloche.agent.machine.archives.walk import Found, walk

BLOCK: Final = 512
_FIELD: Final = 100
_SMALL_BYTES: Final = 64 * 1024
"""Up to here reading a file and sending it with others is cheaper than having the kernel send it by itself."""
_RECORD_BYTES: Final = 20 * BLOCK
"""What tar(1) writes and reads at once; an archive is filled up to a multiple of it."""


def header(type_: bytes, name: bytes, *, size: int = 0, mode: int = 0o644, mtime: int = 0, link: bytes = b"") -> bytes:
    """One entry's blocks before its data, those for a long name or target among them."""
    long = b""
    if len(link) > _FIELD:
        long += _long(b"K", link)
    if len(name) > _FIELD:
        long += _long(b"L", name)
    before = b"%b%07o\0%b%b%b" % (
        name[:_FIELD].ljust(_FIELD, b"\0"), mode & 0o7777, b"0000000\0" * 2, _number(size), _number(mtime),
    )  # fmt: skip
    after = b"%b%bustar  \0" % (type_, link[:_FIELD].ljust(_FIELD, b"\0"))
    # The sum counts its own eight bytes as blanks.
    checksum = b"%06o\0 " % (sum(before) + 8 * 0x20 + sum(after))
    return long + (before + checksum + after).ljust(BLOCK, b"\0")


def comment(text: bytes) -> bytes:
    """A global extended header that says it."""
    record = b" comment=%b\n" % text
    length = len(record)
    while len(str(length)) + len(record) != length:
        length = len(str(length)) + len(record)
    return header(b"g", b"././@PaxHeader", size=length) + padded(b"%d%b" % (length, record))


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


async def send_tar(body: Body, top_fd: int, notes: Notes, leaves_out: frozenset[bytes] = frozenset()) -> None:
    """Send what is in the directory `top_fd`; raises OSError when whoever reads has gone."""
    with closing(walk(top_fd, notes, leaves_out)) as walker:
        for found in walker:
            if found is None:
                await body.turns.give()
                continue
            await _send(body, found, notes)
            await body.settle()
    if text := notes.text():
        body.put(comment(text) + header(b"5", b"./", mode=0o755))
    body.put(bytes(2 * BLOCK))
    body.put(bytes(-body.sent_bytes % _RECORD_BYTES))
    await body.finish()


async def _send(body: Body, found: Found, notes: Notes) -> None:
    status = found.status
    is_file = found.kind is Kind.FILE
    size = status.st_size if is_file else 0
    body.put(
        header(
            b"0" if is_file else b"5" if found.kind is Kind.DIRECTORY else b"2",
            found.path + b"/" if found.kind is Kind.DIRECTORY else found.path,
            size=size,
            mode=status.st_mode,
            mtime=int(status.st_mtime),
            link=found.target,
        )
    )
    if not is_file or not size:
        return
    if size <= _SMALL_BYTES:
        data = read_small(found.fd, size)
        is_whole = len(data) == size
        body.put(data.ljust(size, b"\0"))
    else:
        is_whole = await body.send_file(found.fd, size)
    body.put(bytes(-size % BLOCK))
    if not is_whole:
        notes.changed(found.path, "it has shrunk, or could not be read to its end: filled up with zeros")


def read_small(fd: int, size: int) -> bytes:
    """At most `size` bytes, in one call where that is enough; less if it ends before, or cannot be read further."""
    pieces: list[bytes] = []
    while size > 0:
        try:
            piece = os.read(fd, size)
        except OSError:
            break
        if not piece:
            break
        pieces.append(piece)
        size -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _long(type_: bytes, text: bytes) -> bytes:
    return header(type_, b"././@LongLink", size=len(text) + 1) + padded(text + b"\0")


def _number(value: int) -> bytes:
    """Twelve bytes: octal digits, or base 256 (GNU) for what does not fit."""
    if 0 <= value < 8**11:
        return b"%011o\0" % value
    return b"\xff" + value.to_bytes(11, "big", signed=True) if value < 0 else b"\x80" + value.to_bytes(11, "big")
