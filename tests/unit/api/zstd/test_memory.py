import asyncio

import pytest

from cloche.api.zstd.memory import MemoryBudget
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import BusyError


async def test_who_finds_no_room_waits_for_it() -> None:
    budget = MemoryBudget(10, wait_s=5)
    await budget.take(7)
    waiting = spawn(budget.take(4), name="waiting")
    await asyncio.sleep(0)
    assert not waiting.done()
    budget.give(7)
    await waiting
    assert budget.free_bytes == 6


async def test_a_small_wish_does_not_overtake_a_large_one() -> None:
    budget, order = MemoryBudget(10, wait_s=5), list[str]()

    async def take(name: str, size: int) -> None:
        await budget.take(size)
        order.append(name)

    await budget.take(8)
    waiting = [spawn(take("large", 9), name="large")]
    await asyncio.sleep(0)
    waiting.append(spawn(take("small", 1), name="small"))
    await asyncio.sleep(0)
    assert order == []
    budget.give(8)
    await asyncio.gather(*waiting)
    assert order == ["large", "small"] and budget.free_bytes == 0


async def test_who_waits_too_long_is_told_to_come_back_and_holds_nobody_up() -> None:
    budget = MemoryBudget(10, wait_s=0.01)
    await budget.take(9)
    with pytest.raises(BusyError):
        await budget.take(5)
    await budget.take(1)
    budget.give(10)
    assert budget.free_bytes == 10


async def test_a_wait_that_is_cancelled_takes_nothing() -> None:
    budget = MemoryBudget(10, wait_s=5)
    await budget.take(9)
    waiting, behind = spawn(budget.take(5), name="waiting"), spawn(budget.take(1), name="behind")
    await asyncio.sleep(0)
    await cancel_and_wait(waiting)
    await behind
    budget.give(10)
    assert budget.free_bytes == 10


async def test_one_that_is_cancelled_as_it_is_granted_gives_it_back() -> None:
    budget = MemoryBudget(10, wait_s=5)
    await budget.take(9)
    waiting = spawn(budget.take(5), name="waiting")
    await asyncio.sleep(0)
    budget.give(9)
    await cancel_and_wait(waiting)
    assert budget.free_bytes == 10
