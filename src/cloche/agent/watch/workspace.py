"""The known directories, found on disk: opens them, looks at entries in them, and meets new ones."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from cloche.agent.loop import Loop
from cloche.agent.watch import disk
from cloche.agent.watch.tree import Directory, Status

_TURN: Final = 200
"""Entries looked at before other tasks get a turn."""


class RootLost(Exception):
    """The workspace is not where it was."""


class Seen(NamedTuple):
    """A directory that was found where the host knows of nothing."""

    status: Status
    watch: int
    is_readable: bool


class Workspace:
    """Owned by `observation`. All of it raises `disk.Displaced`, `disk.Unreadable`, `RootLost` and OSError."""

    def __init__(self, loop: Loop, root: bytes, identity: tuple[int, int] | None = None) -> None:
        """`identity`: whatever else is found in the root's place is not the root."""
        self._loop, self._root, self._identity = loop, root, identity
        self._listed: tuple[Directory, int] | None = None
        self._looked = 0

    def open_root(self, identity: tuple[int, int] | None = None) -> int:
        try:
            return disk.open_directory(self._root, identity or self._identity)
        except disk.Displaced:
            raise RootLost from None

    @contextmanager
    def opened(self, directory: Directory) -> Iterator[int]:
        """Give a descriptor of a directory, which leads to that very one or to none."""
        if self._listed is not None and self._listed[0] is directory:
            yield self._listed[1]
            return
        fd = self._open(directory)
        try:
            yield fd
        finally:
            os.close(fd)

    @contextmanager
    def listed(self, directory: Directory) -> Iterator[Iterator[bytes]]:
        """Give the names in a directory. It is opened once for the listing and for all that is looked at meanwhile."""
        fd = self._open(directory)
        self._listed = directory, fd
        try:
            directory.mtime_ns = disk.status_of(fd).mtime_ns
            yield disk.names(fd)
        finally:
            self._listed = None
            os.close(fd)

    def find(self, directory: Directory, name: bytes) -> Status | None:
        with self.opened(directory) as fd:
            return disk.status_in(fd, name)

    def meet(self, parent: Directory, name: bytes, add_watch: Callable[[int], int]) -> Seen | None:
        """Open and watch a directory that is not known yet; None if it is gone again."""
        with self.opened(parent) as parent_fd:
            try:
                fd = disk.open_below(parent_fd, name)
            except disk.Displaced:
                return None
            except disk.Unreadable:
                status = disk.status_in(parent_fd, name)
                return Seen(status, -1, is_readable=False) if status is not None and status.is_directory else None
        try:
            return Seen(disk.status_of(fd), add_watch(fd), is_readable=True)
        finally:
            os.close(fd)

    def has_in_place(self, directory: Directory) -> bool:
        """Whether a directory is still where it is known to be: then the same elsewhere is a second mount of it."""
        if directory.parent is None:
            return True
        try:
            found = self.find(directory.parent, directory.name)
        except (disk.Displaced, disk.Unreadable):
            return False
        return found is not None and found.identity == directory.identity

    async def pace(self) -> None:
        """To be awaited for each entry: gives other tasks a turn after every two hundred."""
        self._looked += 1
        if self._looked % _TURN == 0:
            await self._loop.sleep(0)

    def _open(self, directory: Directory) -> int:
        if directory.parent is None:
            return self.open_root(directory.identity)
        return disk.open_directory(os.path.join(self._root, directory.path), directory.identity)
