"""How an upload takes its place: by renames, each of them written down, so that all of them can be undone.

What is in the way stays until it is replaced, and is kept in staging until the last rename has succeeded. A file takes
the place of a file (or of a link, which is not followed) in one step: at no time is there neither. A directory that
the destination does not have moves as a whole; one that it has gets what is new, and keeps the rest.
"""

import errno
import os
import stat
from contextlib import suppress
from enum import Enum, auto
from typing import Final, NamedTuple

from cloche.agent.machine.archives.descent import MADE_MODE, Descent
from cloche.agent.machine.archives.limits import MAX_DEPTH
from cloche.agent.machine.archives.names import Parts, shown
from cloche.agent.machine.archives.staging import Stage
from cloche.agent.machine.beneath import Place, open_beneath, parent_of
from cloche.agent.machine.problem import Problem
from cloche.agent.machine.turns import ENTRY_COST, Turns

_OLD: Final = b"old"
_UNDONE: Final = b"undone"
_RESERVE: Final = b"reserve"
_RESERVE_BYTES: Final = 256 * 1024
_NO_HARD_LINKS: Final = (errno.EPERM, errno.EACCES, errno.EMLINK, errno.EOPNOTSUPP, errno.EXDEV)
_OTHER_KIND: Final = (errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY)
_IN_PLACE: Final = os.O_RDONLY | os.O_DIRECTORY


class _Did(Enum):
    PUT = auto()
    """Something new has this name; what had it before, if anything, is kept."""
    TOOK = auto()
    """What had this name is kept, and nothing has it now."""
    MADE = auto()
    """A directory that was missing."""


class _Step(NamedTuple):
    did: _Did
    place: Place
    """The directory."""
    name: bytes
    kept: bytes = b""


