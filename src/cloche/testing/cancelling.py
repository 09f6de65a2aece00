"""Cancelling work at each of its awaits in turn: what is left half done shows."""

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from cloche.concurrency.tasks import spawn
from cloche.errors import StartError


async def cancelled_at(work: Coroutine[Any, Any, Any], step: int) -> bool:
    """Run `work` as a task that is cancelled when it awaits for the `step`-th time; False when it ended before.

    A StartError counts as ended: a failed start is something `destroy` has to clean up too.
    """
    task = spawn(_run_until(work, step), name=f"cancel-at-{step}")
    await asyncio.wait([task])
    if task.cancelled():
        return True
    return bool(task.result())


async def _run_until(work: Coroutine[Any, Any, Any], step: int) -> bool:
    try:
        return await _drive(work, step)
    except StartError:
        return False


@types.coroutine
def _drive(work: Coroutine[Any, Any, Any], step: int) -> Generator[Any, Any, bool]:
    """Pass on what `work` awaits, asking for a cancellation just before the `step`-th wait.

    True when it swallowed the cancellation and ended all the same, False when it was never asked.
    """
    count = 0
    resume: Callable[[], Any] = lambda: work.send(None)  # noqa: E731 — replaced at each turn
    while True:
        try:
            awaited = resume()
        except StopIteration:
            return count > step
        if count == step and (task := asyncio.current_task()) is not None:
            task.cancel()
        count += 1
        try:
            yield awaited
        except BaseException as error:  # noqa: BLE001 — handed into the work, as the event loop would
            resume = lambda error=error: work.throw(error)  # type: ignore[misc]  # noqa: E731
        else:
            resume = lambda: work.send(None)  # noqa: E731
