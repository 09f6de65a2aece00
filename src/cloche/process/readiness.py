"""Waiting until a descriptor can be read or written, with a deadline."""

import asyncio
import os
from collections.abc import Callable


async def wait_readable(fd: int, timeout_s: float) -> bool:
    """False when it has not become readable in time. An end of file and an error count as readable."""
    loop = asyncio.get_running_loop()
    return await _wait(fd, timeout_s, loop.add_reader, loop.remove_reader)


async def wait_writable(fd: int, timeout_s: float) -> bool:
    """False when it has not become writable in time. A vanished reader counts as writable."""
    loop = asyncio.get_running_loop()
    return await _wait(fd, timeout_s, loop.add_writer, loop.remove_writer)


async def _wait(fd: int, timeout_s: float, add: Callable[..., object], remove: Callable[[int], object]) -> bool:
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    # A copy, so that a close elsewhere meanwhile cannot let the loop watch a descriptor that has become another's.
    watched = os.dup(fd)
    add(watched, _resolve, ready)
    try:
        async with asyncio.timeout(timeout_s):
            await ready
    except TimeoutError:
        return False
    finally:
        remove(watched)
        os.close(watched)
    return True


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
