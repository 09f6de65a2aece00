"""A whole directory removed, however deep and large it is, with few descriptors and no link followed."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from cloche.agent.loop import Loop
from cloche.agent.machine.files.content import unfinished_name
from cloche.agent.machine.turns import Turns

MAX_HELD: Final = 64
"""Directories held open, one in the other; at least two. What lies deeper is first moved up."""
_BATCH: Final = 1000
"""Names kept of one directory at a time."""
_MAX_TRIES: Final = 100
"""How often a directory may have something in it again when all of it was removed."""

_OPEN: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class _Level:
    def __init__(self, fd: int, parent_fd: int, name: bytes) -> None:
        self.fd, self.parent_fd, self.name = fd, parent_fd, name
        self.directories: list[bytes] = []
        """In it, found not to be empty, to be emptied before it is listed again."""
        self.tries = 0


async def remove_directory(loop: Loop, parent_fd: int, name: bytes, check: Callable[[], object] = lambda: None) -> None:
    """Remove a directory and all below it. It is removed as it is found: who stops this leaves the rest.

    `check` is called whenever others have had a turn, and may raise.
    Raises: OSError: it is no directory (ENOTDIR), something in it cannot be removed, or somebody fills it all the time.
    """
    await _Removal(Turns(loop, check)).run(parent_fd, name)


class _Removal:
    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._levels: list[_Level] = []

    async def run(self, parent_fd: int, name: bytes) -> None:
        try:
            self._enter(parent_fd, name)
            while self._levels:
                level = self._levels[-1]
                if level.directories:
                    await self._descend(level)
                elif not await self._empty_once(level):
                    self._leave(level)
        finally:
            for level in self._levels:
                os.close(level.fd)

    def _enter(self, parent_fd: int, name: bytes) -> None:
        self._levels.append(_Level(os.open(name, _OPEN, dir_fd=parent_fd), parent_fd, name))

    def _leave(self, level: _Level) -> None:
        try:
            os.rmdir(level.name, dir_fd=level.parent_fd)
        except OSError as error:
            if error.errno == errno.ENOTEMPTY and level.tries < _MAX_TRIES:
                level.tries += 1
                return  # somebody has put something into it: it is listed again
            # Somebody else removed or renamed it. What has its name now is found by the next listing of where it was.
            if error.errno != errno.ENOENT and (error.errno != errno.ENOTDIR or len(self._levels) == 1):
                raise
        self._levels.pop()
        os.close(level.fd)

    async def _empty_once(self, level: _Level) -> bool:
        """Remove what a listing finds, but for directories with something in them; return whether it found anything."""
        names = _some_names(level.fd)
        for name in names:
            await self._turns.take()
            if not _remove_one(level.fd, name):
                level.directories.append(name)
        return bool(names)

    async def _descend(self, level: _Level) -> None:
        await self._turns.take()
        name = level.directories.pop()
        if len(self._levels) >= MAX_HELD:
            # Its place is as good as any: everything below the top is to go.
            with suppress(FileNotFoundError):
                os.rename(name, unfinished_name(), src_dir_fd=level.fd, dst_dir_fd=self._levels[0].fd)
            return
        try:
            self._enter(level.fd, name)
        except OSError as error:
            # It is gone, or something else has taken its place, which the next listing finds.
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                raise


def _some_names(fd: int) -> list[bytes]:
    names: list[bytes] = []
    with os.scandir(fd) as entries:
        for entry in entries:
            names.append(os.fsencode(entry.name))
            if len(names) >= _BATCH:
                break
    return names


def _remove_one(fd: int, name: bytes) -> bool:
    """Remove what has this name; False for a directory that is not empty."""
    try:
        os.unlink(name, dir_fd=fd)
    except FileNotFoundError:
        return True
    except IsADirectoryError:
        return _remove_empty(fd, name)
    return True


def _remove_empty(fd: int, name: bytes) -> bool:
    try:
        os.rmdir(name, dir_fd=fd)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return True
        if error.errno in (errno.ENOTEMPTY, errno.ENOTDIR):
            return False
        raise
    return True
