"""Paths as a caller names them, and the files they lead to, beneath a root and never outside it.

    /workspace/a/b  or  a/b     the workspace
    /profile/Default            the browser's user-data directory

A path is walked component by component with descriptors (openat(2) with O_NOFOLLOW): nothing that is looked at is
looked up again, so whoever swaps a directory for a link meanwhile gains nothing. `..` goes up to the directory that the
walk came from. A link is followed only within the root; an absolute one, and one that leads out, is refused.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, NamedTuple

from cloche.agent.machine.problem import Problem, invalid
from cloche.wire.machine import MAX_PATH_BYTES, PROFILE, WORKSPACE

MAX_LINKS: Final = 40
"""As the kernel allows (path_resolution(7))."""
MAX_DEPTH: Final = 256
"""Directories below the root: the walk holds a descriptor of each."""
MAX_STEPS: Final = 8192
"""Components that one walk may take, those of the links on its way among them: it gives nobody else a turn."""

_LOOK: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_ALWAYS: Final = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_MADE_MODE: Final = 0o755


class Place(NamedTuple):
    """A path that has been understood, not yet looked up."""

    root: str
    """The directory it is beneath, as it really lies."""
    shown: bytes
    """The whole path as a caller sees it: `/workspace/a/b`; `/workspace` for the root itself."""
    parts: tuple[bytes, ...]
    """Without empty ones and `.`; `..` may stand among them."""
    is_profile: bool = False

    @property
    def name(self) -> bytes:
        """The last component; empty for the root itself."""
        return self.parts[-1] if self.parts else b""


class Places:
    """Knows the roots. One for the whole machine API."""

    def __init__(self, workspace: str, profile: str) -> None:
        """Empty: there is none. Either may be a link to where it really lies, as `/workspace` is."""
        self._workspace = os.path.realpath(workspace) if workspace else ""
        self._profile = os.path.realpath(profile) if profile else ""

    def locate(self, path: bytes) -> Place:
        """Understand a path. Raises: Problem 400: empty, too long, with a NUL, or beneath no root."""
        if not path or b"\0" in path:
            raise invalid("must be a path, without a NUL", "path")
        if len(path) > MAX_PATH_BYTES:
            raise Problem(400, "name_too_long", f"a path is at most {MAX_PATH_BYTES} bytes long")
        parts = [part for part in path.split(b"/") if part not in (b"", b".")]
        if not path.startswith(b"/") and self._workspace:
            return _place(self._workspace, WORKSPACE, parts)
        if parts[:1] == [WORKSPACE[1:].encode()] and self._workspace:
            return _place(self._workspace, WORKSPACE, parts[1:])
        if path.startswith(b"/") and parts[:1] == [PROFILE[1:].encode()] and self._profile:
            return _place(self._profile, PROFILE, parts[1:])
        raise Problem(400, "not_in_session", f"a path is relative, or beneath {WORKSPACE} or {PROFILE}")


def open_beneath(place: Place, flags: int, mode: int = 0o666, *, follows: bool = True) -> int:
    """Open what is there (or, with O_CREAT, make it) and return its descriptor; O_CLOEXEC and O_NONBLOCK are added.

    `follows` false: a link at the end of the path is not followed but refused, or opened itself with O_PATH.
    Raises: Problem 400 `leaves_root`; OSError.
    """
    if flags & os.O_CREAT and flags & os.O_EXCL:
        follows = False  # open(2): a link there means that it exists
    with _Walk(place) as walk:
        while True:
            name = walk.to_last()
            try:
                fd = os.open(name, flags | _ALWAYS, mode, dir_fd=walk.fd)
            except OSError as error:
                if not follows or error.errno not in (errno.ELOOP, errno.ENOTDIR) or not walk.follow(name):
                    raise
                continue
            if not (follows and flags & os.O_PATH and _is_link(fd)):
                return fd
            walk.follow_open(fd)


@contextmanager
def parent_of(place: Place, *, makes: bool = False) -> Iterator[tuple[int, bytes]]:
    """Give a descriptor of the directory that the path's last component stands in, and that component.

    The descriptor is one of O_PATH, for use as `dir_fd`; it is closed with the block. `makes`: directories that are
    missing on the way are made. Raises: Problem 400 for a root itself, and for `..` at the end; OSError.
    """
    if not place.parts:
        raise Problem(400, "is_root", f"{place.shown.decode()} itself stays as it is")
    if place.name == b"..":
        raise invalid("must not end in `..`", "path")
    with _Walk(place, makes=makes) as walk:
        yield walk.fd_of_parent(), place.name


def _place(root: str, shown: str, parts: list[bytes]) -> Place:
    return Place(root, b"/".join([shown.encode(), *parts]), tuple(parts), shown == PROFILE)


class _Walk:
    """Goes down from the root; holds a descriptor of each directory on the way and closes all of them at its end."""

    def __init__(self, place: Place, *, makes: bool = False) -> None:
        self._ahead = list(reversed(place.parts))
        self._makes = makes
        self._links = self._steps = 0
        self._fds = [os.open(place.root, _LOOK | os.O_DIRECTORY)]

    def __enter__(self) -> "_Walk":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._fds:
            os.close(self._fds.pop())

    @property
    def fd(self) -> int:
        """The directory where the walk is."""
        return self._fds[-1]

    def fd_of_parent(self) -> int:
        """Go on until only the last component is left, and stay before it."""
        while len(self._ahead) > 1:
            self._enter(self._take())
        return self.fd

    def to_last(self) -> bytes:
        """Go on until nothing but a name is left, and take it: `.` where the way ends in a directory it has been in."""
        while self._ahead:
            name = self._take()
            if name != b".." and not self._ahead:
                return name
            self._enter(name)
        return b"."

    def follow(self, name: bytes) -> bool:
        """If a link has this name, have what it points to ahead."""
        fd = os.open(name, _LOOK, dir_fd=self.fd)
        if _is_link(fd):
            self.follow_open(fd)
            return True
        os.close(fd)
        return False

    def follow_open(self, link_fd: int) -> None:
        """Have what an open link points to ahead, and close it."""
        try:
            target = os.readlink(b"", dir_fd=link_fd)
        finally:
            os.close(link_fd)
        self._links += 1
        if self._links > MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if target.startswith(b"/"):
            raise _leaves_root()
        self._ahead += [part for part in reversed(target.split(b"/")) if part not in (b"", b".")]

    def _take(self) -> bytes:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return self._ahead.pop()

    def _enter(self, name: bytes) -> None:
        """Go into a directory, up, or to where a link points."""
        if name == b"..":
            if len(self._fds) == 1:
                raise _leaves_root()
            os.close(self._fds.pop())
            return
        fd = self._look(name)
        mode = os.fstat(fd).st_mode
        if stat.S_ISLNK(mode):
            self.follow_open(fd)
            return
        self._fds.append(fd)
        if not stat.S_ISDIR(mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if len(self._fds) > MAX_DEPTH + 1:
            raise Problem(400, "name_too_long", f"a path goes at most {MAX_DEPTH} directories deep")

    def _look(self, name: bytes) -> int:
        try:
            return os.open(name, _LOOK, dir_fd=self.fd)
        except FileNotFoundError:
            if not self._makes:
                raise
        try:
            os.mkdir(name, _MADE_MODE, dir_fd=self.fd)
        except FileExistsError:
            return os.open(name, _LOOK, dir_fd=self.fd)  # somebody else was quicker
        return os.open(name, _LOOK, dir_fd=self.fd)


def _is_link(fd: int) -> bool:
    return stat.S_ISLNK(os.fstat(fd).st_mode)


def _leaves_root() -> Problem:
    return Problem(400, "leaves_root", "the path, or a link on it, leads out of the session's files")
