"""The files of profiles: `<directory>/<profile id>/<random name>.sealed`. Blocking; for worker threads.

A file is written under another name, synced and only then renamed: under its own name it is always whole.
Directories are this user's alone, and no link is followed in or to them.
"""

import contextlib
import errno
import os
import secrets
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from cloche.errors import InternalError, StorageFullError
from cloche.ids import ProfileId

SEALED: Final = ".sealed"
PART: Final = ".part"
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def new_blob_name() -> str:
    return secrets.token_hex(16)


class Part:
    """A file on its way. `begin` it, and end it with `publish` or `discard`; `discard` at any time, and again."""

    def __init__(self, root: Path, profile_id: ProfileId, name: str) -> None:
        self._root, self._profile_id, self._name = root, profile_id, name
        self._file = self._directory = -1
        self._is_there = False
        self.size_bytes = 0

    def begin(self) -> None:
        """Raises: StorageFullError, InternalError."""
        with _told():
            self._directory = _opened_directory(self._root, self._profile_id)
            self._file = os.open(self._name + PART, _NEW, 0o600, dir_fd=self._directory)
            self._is_there = True

    def write(self, data: bytes) -> None:
        """Raises: StorageFullError, InternalError."""
        with _told(), memoryview(data) as left:
            at = 0
            while at < len(left):
                at += os.write(self._file, left[at:])
        self.size_bytes += len(data)

    def opened(self) -> int:
        """Open what has been written for reading; the descriptor is the caller's. Raises: OSError."""
        return os.open(self._name + PART, _OLD, dir_fd=self._directory)

    def publish(self) -> None:
        """Put the whole file in its place, where a power cut leaves it. Raises: StorageFullError, InternalError."""
        with _told():
            os.fsync(self._file)
            os.replace(self._name + PART, self._name + SEALED, src_dir_fd=self._directory, dst_dir_fd=self._directory)
            self._is_there = False
            os.fsync(self._directory)
        self._close()

    def discard(self) -> None:
        if self._is_there:
            with contextlib.suppress(OSError):  # what stays is found by the next `collect_garbage`
                os.unlink(self._name + PART, dir_fd=self._directory)
            self._is_there = False
        self._close()

    def _close(self) -> None:
        for descriptor in (self._file, self._directory):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._directory = -1


def opened(root: Path, profile_id: ProfileId, name: str) -> int:
    """Open a file for reading; the descriptor is the caller's. Raises: OSError."""
    directory = os.open(root / profile_id, _DIRECTORY)
    try:
        return os.open(name + SEALED, _OLD, dir_fd=directory)
    finally:
        os.close(directory)


def remove(root: Path, profile_id: ProfileId, names: Collection[str]) -> None:
    """Unlink files that may or may not be there."""
    for name in names:
        (root / profile_id / (name + SEALED)).unlink(missing_ok=True)


def remove_if_empty(root: Path, profile_id: ProfileId) -> None:
    with contextlib.suppress(OSError):
        (root / profile_id).rmdir()


def remove_profile(root: Path, profile_id: ProfileId) -> None:
    """Unlink all files of a profile, and its directory. Nothing but files is looked for in it."""
    directory = root / profile_id
    with contextlib.suppress(FileNotFoundError):
        for file in directory.iterdir():
            file.unlink(missing_ok=True)
        directory.rmdir()


def listing(root: Path) -> dict[ProfileId, list[Path]]:
    """The files in each profile's directory."""
    with contextlib.suppress(FileNotFoundError):
        directories = [path for path in root.iterdir() if path.is_dir() and not path.is_symlink()]
        return {ProfileId(path.name): list(path.iterdir()) for path in directories}
    return {}


def _opened_directory(root: Path, profile_id: ProfileId) -> int:
    path = root / profile_id
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return os.open(path, _DIRECTORY)
    _sync(root)
    return os.open(path, _DIRECTORY)


def _sync(path: Path) -> None:
    descriptor = os.open(path, _DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFullError("the server has no room left for this profile", reason="server_full") from None
        raise InternalError("the profile could not be written") from error
