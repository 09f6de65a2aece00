"""A small file system that a test can fill to the brim. Mounted in the test run's own mount namespace."""

import contextlib
import ctypes
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_MNT_DETACH: Final = 2


@contextlib.contextmanager
def tmpfs(options: str) -> Iterator[Path]:
    """Make a directory that is a tmpfs with `options` such as `size=64k,nr_inodes=40` (tmpfs(5)); gone at the end."""
    directory = Path(tempfile.mkdtemp(prefix="disk-"))
    _call("mount", b"tmpfs", os.fsencode(directory), b"tmpfs", 0, f"mode=711,{options}".encode())
    try:
        yield directory
    finally:
        _call("umount2", os.fsencode(directory), _MNT_DETACH)
        directory.rmdir()


@contextlib.contextmanager
def filled(directory: Path, *, leave_bytes: int = 0) -> Iterator[None]:
    """Take all space of a file system but `leave_bytes`, for as long as the block lasts."""
    filler = directory / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    os.truncate(filler, max(0, filler.stat().st_size - leave_bytes))
    try:
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def without_inodes(directory: Path, *, leave: int = 0) -> Iterator[None]:
    """Take all inodes of a file system but `leave`, for as long as the block lasts."""
    taken: list[Path] = []
    with contextlib.suppress(OSError):
        while True:
            path = directory / f"inode-{len(taken)}"
            path.touch(exist_ok=False)
            taken.append(path)
    try:
        while leave and taken:
            taken.pop().unlink()
            leave -= 1
        yield
    finally:
        for path in taken:
            path.unlink()


def _call(function: str, *arguments: int | bytes) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")
