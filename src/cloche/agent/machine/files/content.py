"""What is in a file: read in ranges, written whole or not at all."""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from cloche.agent.machine.beneath import Place, open_beneath, parent_of
from cloche.agent.machine.exchange import Exchange
from cloche.agent.machine.files.labels import decimal_seconds
from cloche.agent.machine.problem import Problem
from cloche.wire.machine import MODIFIED_FIELD, SIZE_FIELD

UNFINISHED: Final = b".cloche-"
"""How names begin of what is not what it is to be yet; random letters follow."""


def unfinished_name() -> bytes:
    return UNFINISHED + os.urandom(8).hex().encode()


def open_regular(place: Place) -> int:
    """Open a file for reading. Raises: Problem 400 for a directory, and for what is no file; OSError.

    What is none is not opened: whoever waits to write into a FIFO would take us for its reader.
    """
    path_fd = open_beneath(place, os.O_PATH)
    try:
        mode = os.fstat(path_fd).st_mode
        if stat.S_ISDIR(mode):
            raise Problem(400, "is_a_directory", "it is a directory")
        if not stat.S_ISREG(mode):
            raise Problem(400, "not_a_file", "it is no regular file")
        return os.open(f"/proc/self/fd/{path_fd}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    finally:
        os.close(path_fd)


async def send_file(exchange: Exchange, place: Place, offset: int, length: int | None) -> None:
    """Answer with a file, or `length` bytes of it from `offset` on; with fewer where it has no more.

    Raises: Problem 416 where it has none there; as `open_regular`.
    """
    fd = open_regular(place)
    try:
        status = os.fstat(fd)
        size = status.st_size
        if offset and offset >= size:
            raise Problem(416, "range_not_satisfiable", f"the file has {size} bytes", size=size)
        end = size if length is None else min(size, offset + length)
        fields = {SIZE_FIELD: str(size), MODIFIED_FIELD: decimal_seconds(status.st_mtime_ns)}
        await exchange.begin("application/octet-stream", length=end - offset, fields=fields)
        # What the file grows by is not sent: its length has been told. One that shrinks breaks the answer off.
        await exchange.write_from(fd, offset, end)
    finally:
        os.close(fd)


async def receive_file(
    exchange: Exchange, place: Place, mode: int, *, creates_only: bool, check: Callable[[], None]
) -> None:
    """Make a file of a request's body. It appears under its name when it is complete, or not at all.

    A file that is there is replaced, and so is a link: what that points to stays as it is. Directories that are missing
    on the way are made, and stay also where the rest fails. `creates_only`: a file that is there stays (EEXIST).
    `check` is called right before the file gets its name, and may raise.
    Raises: Problem; OSError.
    """
    with parent_of(place, makes=True) as (held_fd, name):
        directory_fd = os.dup(held_fd)  # the one descriptor that is needed while the body comes
    try:
        unfinished = unfinished_name()
        fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=directory_fd)
        try:
            await _receive(exchange, fd, mode)
            check()
            if creates_only:
                os.link(unfinished, name, src_dir_fd=directory_fd, dst_dir_fd=directory_fd, follow_symlinks=False)
            else:
                os.rename(unfinished, name, src_dir_fd=directory_fd, dst_dir_fd=directory_fd)
        finally:
            with suppress(FileNotFoundError):  # it has its name
                os.unlink(unfinished, dir_fd=directory_fd)
    finally:
        os.close(directory_fd)


async def _receive(exchange: Exchange, fd: int, mode: int) -> None:
    try:
        while piece := await exchange.read():
            view = memoryview(piece)
            while view:
                view = view[os.write(fd, view) :]
        os.fchmod(fd, mode)
    finally:
        os.close(fd)
