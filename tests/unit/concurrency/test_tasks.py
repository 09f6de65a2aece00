import asyncio
import gc

import pytest
from structlog.testing import capture_logs

from cloche.concurrency.tasks import cancel_and_wait, spawn, together


async def wait_forever() -> None:
    await asyncio.Event().wait()


async def test_a_task_carries_its_name_and_gives_its_result() -> None:
    async def answer() -> int:
        return 42

    task = spawn(answer(), name="the-answer")

    assert task.get_name() == "the-answer"
    assert await task == 42


async def test_a_task_nobody_holds_is_not_collected() -> None:
    done = asyncio.Event()
    gate = asyncio.Event()

    async def work() -> None:
        await gate.wait()
        done.set()

    spawn(work(), name="held")
    await asyncio.sleep(0)
    gc.collect()
    gate.set()

    await asyncio.wait_for(done.wait(), 5)


async def test_a_failure_is_logged_at_once_under_the_tasks_name() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    with capture_logs() as logs:
        task = spawn(fail(), name="doomed")
        await asyncio.wait([task])
        await asyncio.sleep(0)

    assert [(entry["event"], entry["task"]) for entry in logs] == [("task_failed", "doomed")]
    with pytest.raises(ValueError, match="broken"):
        await task


async def test_a_cancelled_task_is_no_failure() -> None:
    with capture_logs() as logs:
        task = spawn(wait_forever(), name="cancelled")
        await asyncio.sleep(0)
        await cancel_and_wait(task)

    assert task.cancelled()
    assert logs == []


async def test_waiting_ends_only_when_the_task_has_put_its_things_away() -> None:
    tidy = []

    async def work() -> None:
        try:
            await wait_forever()
        finally:
            await asyncio.sleep(0.01)
            tidy.append(True)

    task = spawn(work(), name="tidy")
    await asyncio.sleep(0)
    await cancel_and_wait(task)

    assert tidy == [True]


async def test_one_that_fails_while_it_is_cancelled_does_not_keep_the_others_from_ending() -> None:
    async def spiteful() -> None:
        try:
            await wait_forever()
        finally:
            raise ValueError("no")

    tasks = [spawn(spiteful(), name="spiteful"), spawn(wait_forever(), name="meek")]
    await asyncio.sleep(0)
    with capture_logs():
        await cancel_and_wait(*tasks)

    assert all(task.done() for task in tasks)


async def test_none_and_the_calling_task_itself_are_passed_over() -> None:
    await cancel_and_wait(None, asyncio.current_task(), None)
    await cancel_and_wait()

    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_task_that_has_ended_may_be_cancelled_again() -> None:
    async def answer() -> int:
        return 1

    task = spawn(answer(), name="ended")
    await task
    await cancel_and_wait(task, task)

    assert task.result() == 1


async def test_what_runs_together_gives_its_results_in_order() -> None:
    async def answer(number: int, steps: int) -> int:
        for _ in range(steps):
            await asyncio.sleep(0)
        return number

    assert await together(answer(1, 3), answer(2, 0)) == [1, 2]
    assert await together() == []


@pytest.mark.parametrize("steps", [0, 1, 3])
async def test_the_first_that_fails_ends_the_others_and_leaves_no_cancellation_behind(steps: int) -> None:
    ended = asyncio.Event()

    async def fail() -> None:
        for _ in range(steps):
            await asyncio.sleep(0)
        raise LookupError("the first")

    async def wait() -> None:
        try:
            await wait_forever()
        finally:
            ended.set()

    with pytest.raises(LookupError, match="the first"):
        await together(wait(), fail())
    assert ended.is_set()
    task = asyncio.current_task()
    assert task is not None and task.cancelling() == 0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await wait_forever()


async def test_who_waits_for_what_runs_together_can_be_cancelled() -> None:
    task = spawn(together(wait_forever(), wait_forever()), name="together")
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
