"""`<state>/runtime/`: finished, read-only directories that sandboxes are made of, each under a name of its own.

    <state>/runtime/<digest>/            a root image, see `image`
    <state>/runtime/shell-<digest>/      a shell and its tools, see `shell`
    <state>/runtime/.building-…/         one that is being built

A directory is built under another name and then renamed, so whoever sees its name sees the whole of it. Running
sandboxes hold a read lock on a file in it (bubblewrap's --lock-file); what nobody holds may be removed. Every function
blocks.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cloche.sandbox.namespace import places

LOCKS: Final = (places.LOCK.lstrip("/"), places.SHELL_LOCK.removeprefix(f"{places.SHELL}/"))
"""Where the lock of an image and that of a shell are, below their directories."""

ABANDONED_AFTER_S: Final = 3600

Stamp = tuple[str, int, int]
"""A file's path, size in bytes and time of change in nanoseconds: the same stamp, the same file."""


def stamp(path: Path) -> Stamp:
    """Raises OSError."""
    status = path.stat()
    return str(path), status.st_size, status.st_mtime_ns


def make(runtime_dir: Path) -> None:
    """Make it where it is missing; whatever the umask is, sandboxes walk through."""
    if not runtime_dir.is_dir():
        runtime_dir.mkdir(parents=True, exist_ok=True)
        runtime_dir.chmod(0o711)


@contextmanager
def building(final: Path) -> Iterator[Path]:
    """Give an empty directory to fill, which gets its name when the block ends well, and is removed otherwise.

    Safe when two daemons do it at once: each fills one of its own, and the first rename wins.
    """
    temporary = Path(tempfile.mkdtemp(prefix=".building-", dir=final.parent))
    try:
        yield temporary
        for directory, _names, _files in os.walk(temporary):
            Path(directory).chmod(0o755)
        try:
            temporary.rename(final)
        except OSError:
            # Another daemon was quicker: what it built is the same as ours.
            if not final.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_unused(runtime_dir: Path, keep: Collection[Path]) -> list[str]:
    """Remove the directories that no sandbox runs on, and what unfinished builds left; returns their names."""
    removed: list[str] = []
    for entry in runtime_dir.iterdir():
        if entry.is_dir() and entry not in keep and _is_unused(entry):
            entry.with_suffix(".json").unlink(missing_ok=True)
            shutil.rmtree(entry, ignore_errors=True)
            removed.append(entry.name)
    return removed


def _is_unused(directory: Path) -> bool:
    """Whether nobody holds a lock on it. An unfinished build that is an hour old has been abandoned."""
    if directory.name.startswith("."):
        return directory.stat().st_mtime < directory.parent.stat().st_mtime - ABANDONED_AFTER_S
    return not any(_is_locked(directory / lock) for lock in LOCKS)


def _is_locked(path: Path) -> bool:
    try:
        with path.open("r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
