"""End a child in order: ask, TERM its group, KILL its group, reap. Bounded, and not undone by a cancellation."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, ParamSpec, TypeVar, cast

from cloche.concurrency.tasks import spawn as spawn_task
from cloche.errors import InternalError
from cloche.process.spawn import Child

KILL_TIMEOUT_S: Final = 5.0
"""How long the kernel gets to end a process after KILL; longer means it hangs in the kernel itself."""

T = TypeVar("T")
P = ParamSpec("P")


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
    return await finish(_stop(child, ask, ask_timeout_s, term_timeout_s, hurry), hurry, name="stop-child")


async def finish(work: Coroutine[Any, Any, T], hurry: asyncio.Event, *, name: str) -> T:
    """Run `work` to its end even when the caller is cancelled; `hurry` is set then, and the cancellation re-raised.

    The work must be bounded by itself, quickly so once `hurry` is set.
    """
    task = spawn_task(_outcome(work), name=name)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
            hurry.set()
    result, error = task.result()
    if cancelled:
        raise asyncio.CancelledError
    if error is not None:
        raise error
    return cast(T, result)


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking work off the loop, to its end: a cancellation is raised only once the thread is done with it."""
    return await finish(asyncio.to_thread(function, *args, **kwargs), asyncio.Event(), name=function.__name__)


async def _outcome(work: Coroutine[Any, Any, T]) -> tuple[T | None, Exception | None]:
    try:
        return await work, None
    except Exception as error:  # noqa: BLE001 — carried to the caller, instead of being logged as a task's failure
        return None, error


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
