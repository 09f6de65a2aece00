import asyncio
import os
import signal
from pathlib import Path

import pytest

from cloche.concurrency.tasks import spawn as spawn_task
from cloche.concurrency.threads import in_thread, to_the_end
from cloche.process.pidfd import ProcessHandle
from cloche.process.spawn import spawn
from cloche.process.stop import ended_or_hurried, stop_child

IGNORES_TERM = "trap '' TERM; sleep 60 & echo ready; wait"


async def started(script: str) -> tuple[int, "asyncio.Task[int]"]:
    """Start a script that says `ready`, and begin to stop it."""
    read, write = os.pipe()
    child = await asyncio.to_thread(spawn, ["/bin/sh", "-c", script], env={}, stdout=write)
    os.close(write)
    assert await asyncio.to_thread(os.read, read, 10) == b"ready\n"
    os.close(read)
    return child.handle.identity.pid, spawn_task(stop_child(child, term_timeout_s=0.2), name="stop")


async def test_term_is_enough_for_who_listens() -> None:
    _, stopping = await started("echo ready; exec sleep 60")
    assert await stopping == -signal.SIGTERM


async def test_kill_follows_for_who_does_not_and_for_the_whole_group() -> None:
    pid, stopping = await started(IGNORES_TERM)
    (grandchild,) = await asyncio.to_thread(children_of, pid)
    assert await stopping == -signal.SIGKILL
    assert await grandchild.wait(5)
    grandchild.close()


def children_of(pid: int) -> list[ProcessHandle]:
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [handle for child in pids if (handle := ProcessHandle.open_pid(int(child))) is not None]


async def test_asking_comes_first_and_its_answer_is_the_exit_code() -> None:
    read, write = os.pipe()
    child = await asyncio.to_thread(spawn, ["/bin/sh", "-c", "read line; exit 3"], env={}, stdin=read)
    os.close(read)
    os.set_blocking(write, False)

    async def ask() -> None:
        os.write(write, b"please\n")

    assert await stop_child(child, ask=ask) == 3
    os.close(write)


async def test_a_polite_way_that_fails_is_followed_by_term() -> None:
    child = await asyncio.to_thread(spawn, ["/bin/sleep", "60"], env={})

    async def ask() -> None:
        raise BrokenPipeError

    assert await stop_child(child, ask=ask, ask_timeout_s=0.05) == -signal.SIGTERM


async def test_a_cancelled_stop_still_ends_the_child_before_it_is_cancelled() -> None:
    read, write = os.pipe()
    child = await asyncio.to_thread(spawn, ["/bin/sh", "-c", IGNORES_TERM], env={}, stdout=write)
    os.close(write)
    await asyncio.to_thread(os.read, read, 10)
    os.close(read)
    stopping = spawn_task(stop_child(child, term_timeout_s=60), name="stop")
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(stopping, 5)
    assert child.is_reaped


async def test_finish_gives_the_result_and_raises_the_error_of_the_work() -> None:
    async def work() -> int:
        return 7

    async def fails() -> int:
        raise ValueError("as it was")

    assert await to_the_end(work(), name="work") == 7
    with pytest.raises(ValueError, match="as it was"):
        await to_the_end(fails(), name="fails")


async def test_finish_lets_the_work_end_and_then_tells_of_the_cancellation() -> None:
    hurry, done = asyncio.Event(), []

    async def work() -> None:
        await hurry.wait()
        done.append("ended")

    finishing = spawn_task(to_the_end(work(), name="work", hurry=hurry), name="finish")
    await asyncio.sleep(0)
    finishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await finishing
    assert done == ["ended"]


async def test_blocking_work_is_not_abandoned_by_a_cancellation() -> None:
    import threading

    entered, may_end, ended = threading.Event(), threading.Event(), []

    def work() -> None:
        entered.set()
        may_end.wait(5)
        ended.append(True)

    running = spawn_task(in_thread(work), name="run")
    await asyncio.to_thread(entered.wait, 5)
    running.cancel()
    await asyncio.sleep(0)
    assert not running.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended == [True]


async def test_hurry_ends_a_wait_before_its_time() -> None:
    hurry = asyncio.Event()

    async def never() -> bool:
        await asyncio.Event().wait()
        return True

    hurry.set()
    assert not await asyncio.wait_for(ended_or_hurried(never(), hurry), 5)
