"""Paths as a caller names them, and the files they lead to, beneath a root and never outside it.

    /workspace/a/b  or  a/b     the workspace
    /profile/Default            the browser's user-data directory

A path is walked component by component with descriptors (openat(2) with O_NOFOLLOW): nothing that is looked at is
looked up again, so whoever swaps a directory for a link meanwhile gains nothing. `..` goes up to the directory that the
walk came from. A link is followed only within the root; an absolute one, and one that leads out, is refused.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

MAX_LINKS: Final = 40
"""As the kernel allows (path_resolution(7))."""


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
        """`profile` empty: there is none."""
        self._workspace, self._profile = workspace, profile

    def locate(self, path: bytes) -> Place:
        """Understand a path. Raises: Problem 400: empty, too long, with a NUL, or beneath no root."""
        raise NotImplementedError


def open_beneath(place: Place, flags: int, mode: int = 0o666, *, follows: bool = True) -> int:
    """Open what is there (or, with O_CREAT, make it) and return its descriptor; O_CLOEXEC and O_NONBLOCK are added.

    `follows` false: a link at the end of the path is not followed but refused, or opened itself with O_PATH.
    Raises: Problem 400 `leaves_root`; OSError.
    """
    raise NotImplementedError


@contextmanager
def parent_of(place: Place, *, makes: bool = False) -> Iterator[tuple[int, bytes]]:
    """Give a descriptor of the directory that the path's last component stands in, and that component.

    `makes`: directories that are missing on the way are made. Raises: Problem 400 for a root itself; OSError.
    """
    raise NotImplementedError
    yield -1, os.fsencode("")
