"""What stands in an archive, whichever kind of archive it is."""

from enum import Enum, auto
from typing import Final, NamedTuple

SINGLETONS: Final = frozenset({b"SingletonLock", b"SingletonCookie", b"SingletonSocket"})
"""Links by which Chromium marks a user-data directory as being in use: they lead to a host, a process and a socket."""

_MAX_MTIME_NS: Final = (1 << 34) * 10**9
"""A little more than what ext4 can say: the year 2446."""


class Kind(Enum):
    FILE = auto()
    DIRECTORY = auto()
    LINK = auto()
    HARD_LINK = auto()


class Member(NamedTuple):
    kind: Kind
    name: bytes
    size: int = 0
    mode: int = 0o644
    """Permission bits; the rest of what the archive says is not looked at."""
    mtime_ns: int = 0
    link: bytes = b""
    """Where a link points to; the name of the file that a hard link is another name of."""


def bounded_mtime_ns(value_ns: int) -> int:
    """A time that any file system takes."""
    return max(-_MAX_MTIME_NS, min(_MAX_MTIME_NS, value_ns))
