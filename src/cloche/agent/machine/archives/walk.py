"""What is in a directory and below it, one after another, each opened; never through a link.

Every name is looked up once, beneath the descriptor of the directory it was found in (openat(2) with O_NOFOLLOW), so a
directory that is swapped for a link meanwhile leads nowhere. Sorted by name: the same tree gives the same archive.
"""

import errno
import os
import stat
from collections.abc import Generator
from typing import Final, NamedTuple

from cloche.agent.machine.archives.limits import MAX_DEPTH, MAX_ENTRIES_SENT, MAX_NAME_BYTES
from cloche.agent.machine.archives.members import Kind
from cloche.agent.machine.archives.notes import Notes

_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_NAMES_A_TURN: Final = 1000
_EXHAUSTED: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""It is not the file's fault: an archive without it would seem to be whole."""


class Found(NamedTuple):
    kind: Kind
    path: bytes
    """Relative to where the walk began."""
    status: os.stat_result
    fd: int = -1
    """Of a file or a directory; closed when the walk goes on."""
    target: bytes = b""
    """Of a link."""


class _Level(NamedTuple):
    fd: int
    prefix: bytes
    ahead: list[tuple[bytes, Kind | None]]
    """In reverse."""


def walk(top_fd: int, notes: Notes, leaves_out: frozenset[bytes] = frozenset()) -> Generator[Found | None, None, None]:
    """Yield what is found, a directory before what is in it, and None whenever it is somebody else's turn.

    What has vanished, cannot be read, is too deep or is neither file, directory nor link is noted and skipped, what is
    in `leaves_out` (paths from the top) without a note. Must be closed. `top_fd` stays open. Raises: OSError: out of
    descriptors, or of memory.
    """
    levels: list[_Level] = []
    left, skipped = MAX_ENTRIES_SENT, 0
    try:
        ahead = yield from _names(top_fd, b"", left, leaves_out)
        levels.append(_Level(os.dup(top_fd), b"", ahead))
        while levels:
            level = levels[-1]
            if not level.ahead:
                os.close(levels.pop().fd)
                continue
            name, kind = level.ahead.pop()
            path = level.prefix + name
            if left <= 0:
                notes.add(f"skipped: all that follows {MAX_ENTRIES_SENT} entries")
                return
            left -= 1
            found = _noted(level.fd, name, path, kind, notes)
            if found is None:
                skipped += 1
                if skipped % _NAMES_A_TURN == 0:
                    yield None
                continue
            try:
                yield found
                if found.kind is Kind.DIRECTORY:
                    below = yield from _below(found, len(levels), left, leaves_out, notes)
                    if below is not None:
                        levels.append(below)
            finally:
                if found.fd >= 0:
                    os.close(found.fd)
    finally:
        for level in levels:
            os.close(level.fd)


def _below(
    found: Found, depth: int, left: int, leaves_out: frozenset[bytes], notes: Notes
) -> Generator[None, None, _Level | None]:
    if depth >= MAX_DEPTH or len(found.path) > MAX_NAME_BYTES - 256:
        notes.skipped(found.path, "what is in it lies too deep")
        return None
    try:
        prefix = found.path + b"/"
        ahead = yield from _names(found.fd, prefix, left, leaves_out)
        return _Level(os.dup(found.fd), prefix, ahead)
    except OSError as error:
        if error.errno in _EXHAUSTED:
            raise
        notes.skipped(found.path, os.strerror(error.errno or 0))
        return None


def _names(
    fd: int, prefix: bytes, most: int, leaves_out: frozenset[bytes]
) -> Generator[None, None, list[tuple[bytes, Kind | None]]]:
    """The names in a directory, in reverse; a few more than `most`, so that it shows that there are too many."""
    names: list[tuple[bytes, Kind | None]] = []
    with os.scandir(fd) as entries:
        for entry in entries:
            name = os.fsencode(entry.name)
            if prefix + name not in leaves_out:
                names.append((name, _kind(entry)))
            if len(names) > most:
                break
            if len(names) % _NAMES_A_TURN == 0:
                yield
    names.sort(key=lambda item: item[0], reverse=True)
    return names


def _kind(entry: os.DirEntry[str]) -> Kind | None:
    try:
        if entry.is_file(follow_symlinks=False):
            return Kind.FILE
        if entry.is_dir(follow_symlinks=False):
            return Kind.DIRECTORY
        return Kind.LINK if entry.is_symlink() else None
    except OSError:  # a file system that does not tell kinds, and a name that is gone: opening it will tell
        return Kind.FILE


def _noted(dir_fd: int, name: bytes, path: bytes, kind: Kind | None, notes: Notes) -> Found | None:
    try:
        found = _open(dir_fd, name, path, kind)
    except OSError as error:
        if error.errno in _EXHAUSTED:
            raise
        notes.skipped(path, os.strerror(error.errno or 0))
        return None
    if found is None:
        notes.skipped(path, "neither a file, a directory nor a link")
    return found


def _open(dir_fd: int, name: bytes, path: bytes, kind: Kind | None) -> Found | None:
    """None if it is of no kind that goes into an archive, also if it has become so since it was listed."""
    if kind is None:
        return None
    if kind is Kind.LINK:
        status = os.stat(name, dir_fd=dir_fd, follow_symlinks=False)
        return Found(kind, path, status, target=os.readlink(name, dir_fd=dir_fd)) if _is(status, kind) else None
    fd = os.open(name, _READ, dir_fd=dir_fd)
    status = os.fstat(fd)
    if _is(status, kind):
        return Found(kind, path, status, fd)
    os.close(fd)
    return None


def _is(status: os.stat_result, kind: Kind) -> bool:
    # No table: to look up a member of an Enum costs more than the system call did.
    wanted = stat.S_IFREG if kind is Kind.FILE else stat.S_IFDIR if kind is Kind.DIRECTORY else stat.S_IFLNK
    return stat.S_IFMT(status.st_mode) == wanted
