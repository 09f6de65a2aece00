"""The kernel's inotify(7) by ctypes, and which watch is on which directory.

ctypes takes 2 MB and some milliseconds to load, so it is imported only when a workspace is watched.
"""

import errno
import os
import struct
from typing import Any, Final, NamedTuple, Protocol

from cloche.agent.watch.changes import ARRIVED, CREATED, IS_DIRECTORY, LEFT, REMOVED, WRITTEN
from cloche.agent.watch.tree import Directory

IN_MODIFY: Final = 0x0000_0002
IN_ATTRIB: Final = 0x0000_0004
IN_CLOSE_WRITE: Final = 0x0000_0008
IN_MOVED_FROM: Final = 0x0000_0040
IN_MOVED_TO: Final = 0x0000_0080
IN_CREATE: Final = 0x0000_0100
IN_DELETE: Final = 0x0000_0200
IN_DELETE_SELF: Final = 0x0000_0400
IN_MOVE_SELF: Final = 0x0000_0800
IN_UNMOUNT: Final = 0x0000_2000
IN_Q_OVERFLOW: Final = 0x0000_4000
IN_IGNORED: Final = 0x0000_8000
IN_ONLYDIR: Final = 0x0100_0000
IN_DONT_FOLLOW: Final = 0x0200_0000
IN_EXCL_UNLINK: Final = 0x0400_0000
IN_ISDIR: Final = 0x4000_0000

MASK: Final = (
    IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE
    | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK
)  # fmt: skip

READ_BYTES: Final = 64 * 1024

_FLAGS: Final = (
    (IN_CREATE, CREATED),
    (IN_DELETE, REMOVED),
    (IN_MOVED_FROM, REMOVED | LEFT),
    (IN_MOVED_TO, CREATED | ARRIVED),
    (IN_MODIFY, WRITTEN),
    (IN_ISDIR, IS_DIRECTORY),
)
_HEAD: Final = struct.Struct("iIII")  # struct inotify_event: wd, mask, cookie, len


class CannotWatch(Exception):
    """The kernel gives no (more) watches: `errno` is ENOSPC, EMFILE, ENOSYS, …"""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror)
        self.errno = error.errno


class Event(NamedTuple):
    watch: int
    mask: int
    name: bytes

    @property
    def flags(self) -> int:
        """What it says of the entry, as a hint's flags."""
        flags = 0
        for bit, flag in _FLAGS:
            if self.mask & bit:
                flags |= flag
        return flags


def parse_events(data: bytes) -> list[Event]:
    """Read what read(2) returned. Half an event at the end, which the kernel never gives, is left out."""
    events = []
    at = 0
    while at + _HEAD.size <= len(data):
        watch, mask, _cookie, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        if at + length > len(data):
            break
        events.append(Event(watch, mask, data[at : at + length].rstrip(b"\0")))
        at += length
    return events


class Source(Protocol):
    """Where events come from."""

    fd: int

    def add(self, directory_fd: int) -> int: ...

    def remove(self, watch: int) -> None: ...

    def read(self) -> bytes: ...

    def close(self) -> None: ...


class Inotify:
    """One inotify instance, read without blocking.

    Raises:
        CannotWatch: there is no inotify here, or no more instances for this user.
    """

    def __init__(self) -> None:
        try:
            import ctypes

            self._libc: Any = ctypes.CDLL(None, use_errno=True)
            self._errno: Any = ctypes.get_errno
            self.fd: int = self._called(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        except (ImportError, AttributeError):  # a Python or a C library without it
            raise CannotWatch(OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))) from None

    def add(self, directory_fd: int) -> int:
        """Watch an open directory; return the watch, which is the same for the same directory.

        By its descriptor: a path could lead elsewhere by now. The dot at the end is what IN_DONT_FOLLOW applies to.

        Raises:
            CannotWatch: no more watches for this user.
        """
        watch: int = self._called(self._libc.inotify_add_watch(self.fd, b"/proc/self/fd/%d/." % directory_fd, MASK))
        return watch

    def remove(self, watch: int) -> None:
        """End a watch. One that the kernel has ended by itself is no mistake."""
        self._libc.inotify_rm_watch(self.fd, watch)

    def read(self) -> bytes:
        """Return the next events, at most `READ_BYTES` of them; empty where there are none."""
        try:
            return os.read(self.fd, READ_BYTES)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        os.close(self.fd)

    def _called(self, result: int) -> int:
        if result < 0:
            number = self._errno()
            raise CannotWatch(OSError(number, os.strerror(number)))
        return result


class Watches:
    """Which directory each watch is on. Without a source there are none, and nothing is told by the kernel."""

    def __init__(self) -> None:
        self._source: Source | None = None
        self._directories: dict[int, Directory] = {}

    def use(self, source: Source) -> None:
        self._source = source

    def drop(self) -> None:
        """Have no source any more, and so no watches."""
        self._source = None
        self._directories.clear()

    def __len__(self) -> int:
        return len(self._directories)

    @property
    def are_missing(self) -> bool:
        return self._source is None

    def add(self, directory_fd: int) -> int:
        """Watch an open directory; return the watch, or -1 without a source. Raises as `Source.add` does."""
        return -1 if self._source is None else self._source.add(directory_fd)

    def owner(self, watch: int) -> Directory | None:
        return self._directories.get(watch)

    def bind(self, watch: int, directory: Directory) -> None:
        """Note whose watch it is. Until then its events are for nobody: bind before anything is awaited."""
        if watch >= 0:
            self._directories[watch] = directory
        directory.watch = watch

    def release(self, directory: Directory) -> None:
        """End a directory's watch: it may live on outside the workspace."""
        if self._directories.get(directory.watch) is directory:
            del self._directories[directory.watch]
            if self._source is not None:
                self._source.remove(directory.watch)
        directory.watch = -1

    def ended(self, watch: int) -> Directory | None:
        """Take note that the kernel has ended a watch; return the directory that it was on."""
        directory = self._directories.pop(watch, None)
        if directory is not None:
            directory.watch = -1
        return directory
