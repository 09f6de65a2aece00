"""The end of a browser that somebody else keeps: noticed when it comes, and not at the next heartbeat."""

import os
from collections.abc import Callable
from typing import Final

from cloche.agent.loop import Loop

LOOK_S: Final = 1.0
"""How often one looks for a browser while there is none."""


async def watch_browser(
    loop: Loop, find: Callable[[], int | None], ended: Callable[[], None], look_s: float = LOOK_S
) -> None:
    """Call `ended` whenever a browser that `find` has named has ended. Never returns."""
    while True:
        pid = find()
        if pid is not None and await _has_ended(loop, pid):
            ended()
        # Also after an end: its name may outlive it by a moment, until its parent has seen it.
        await loop.sleep(look_s)


async def _has_ended(loop: Loop, pid: int) -> bool:
    """Wait for the end of a process; False if it cannot be waited for."""
    try:
        # Readable once the process has ended, as a zombie too (pidfd_open(2)).
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True  # since it was named
    except OSError:
        return False  # out of descriptors, say
    try:
        await loop.readable(descriptor)
    finally:
        os.close(descriptor)
    return True
