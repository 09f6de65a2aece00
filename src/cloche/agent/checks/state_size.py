"""How large the state is that an integration has put down to be restored from."""

import os
import stat
import time
from collections.abc import Generator
from contextlib import closing
from typing import Final

from cloche.agent.loop import Loop

MAX_ENTRIES: Final = 10_000

_ENTRIES_AT_ONCE: Final = 256
"""So many are looked at before other tasks have their turn."""


async def state_size_bytes(loop: Loop, path: str, deadline: float, max_entries: int = MAX_ENTRIES) -> int:
    """Return the size of the plain file `path`, or of those below it.

    At least that, where there are more entries than we look at, or the deadline (monotonic) passes. Links are not
    followed. What cannot be read counts as nothing.
    """
    total = 0
    with closing(_sizes(path)) as sizes:
        for seen, size_bytes in enumerate(sizes, start=1):
            total += size_bytes
            if seen >= max_entries:
                break
            if seen % _ENTRIES_AT_ONCE == 0:
                await loop.sleep(0)
                if time.monotonic() >= deadline:
                    break
    return total


def _sizes(path: str) -> Generator[int, None, None]:
    """Yield the size of each entry, 0 for one that is not a plain file."""
    try:
        status = os.lstat(path)
    except OSError:
        return
    if not stat.S_ISDIR(status.st_mode):
        yield status.st_size if stat.S_ISREG(status.st_mode) else 0
        return
    directories = [path]
    while directories:
        try:
            with os.scandir(directories.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        directories.append(entry.path)
                    yield entry.stat(follow_symlinks=False).st_size if entry.is_file(follow_symlinks=False) else 0
        except OSError:
            continue  # it is gone, or not ours to read
