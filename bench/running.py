"""A bench's loop: with threads enough for what it asks at once, and ended in order however it is ended."""

import asyncio
import signal
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

# Requests go through threads, and asyncio's own six would let only six creates begin at once.
THREADS: Final = 64

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run it as `asyncio.run` does. A SIGTERM (timeout(1), a supervisor) is taken as an interrupt, so that the servers
    and sessions that were started end too."""

    async def with_threads() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        loop.set_default_executor(ThreadPoolExecutor(THREADS))
        # Not by way of SIGINT: a shell without job control starts what it puts into the background with it ignored.
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
        try:
            return await main
        finally:
            loop.remove_signal_handler(signal.SIGTERM)

    try:
        return asyncio.run(with_threads())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
