"""A place in a tree of directories that moves about in it: down and up by descriptors, never through a link."""

import errno
import os
from types import TracebackType
from typing import Final

from cloche.agent.machine.archives.names import Parts

DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
MADE_MODE: Final = 0o755


class Descent:
    """Holds a descriptor of each directory from the top to where it is; going to a neighbour costs two calls."""

    def __init__(self, top_fd: int, way: Parts = ()) -> None:
        """`top_fd` stays open. `way`: the top lies there, below it."""
        self._fds = [os.dup(top_fd)]
        self._path: list[bytes] = []
        try:
            for part in way:
                fd = self._open(part, makes=False)
                os.close(self._fds.pop())
                self._fds.append(fd)
        except OSError:
            self.__exit__(None, None, None)
            raise

    def __enter__(self) -> "Descent":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._fds:
            os.close(self._fds.pop())

    def enter(self, parts: Parts, *, makes: bool = False) -> int:
        """Go there and return its descriptor, valid until the next call.

        `makes`: directories that are missing are made.
        Raises: NotADirectoryError, for a link as well; OSError.
        """
        path, shared = self._path, 0
        for ours, theirs in zip(path, parts, strict=False):
            if ours != theirs:
                break
            shared += 1
        while len(path) > shared:
            os.close(self._fds.pop())
            path.pop()
        for part in parts[shared:]:
            self._fds.append(self._open(part, makes))
            path.append(part)
        return self._fds[-1]

    def _open(self, name: bytes, makes: bool) -> int:
        try:
            return os.open(name, DIRECTORY, dir_fd=self._fds[-1])
        except FileNotFoundError:
            if not makes:
                raise
            os.mkdir(name, MADE_MODE, dir_fd=self._fds[-1])
            return os.open(name, DIRECTORY, dir_fd=self._fds[-1])
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
            raise
