import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cloche.browser.contract.common import ActionError, Failure
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.sessions.browsing.pausing import ActionWatcher, Pausing
from cloche.sessions.browsing.turns import Turns


class Watcher(ActionWatcher):
    def __init__(self) -> None:
        self.told: list[str] = []

    def action_began(self) -> None:
        self.told.append("began")

    def action_ended(self) -> None:
        self.told.append("ended")

    def tab_chosen(self, tab_id: str) -> None:
        self.told.append(tab_id)


@asynccontextmanager
async def no_turn() -> AsyncIterator[None]:
    yield


def after(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def act(pausing: Pausing, done: list[str], name: str, *, within_s: float = 30.0) -> None:
    async with pausing.let_through(no_turn(), after(within_s), is_action=True):
        done.append(name)


async def test_actions_wait_while_a_person_has_control_and_go_on_in_order() -> None:
    pausing, done = Pausing(), list[str]()
    await act(pausing, done, "a")
    pausing.pause()
    waiting = [spawn(act(pausing, done, name), name=name) for name in "bcd"]
    await asyncio.sleep(0)
    assert done == ["a"]
    pausing.resume()
    async with asyncio.timeout(10):
        await asyncio.gather(*waiting)
    assert done == ["a", "b", "c", "d"]


async def test_an_action_that_has_waited_as_long_as_it_may_says_why() -> None:
    pausing, done = Pausing(), list[str]()
    pausing.pause()
    with pytest.raises(ActionError) as paused:
        await act(pausing, done, "a", within_s=0.01)
    assert paused.value.code is Failure.PAUSED_BY_VIEWER and done == []


async def test_looking_is_never_held_up() -> None:
    pausing = Pausing()
    pausing.watcher = watcher = Watcher()
    pausing.pause()
    async with pausing.let_through(no_turn(), after(0.01), is_action=False):
        pass
    assert watcher.told == []


async def test_what_waits_for_its_turn_when_control_is_taken_waits_on() -> None:
    pausing, turns, done = Pausing(), Turns(), list[str]()
    go_on = asyncio.Event()

    async def slow() -> None:
        async with pausing.let_through(turns.taken("t", after(30)), after(30), is_action=True):
            await go_on.wait()
            done.append("slow")

    async def next_one(within_s: float) -> None:
        deadline = after(within_s)
        async with pausing.let_through(turns.taken("t", deadline), deadline, is_action=True):
            done.append("next")

    first = spawn(slow(), name="slow")
    await asyncio.sleep(0)
    second = spawn(next_one(30), name="second")
    third = spawn(next_one(0.05), name="third")
    await asyncio.sleep(0)
    pausing.pause()
    go_on.set()
    await first
    with pytest.raises(ActionError) as paused:
        await third
    assert paused.value.code is Failure.PAUSED_BY_VIEWER, "not for the action before it, which waits for the same"
    assert done == ["slow"], "what was under way is finished"
    pausing.resume()
    async with asyncio.timeout(10):
        await second
    assert done == ["slow", "next"]


async def test_whoever_watches_is_told_when_programs_act_also_of_those_that_fail() -> None:
    pausing = Pausing()
    pausing.watcher = watcher = Watcher()
    pausing.tab_chosen("T1")
    with pytest.raises(ActionError):
        async with pausing.let_through(no_turn(), after(10), is_action=True):
            raise ActionError(Failure.TIMEOUT, "late")
    assert watcher.told == ["T1", "began", "ended"]
    pausing.pause()
    waiting = spawn(act(pausing, [], "a"), name="a")
    await asyncio.sleep(0)
    await cancel_and_wait(waiting)
    assert watcher.told == ["T1", "began", "ended"]
