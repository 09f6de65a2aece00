"""End a child in order: ask, TERM its group, KILL its group, reap. Bounded, and not undone by a cancellation."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from cloche.concurrency.tasks import spawn as spawn_task
from cloche.concurrency.threads import to_the_end
from cloche.errors import InternalError
from cloche.process.spawn import Child

KILL_TIMEOUT_S: Final = 5.0
"""How long the kernel gets to end a process after KILL; longer means it hangs in the kernel itself."""


async def stop_child(
    child: Child,
    *,
    ask: Callable[[], Awaitable[None]] | None = None,
    ask_timeout_s: float = 2.0,
    term_timeout_s: float = 3.0,
) -> int:
    """End a child that leads its own process group and return its exit code (negative: the signal).

    `ask` is the polite way (close its stdin, send it a message); its errors only mean that TERM comes sooner.
    A cancellation skips what grace is left and is raised once the child is gone.

    Raises:
        InternalError: it has not ended `KILL_TIMEOUT_S` after KILL.
    """
    hurry = asyncio.Event()
    return await to_the_end(_stop(child, ask, ask_timeout_s, term_timeout_s, hurry), name="stop-child", hurry=hurry)


async def ended_or_hurried(child_ends: Coroutine[Any, Any, bool], hurry: asyncio.Event) -> bool:
    """Wait for `child_ends` (a bounded wait), or until `hurry` is set; True when the child has ended."""
    waiting = spawn_task(child_ends, name="await-end")
    hurried = spawn_task(hurry.wait(), name="await-hurry")
    try:
        await asyncio.wait([waiting, hurried], return_when=asyncio.FIRST_COMPLETED)
        return waiting.done() and waiting.result()
    finally:
        for task in (waiting, hurried):
            task.cancel()
        await asyncio.gather(waiting, hurried, return_exceptions=True)


async def _stop(
    child: Child,
    ask: Callable[[], Awaitable[None]] | None,
    ask_timeout_s: float,
    term_timeout_s: float,
    hurry: asyncio.Event,
) -> int:
    handle = child.handle
    if ask is not None and handle.is_alive():
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(ask_timeout_s):
                await ask()
        await ended_or_hurried(handle.wait(ask_timeout_s), hurry)
    if handle.is_alive():
        _signal_group(child, signal.SIGTERM)
        await ended_or_hurried(handle.wait(term_timeout_s), hurry)
    # KILL goes to the group in any case: the leader may have left children of its own behind.
    _signal_group(child, signal.SIGKILL)
    if not await handle.wait(KILL_TIMEOUT_S):
        raise InternalError("a child process does not end")
    code = child.exit_code()
    handle.close()
    return 255 if code is None else code


def _signal_group(child: Child, number: signal.Signals) -> None:
    # Until the leader is reaped its pid, and so the group's id, cannot be given to anyone else.
    if not child.is_reaped:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.handle.identity.pid, number)