class Placing:
    """One upload's. Where any method raises, `undo` must follow."""

    def __init__(self, stage: Stage, turns: Turns) -> None:
        self._stage, self._turns = stage, turns
        self._steps: list[_Step] = []
        self._count = 0
        self._reserve()
        self._old = stage.make_directory(_OLD)
        try:
            self._undone = stage.make_directory(_UNDONE)
        except OSError:
            os.close(self._old)
            raise

    def close(self) -> None:
        os.close(self._old)
        os.close(self._undone)

    async def merge(self, name: bytes, place: Place) -> None:
        """Have what is in the stage's directory `name` in the directory `place`, beside what else is there.

        Raises: Problem 409 `in_the_way`: a file stands where a directory is to be, or the other way round; OSError.
        """
        target = self._open(place)
        if target is None:
            self._put_directory(name, place)
            return
        try:
            await self._merge(name, target, place)
        finally:
            os.close(target)

    async def replace(self, name: bytes, place: Place) -> None:
        """Have the stage's directory `name` instead of the directory `place`, or its content instead of a root's."""
        if not place.parts:
            await self._take_content(place)
            await self.merge(name, place)
        else:
            self._put_directory(name, place)

    async def put_file(self, fd: int, name: bytes, place: Place) -> tuple[int, int]:
        """Have a file of the stage at `place`; return device and inode of the directory that it is in."""
        self._make_parents(place)
        with parent_of(place) as (parent, last):
            self._put(fd, name, parent, _directory_of(place), last)
            status = os.fstat(parent)
        await self._turns.give()  # after each: the way to one may be thousands of steps long
        return status.st_dev, status.st_ino

    def undo(self) -> int:
        """Put everything back, the last change first, at once; return how many changes could not be undone."""
        failures, place, fd = 0, None, -1
        with suppress(OSError):  # somebody has meddled; what needs no space can be put back all the same
            os.unlink(_RESERVE, dir_fd=self._stage.fd)
        for step in reversed(self._steps):
            try:
                if step.place != place:  # most changes are in the directory of the one before
                    if fd >= 0:
                        os.close(fd)
                    place, fd = None, -1
                    fd = open_beneath(step.place, _IN_PLACE)
                    place = step.place
                self._undo(step, fd)
            except (OSError, Problem):  # the others can still be put back
                failures += 1
        if fd >= 0:
            os.close(fd)
        self._steps.clear()
        return failures

    def _reserve(self) -> None:
        """Have some space that `undo` can give back: on a full file system a directory cannot take even a name."""
        fd = self._stage.make_file(_RESERVE)
        try:
            os.posix_fallocate(fd, 0, _RESERVE_BYTES)
        finally:
            os.close(fd)

    def _undo(self, step: _Step, fd: int) -> None:
        if step.did is _Did.MADE:
            os.rmdir(step.name, dir_fd=fd)
        elif step.kept:
            os.rename(step.kept, step.name, src_dir_fd=self._old, dst_dir_fd=fd)
        else:
            os.rename(step.name, self._next_name(), src_dir_fd=fd, dst_dir_fd=self._undone)

    def _open(self, place: Place) -> int | None:
        try:
            return open_beneath(place, _IN_PLACE)
        except FileNotFoundError:
            return None
        except NotADirectoryError:
            raise _in_the_way(place.name) from None

    def _put_directory(self, name: bytes, place: Place) -> None:
        """Have a whole directory of the stage at `place`, whatever directory is there."""
        self._make_parents(place)
        with parent_of(place) as (parent, last):
            where, mode = _directory_of(place), _mode(parent, last)
            if mode and not stat.S_ISDIR(mode):
                raise _in_the_way(last)
            if mode:
                self._take(parent, where, last)
            os.rename(name, last, src_dir_fd=self._stage.fd, dst_dir_fd=parent)
            self._steps.append(_Step(_Did.PUT, where, last))

    def _make_parents(self, place: Place) -> None:
        """Make the directories above `place` that are missing, each of them a change like any other."""
        above = _directory_of(place)
        if (fd := self._open(above)) is not None:
            os.close(fd)
            return
        for depth in range(1, len(above.parts) + 1):
            way = above._replace(parts=above.parts[:depth])
            if (fd := self._open(way)) is not None:
                os.close(fd)
                continue
            with parent_of(way) as (parent, name):
                try:
                    os.mkdir(name, MADE_MODE, dir_fd=parent)
                except FileExistsError:  # a link that leads nowhere
                    raise _in_the_way(name) from None
            self._steps.append(_Step(_Did.MADE, _directory_of(way), name))

    async def _take_content(self, place: Place) -> None:
        fd = open_beneath(place, _IN_PLACE)
        try:
            for name in sorted(map(os.fsencode, os.listdir(fd))):
                self._take(fd, place, name)
                await self._turn()
        finally:
            os.close(fd)

    def _take(self, fd: int, where: Place, name: bytes) -> None:
        kept = self._next_name()
        os.rename(name, kept, src_dir_fd=fd, dst_dir_fd=self._old)
        self._steps.append(_Step(_Did.TOOK, where, name, kept))

    async def _merge(self, name: bytes, target: int, place: Place) -> None:
        with Descent(self._stage.fd, (name,)) as source, Descent(target) as destination:
            ahead: list[Parts] = [()]
            while ahead:
                below = ahead.pop()
                where = place._replace(parts=place.parts + below)
                if len(where.parts) > MAX_DEPTH:
                    raise Problem(400, "name_too_long", f"a path goes at most {MAX_DEPTH} directories deep")
                for entry, is_directory in _list(source.enter(below)):
                    here, there = source.enter(below), destination.enter(below)
                    if is_directory and self._has_directory(there, entry):
                        ahead.append((*below, entry))
                    else:
                        self._put(here, entry, there, where, entry)
                    await self._turn()

    def _has_directory(self, fd: int, name: bytes) -> bool:
        mode = _mode(fd, name)
        if mode and not stat.S_ISDIR(mode):
            raise _in_the_way(name)
        return bool(mode)

    def _put(self, source: int, name: bytes, target: int, where: Place, as_name: bytes) -> None:
        """Rename, and keep what is replaced. A directory may come only where nothing is."""
        kept = self._keep(target, where, as_name)
        try:
            os.rename(name, as_name, src_dir_fd=source, dst_dir_fd=target)
        except OSError as error:
            if error.errno in _OTHER_KIND:
                raise _in_the_way(as_name) from None
            raise
        self._steps.append(_Step(_Did.PUT, where, as_name, kept))

    def _keep(self, fd: int, where: Place, name: bytes) -> bytes:
        """Give a file that is to be replaced a second name; empty if there is none.

        The second name is harmless if nothing comes of it, so there is nothing to undo yet.
        """
        kept = self._next_name()
        try:
            os.link(name, kept, src_dir_fd=fd, dst_dir_fd=self._old, follow_symlinks=False)
        except FileNotFoundError:
            return b""
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            if stat.S_ISDIR(_mode(fd, name)):
                raise _in_the_way(name) from None
            self._take(fd, where, name)
            return b""
        return kept

    def _next_name(self) -> bytes:
        self._count += 1
        return b"%d" % self._count

    async def _turn(self) -> None:
        if self._turns.due(ENTRY_COST):
            await self._turns.give()


def _directory_of(place: Place) -> Place:
    return place._replace(parts=place.parts[:-1])


def _list(fd: int) -> list[tuple[bytes, bool]]:
    with os.scandir(fd) as entries:
        return sorted((os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in entries)


def _mode(fd: int, name: bytes) -> int:
    """With the bits that tell the kind; 0 if there is nothing of this name."""
    try:
        return os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return 0


def _in_the_way(name: bytes) -> Problem:
    return Problem(409, "in_the_way", f"{shown(name)}: a file is where a directory is to be, or the other way round")
