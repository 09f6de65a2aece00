"""Work for a thread that must not be left behind: who asks for it waits for its end, also when cancelled.

A thread cannot be cancelled. What it works with (a descriptor, a buffer, a part file) goes only when it is done.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, Final, ParamSpec, TypeVar, cast

from cloche.concurrency.tasks import spawn

PIECE_BYTES: Final = 256 * 1024
"""What is gathered before it goes to a thread, where a hop costs as much as compressing some kilobytes. Pieces of
512 KiB are no faster, and the allocator keeps 9 MB more of them."""

T = TypeVar("T")
P = ParamSpec("P")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking work off the loop. Returns, raises or is cancelled only once the thread is done with it."""
    name = getattr(function, "__name__", "thread")
    return await to_the_end(asyncio.to_thread(function, *args, **kwargs), name=name)


async def to_the_end(work: Coroutine[Any, Any, T], *, name: str, hurry: asyncio.Event | None = None) -> T:
    """Run `work` to its end even when the caller is cancelled; `hurry` is set then, and the cancellation re-raised.

    The work must be bounded by itself, quickly so once `hurry` is set.
    """
    task = spawn(_outcome(work), name=name)
    if await _is_cancelled_before(task, hurry):
        raise asyncio.CancelledError
    result, error = task.result()
    if error is not None:
        raise error
    return cast(T, result)


def begin(work: Callable[[], T]) -> "asyncio.Future[T]":
    """Start `work` in a thread; whoever does so awaits it shielded, and at the end `settled`."""
    return asyncio.get_running_loop().run_in_executor(None, work)


async def finished(working: "asyncio.Future[T]") -> T:
    """Wait for what a thread does, and return or raise what it does; cancelled, wait for its end all the same."""
    if await _is_cancelled_before(working):
        if not working.cancelled():
            working.exception()
        raise asyncio.CancelledError
    return working.result()


async def settled(working: "asyncio.Future[Any] | None") -> None:
    """Wait until a thread is done, whatever came of it."""
    if working is None:
        return
    cancelled = await _is_cancelled_before(working)
    if not working.cancelled():
        working.exception()
    if cancelled:
        raise asyncio.CancelledError


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


async def _outcome(work: Coroutine[Any, Any, T]) -> tuple[T | None, Exception | None]:
    try:
        return await work, None
    except Exception as error:  # noqa: BLE001 - carried to the caller, instead of being logged as a task's failure
        return None, error


async def _is_cancelled_before(working: "asyncio.Future[Any]", hurry: asyncio.Event | None = None) -> bool:
    """Wait until it is done, whoever cancels meanwhile; return whether somebody did."""
    cancelled = False
    while not working.done():
        try:
            await asyncio.wait({working})
        except asyncio.CancelledError:
            cancelled = True
            if hurry is not None:
                hurry.set()
    return cancelled
