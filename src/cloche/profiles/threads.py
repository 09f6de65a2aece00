"""Work for a thread that must not be left behind: who asks for it waits for its end, also when cancelled.

A thread cannot be cancelled. What it works with (a descriptor, a buffer, a part file) goes only when it is done.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, Final, TypeVar

from cloche.concurrency.tasks import spawn

PIECE_BYTES: Final = 256 * 1024
"""What is gathered before it goes to a thread, where a hop costs as much as compressing some kilobytes. Pieces of
512 KiB are no faster, and the allocator keeps 9 MB more of them."""

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """Run `work` in a thread. Returns, raises or is cancelled only once it is done."""
    return await _done(begin(work))


async def to_the_end(work: Coroutine[Any, Any, T], *, name: str) -> T:
    """Run `work` as a task of its own, which a caller's cancellation does not reach but waits for."""
    return await _done(spawn(work, name=name))


def begin(work: Callable[[], T]) -> "asyncio.Future[T]":
    """Start `work` in a thread; whoever does so settles or awaits it with `done`."""
    return asyncio.get_running_loop().run_in_executor(None, work)


async def settled(working: "asyncio.Future[Any] | None") -> None:
    """Wait until a thread is done, whatever came of it."""
    if working is not None:
        await _wait(working)
        if not working.cancelled():
            working.exception()


async def ahead(next_piece: Callable[[], bytes]) -> AsyncGenerator[bytes]:
    """Yield what `next_piece` returns until that is empty; while one is used, the next is made in a thread."""
    working = begin(next_piece)
    try:
        while piece := await asyncio.shield(working):
            working = begin(next_piece)
            yield piece
    finally:
        await settled(working)


async def behind(pieces: AsyncIterator[bytes], take: Callable[[bytes], None]) -> None:
    """Hand all of `pieces` to `take` in a thread; while it has one, the next is read. Small pieces are joined."""
    working: asyncio.Future[None] | None = None
    try:
        async with aclosing(_gathered(pieces)) as gathered:
            async for piece in gathered:
                if working is not None:
                    await asyncio.shield(working)
                working = begin(lambda piece=piece: take(piece))  # type: ignore[misc]
        if working is not None:
            await asyncio.shield(working)
    finally:
        await settled(working)


async def _gathered(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    held, size = list[bytes](), 0
    async for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            joined = b"".join(held)
            held, size = [], 0
            yield joined
    if held:
        yield b"".join(held)


async def _done(working: "asyncio.Future[T]") -> T:
    await _wait(working)
    return working.result()


async def _wait(working: "asyncio.Future[Any]") -> None:
    cancelled = False
    while not working.done():
        try:
            await asyncio.wait({working})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        if not working.cancelled():
            working.exception()
        raise asyncio.CancelledError
