"""Where an upload is put together before it takes its place: a directory that exists as long as the upload does."""

import os
from typing import Final

from cloche.agent.log import Log
from cloche.agent.machine.archives.descent import DIRECTORY, Descent
from cloche.agent.machine.turns import ENTRY_COST, Turns

_PREFIX: Final = b"upload-"
_REMOVAL_COST: Final = ENTRY_COST // 4


class Stage:
    """One upload's directory, open. `Staging` makes and removes it."""

    def __init__(self, fd: int, name: bytes) -> None:
        self.fd, self.name = fd, name

    def make_directory(self, name: bytes) -> int:
        """Make a directory in it and return its descriptor."""
        os.mkdir(name, 0o755, dir_fd=self.fd)
        return os.open(name, DIRECTORY, dir_fd=self.fd)

    def descend(self, name: bytes) -> Descent:
        """Make a directory in it to move about in."""
        os.mkdir(name, 0o755, dir_fd=self.fd)
        return Descent(self.fd, (name,))

    def make_file(self, name: bytes) -> int:
        """Make a file in it and return its descriptor, to be written and read."""
        return os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=self.fd)

    def free_bytes(self) -> int:
        """What the file system has left for whoever is not root."""
        facts = os.fstatvfs(self.fd)
        return facts.f_bavail * facts.f_frsize


class Staging:
    """Owned by `api`. Makes the staging directory when it is first needed, and clears what a former life left in it."""

    def __init__(self, path: str, log: Log) -> None:
        self._path, self._log = path, log
        self._is_cleared = False

    async def open(self, turns: Turns) -> Stage:
        """Raises: OSError."""
        os.makedirs(self._path, 0o700, exist_ok=True)
        if not self._is_cleared:
            self._is_cleared = True
            await self._clear(turns)
        name = _PREFIX + os.urandom(8).hex().encode()
        top = self._open()
        try:
            os.mkdir(name, 0o700, dir_fd=top)
            try:
                return Stage(os.open(name, DIRECTORY, dir_fd=top), name)
            except OSError:
                os.rmdir(name, dir_fd=top)
                raise
        finally:
            os.close(top)

    async def remove(self, stage: Stage, turns: Turns) -> None:
        """With all that is in it; what cannot be removed is logged, and tried again in the next life."""
        os.close(stage.fd)
        await self._remove(stage.name, turns)

    async def _clear(self, turns: Turns) -> None:
        for name in os.listdir(os.fsencode(self._path)):
            if name.startswith(_PREFIX):
                await self._remove(name, turns)

    async def _remove(self, name: bytes, turns: Turns) -> None:
        try:
            top = self._open()
            try:
                await remove_tree(top, name, turns)
            finally:
                os.close(top)
        except OSError as error:
            self._log.error("upload not cleared away", error=str(error))

    def _open(self) -> int:
        return os.open(self._path, DIRECTORY)


async def remove_tree(parent_fd: int, name: bytes, turns: Turns) -> None:
    """Remove a directory and everything in it, however deep.

    Only two directories are open at any time: one that lies in another is moved up to the top before it is emptied.
    Raises: OSError.
    """
    os.chmod(name, 0o700, dir_fd=parent_fd)
    top = os.open(name, DIRECTORY, dir_fd=parent_fd)
    moved = 0
    prefix = b"gone-" + os.urandom(4).hex().encode()
    try:
        while directories := await _empty(top, turns):
            for directory in directories:
                fd = os.open(directory, DIRECTORY, dir_fd=top)
                try:
                    for below in await _empty(fd, turns):
                        os.rename(below, b"%b-%d" % (prefix, moved), src_dir_fd=fd, dst_dir_fd=top)
                        moved += 1
                finally:
                    os.close(fd)
                os.rmdir(directory, dir_fd=top)
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=parent_fd)


async def _empty(fd: int, turns: Turns) -> list[bytes]:
    """Remove all but the directories; return these, made such that they can be emptied and moved."""
    with os.scandir(fd) as entries:
        found = [(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in entries]
    directories: list[bytes] = []
    for name, is_directory in found:
        if is_directory:
            os.chmod(name, 0o700, dir_fd=fd)
            directories.append(name)
        else:
            os.unlink(name, dir_fd=fd)
        if turns.due(_REMOVAL_COST):
            await turns.give()
    return directories
