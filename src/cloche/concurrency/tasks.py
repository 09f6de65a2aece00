"""The one door through which tasks are started: named, kept referenced, and logged when they fail.

asyncio keeps only weak references to tasks and reports an exception no one awaited when the garbage collector
happens to run; both have cost others days.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

from cloche.errors import ClocheError

_log = structlog.get_logger(__name__)
_alive: set[asyncio.Task[Any]] = set()

T = TypeVar("T")


def spawn(coroutine: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
    """Start a task under a name. A failure is logged at once; whoever awaits the task still gets it."""
    task = asyncio.create_task(coroutine, name=name)
    _alive.add(task)
    task.add_done_callback(_retire)
    return task


async def cancel_and_wait(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks and wait until they have ended; their own errors were logged by `spawn` already."""
    going = [task for task in tasks if task is not None and task is not asyncio.current_task()]
    for task in going:
        task.cancel()
    await asyncio.gather(*going, return_exceptions=True)


async def together(*coroutines: Coroutine[Any, Any, T]) -> list[T]:
    """Run them side by side and return what they return. The first that fails ends the others; its error is raised.

    The waiting is done inside the group. A group that cancels its parent while it is being left does not take that
    back (python/cpython#108951), and until Python 3.11.4 every later `asyncio.timeout` of the same task would
    then raise CancelledError in place of TimeoutError.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
            if tasks:
                await asyncio.wait(tasks)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


def _retire(task: asyncio.Task[Any]) -> None:
    _alive.discard(task)
    if task.cancelled() or (error := task.exception()) is None:
        return
    if isinstance(error, ClocheError):
        # Raised on purpose, for whoever awaits the task; what caused it was logged where it was known.
        _log.info("task_ended_with_error", task=task.get_name(), code=error.code)
    else:
        _log.error("task_failed", task=task.get_name(), exc_info=error)
