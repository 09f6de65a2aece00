import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from cloche.concurrency.threads import PIECE_BYTES, ahead, behind, in_thread, to_the_end


async def test_what_runs_in_a_thread_is_waited_for_even_by_one_who_is_cancelled() -> None:
    started, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        go_on.wait(5)
        ended.set()

    task = asyncio.get_running_loop().create_task(in_thread(work))
    async with asyncio.timeout(5):
        while not started.is_set():
            await asyncio.sleep(0)
        task.cancel()
        for _ in range(10):
            await asyncio.sleep(0)
        assert not task.done()
        task.cancel()  # more than once, too
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert ended.is_set()


async def test_a_thread_s_error_is_its_caller_s() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)


async def test_a_task_that_is_waited_for_ends_whatever_becomes_of_its_caller() -> None:
    go_on, done = asyncio.Event(), list[int]()

    async def work() -> int:
        await go_on.wait()
        done.append(1)
        return 1

    task = asyncio.get_running_loop().create_task(to_the_end(work(), name="work"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [1]
    assert await to_the_end(work(), name="work") == 1


async def test_pieces_are_read_one_ahead_and_no_further() -> None:
    made = list[bytes]()

    def next_piece() -> bytes:
        if len(made) < 5:
            made.append(b"%d" % len(made))
            return made[-1]
        return b""

    async with aclosing(ahead(next_piece)) as pieces:
        assert await anext(pieces) == b"0"
        assert len(made) <= 2
        assert [piece async for piece in pieces] == [b"1", b"2", b"3", b"4"]


async def test_reading_ahead_ends_with_whoever_stops_listening() -> None:
    running, most = 0, 0

    def next_piece() -> bytes:
        nonlocal running, most
        running += 1
        most = max(most, running)
        running -= 1
        return b"x"

    async with aclosing(ahead(next_piece)) as pieces:
        await anext(pieces)
    assert running == 0 and most == 1


async def test_small_pieces_are_joined_and_taken_one_after_the_other() -> None:
    taken = list[int]()

    async def small() -> AsyncIterator[bytes]:
        for _ in range(3 * PIECE_BYTES // 1000):
            yield bytes(1000)

    await behind(small(), lambda piece: taken.append(len(piece)))
    assert sum(taken) == 3 * PIECE_BYTES // 1000 * 1000 and len(taken) == 3


async def test_who_cannot_take_a_piece_ends_the_reading_of_more() -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield bytes(PIECE_BYTES)

    def refuse(_: bytes) -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        await behind(endless(), refuse)
    assert read == 2


async def test_nothing_is_taken_of_pieces_that_never_come() -> None:
    async def none() -> AsyncIterator[bytes]:
        for piece in list[bytes]():
            yield piece

    taken = list[bytes]()
    await behind(none(), taken.append)
    assert taken == []
