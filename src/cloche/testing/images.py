"""What sandboxes are made of, built once for all daemons of a test run: for each of them it takes a second and 80 MB.

A daemon looks whether what it finds is what it would build, so one that wants another image builds that.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from cloche.sandbox.namespace.runtime_dir import LOCKS

VARIABLE: Final = "CLOCHE_TEST_IMAGES"
"""The directory that keeps them, which is there while a test run is: see `surroundings`. Without it nothing is kept."""

_LOCK_NAMES: Final = frozenset(Path(lock).name for lock in LOCKS)
_KEPT: Final = "runtime"


def lend(runtime_dir: Path) -> None:
    """Give a daemon that is about to start for the first time what one before it has built. Blocks."""
    if (kept := _kept()) is None or not kept.is_dir() or runtime_dir.exists():
        return
    state_dir = runtime_dir.parent
    # One that runs as somebody else makes its own, in directories of its own.
    if _is_ours(state_dir if state_dir.exists() else state_dir.parent):
        state_dir.mkdir(exist_ok=True)
        state_dir.chmod(0o711)  # whatever the umask is, sandboxes walk through
        _link(kept, runtime_dir)


def keep(runtime_dir: Path) -> None:
    """Keep what this one has built, unless there is something already. Blocks."""
    if (kept := _kept()) is None or kept.exists() or not runtime_dir.is_dir() or not _is_ours(runtime_dir):
        return
    with tempfile.TemporaryDirectory(dir=kept.parent) as directory:
        whole = Path(directory) / _KEPT
        _link(runtime_dir, whole)
        try:
            whole.rename(kept)
        except OSError:
            # Another that started meanwhile was quicker.
            if not kept.is_dir():
                raise


def _is_ours(directory: Path) -> bool:
    return directory.is_dir() and directory.stat().st_uid == os.geteuid()


def _kept() -> Path | None:
    directory = os.environ.get(VARIABLE)
    return Path(directory) / _KEPT if directory else None


def _link(source: Path, target: Path) -> None:
    """The same files under other names, but for those that are locked: each daemon's sandboxes lock their own."""
    target.mkdir()
    target.chmod(source.stat().st_mode)
    with os.scandir(source) as entries:
        for entry in entries:
            name = target / entry.name
            if entry.is_dir(follow_symlinks=False):
                _link(Path(entry.path), name)
            elif entry.name in _LOCK_NAMES:
                shutil.copy2(entry.path, name)
            else:
                os.link(entry.path, name, follow_symlinks=False)
