"""The workspace as it is on disk now. Nothing here follows a symbolic link that stands for an entry.

Directories are opened by their path and then known again by device and inode: a path that leads elsewhere by now, be
it by a rename or by a symbolic link that took a directory's place, is seen as such before anything in it is looked at.
"""

import errno
import os
import stat
from collections.abc import Iterator
from typing import Final

from cloche.agent.watch.tree import Status

_OPEN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_IS_ELSEWHERE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_IS_OUR_TROUBLE: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})


class Displaced(Exception):
    """The directory is not where it was."""


class Unreadable(Exception):
    """The directory is there and cannot be looked into: no permission, a path too long, a broken file system."""


def open_directory(path: bytes, identity: tuple[int, int] | None = None) -> int:
    """Open a directory for listing; return its descriptor.

    Raises:
        Displaced: there is none, or (with `identity`) it is another.
        Unreadable: see there.
        OSError: no more descriptors or memory, which says nothing about the directory.
    """
    return _checked(_open(path, None), identity)


def open_below(directory_fd: int, name: bytes) -> int:
    """Open a directory in an open one. Raises as `open_directory` does."""
    return _open(name, directory_fd)


def _open(path: bytes, directory_fd: int | None) -> int:
    try:
        return os.open(path, _OPEN, dir_fd=directory_fd)
    except OSError as error:
        if error.errno in _IS_OUR_TROUBLE:
            raise
        raise (Displaced if error.errno in _IS_ELSEWHERE else Unreadable) from None


def _checked(fd: int, identity: tuple[int, int] | None) -> int:
    try:
        if identity is not None and status_of(fd).identity != identity:
            raise Displaced
    except BaseException:
        os.close(fd)
        raise
    return fd


def status_of(fd: int) -> Status:
    return _status(os.fstat(fd))


def status_in(directory_fd: int, name: bytes) -> Status | None:
    """Look at an entry of an open directory; None for one that is not there, or cannot be seen."""
    try:
        return _status(os.stat(name, dir_fd=directory_fd, follow_symlinks=False))
    except OSError as error:
        if error.errno in _IS_OUR_TROUBLE:
            raise
        return None


def names(directory_fd: int) -> Iterator[bytes]:
    """List an open directory piece by piece: it may be larger than memory."""
    with os.scandir(directory_fd) as entries:
        for entry in entries:
            yield os.fsencode(entry.name)


def _status(found: os.stat_result) -> Status:
    return Status(found.st_dev, found.st_ino, stat.S_IFMT(found.st_mode), found.st_mtime_ns, found.st_size)
