import asyncio
import gc

import pytest

from cloche.browser.contract.common import ActionError, Failure
from cloche.concurrency.tasks import spawn
from cloche.sessions.browsing.turns import Turns


def soon(seconds: float = 5.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_actions_on_one_tab_follow_each_other_and_those_on_another_do_not_wait() -> None:
    turns, told, go = Turns(), list[str](), asyncio.Event()

    async def act(name: str, tab: str, wait: bool) -> None:
        async with turns.taken(tab, soon()):
            told.append(f"{name} begins")
            if wait:
                await go.wait()
            told.append(f"{name} ends")

    first = spawn(act("first", "A", wait=True), name="first")
    second = spawn(act("second", "A", wait=False), name="second")
    await asyncio.wait_for(act("other", "B", wait=False), 5)
    assert told == ["first begins", "other begins", "other ends"]

    go.set()
    await asyncio.wait_for(asyncio.gather(first, second), 5)
    assert told[3:] == ["first ends", "second begins", "second ends"]


async def test_who_waits_too_long_is_told_so_and_harms_nobody() -> None:
    turns = Turns()
    async with turns.taken("A", soon()):
        with pytest.raises(ActionError) as caught:
            async with turns.taken("A", soon(0.01)):
                pytest.fail("two at once")
    assert caught.value.code is Failure.TIMEOUT
    async with turns.taken("A", soon(0.5)):
        pass


async def test_nothing_is_kept_of_tabs_that_nobody_acts_on() -> None:
    turns = Turns()
    for number in range(50):
        async with turns.taken(f"T{number}", soon()):
            assert len(turns._locks) == 1
    gc.collect()
    assert not turns._locks
