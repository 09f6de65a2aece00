"""Standby by itself: who comes, who goes, and in which order the sandbox is stopped and let go on."""

import asyncio
from collections.abc import Callable

import pytest

from cloche.concurrency.tasks import spawn
from cloche.errors import ConflictError, InternalError
from cloche.sessions import standby as module
from cloche.sessions.standby import Standby, StandbyNews
from cloche.testing.clock import FakeClock

SOON_S = 0.02


class Owner:
    """A sandbox that is slow to stop where a test says so."""

    def __init__(self) -> None:
        self.users = 0
        self.is_at_work = False
        self.done: list[str] = []
        self.may_freeze = asyncio.Event()
        self.may_freeze.set()
        self.failure: InternalError | None = None
        self.preparing: asyncio.Event | None = None
        self.refusal: ConflictError | None = None

    async def get_ready(self, *, insists: bool) -> None:
        if self.preparing is None:
            return
        self.done.append("getting ready")
        await self.preparing.wait()
        if self.refusal is not None:
            raise self.refusal
        self.done.append("ready")

    def go_on(self) -> None:
        if self.preparing is not None:
            self.done.append("goes on")

    async def freeze(self) -> None:
        self.done.append("freezing")
        await self.may_freeze.wait()
        if self.failure is not None:
            raise self.failure
        self.done.append("frozen")

    async def thaw(self) -> None:
        self.done.append("thawed")

    async def reclaim(self) -> None:
        self.done.append("reclaimed")


class World:
    def __init__(self, after_s: float | None, deeper_after_s: float | None = None) -> None:
        self.owner, self.clock = Owner(), FakeClock()
        slept_long = lambda: self.owner.done.append("slept long")  # noqa: E731
        news = StandbyNews(fell_asleep=self._fell_asleep, woke=self._woke, slept_long=slept_long)
        self.standby = Standby(self.owner, news, self.clock, after_s=after_s, name="a", deeper_after_s=deeper_after_s)

    async def _fell_asleep(self, why: str) -> None:
        self.owner.done.append(f"told: {why}")

    async def _woke(self, slept_s: float, took_s: float) -> None:
        self.owner.done.append(f"told: woke after {slept_s:g} s in {took_s:g}")

    def come(self) -> None:
        self.owner.users += 1
        self.standby.users_changed()

    def go(self) -> None:
        self.owner.users -= 1
        self.standby.users_changed()

    async def until(self, what: str, count: int = 1) -> None:
        await self.until_true(lambda: self.owner.done.count(what) >= count)

    async def until_true(self, question: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not question():
                await asyncio.sleep(0.001)


@pytest.fixture(autouse=True)
def _short_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NAP_S", SOON_S)
    monkeypatch.setattr(module, "AGAIN_S", SOON_S)


async def test_a_session_that_nobody_uses_sleeps_and_whoever_comes_wakes_it() -> None:
    world = World(SOON_S)
    world.standby.begin()
    await world.until("reclaimed")
    assert world.standby.is_asleep
    world.clock.advance(60)
    world.come()
    await world.until("told: woke after 60 s in 0")
    assert world.owner.done == ["freezing", "frozen", "told: idle", "reclaimed", "thawed", world.owner.done[-1]]
    assert not world.standby.is_asleep
    world.go()
    await world.until("told: idle", 2)
    await world.standby.end()


async def test_a_session_in_use_does_not_sleep_nor_one_that_was_not_asked_to() -> None:
    used, unasked = World(SOON_S), World(None)
    used.owner.users = 1
    for world in (used, unasked):
        world.standby.begin()
    await asyncio.sleep(5 * SOON_S)
    assert used.owner.done == unasked.owner.done == []
    for world in (used, unasked):
        await world.standby.end()


async def test_one_at_work_for_itself_sleeps_once_that_is_done() -> None:
    world = World(SOON_S)
    world.owner.is_at_work = True
    world.standby.begin()
    await asyncio.sleep(5 * SOON_S)
    assert world.owner.done == []
    with pytest.raises(ConflictError):
        await world.standby.sleep()
    world.owner.is_at_work = False
    await world.until("told: idle")
    await world.standby.end()


async def test_who_comes_while_it_falls_asleep_is_not_kept_waiting() -> None:
    world = World(None)
    world.owner.may_freeze.clear()
    falling = spawn(world.standby.sleep(), name="falling")
    await world.until("freezing")
    world.come()
    world.owner.may_freeze.set()
    with pytest.raises(ConflictError) as refused:
        await falling
    assert refused.value.fields["reason"] == "session_in_use"
    assert world.owner.done == ["freezing", "frozen", "thawed"]
    assert not world.standby.is_asleep
    await world.standby.end()


async def test_by_hand_it_sleeps_and_wakes_and_each_may_be_said_twice() -> None:
    world = World(None)
    for _ in range(2):
        await world.standby.sleep()
    await world.until("reclaimed")
    for _ in range(2):
        await world.standby.wake()
    assert world.owner.done == ["freezing", "frozen", "told: by_hand", "reclaimed", "thawed", world.owner.done[-1]]
    world.come()
    with pytest.raises(ConflictError, match="in use"):
        await world.standby.sleep()
    await world.standby.end()


async def test_an_end_in_the_middle_of_falling_asleep_leaves_it_running() -> None:
    world = World(SOON_S)
    world.owner.may_freeze.clear()
    world.standby.begin()
    await world.until("freezing")
    ending = spawn(world.standby.end(), name="ending")
    await asyncio.sleep(SOON_S)
    assert not ending.done(), "what is half stopped is waited for"
    world.owner.may_freeze.set()
    await ending
    assert world.owner.done == ["freezing", "frozen", "thawed"]


async def test_who_puts_it_to_sleep_and_hangs_up_leaves_it_asleep_or_awake_and_nothing_between() -> None:
    world = World(None)
    world.owner.may_freeze.clear()
    falling = spawn(world.standby.sleep(), name="falling")
    await world.until("freezing")
    falling.cancel()
    await asyncio.wait([falling])
    world.owner.may_freeze.set()
    await world.until("told: by_hand")
    assert world.standby.is_asleep
    await world.standby.end()
    assert world.owner.done[-2] == "thawed"


async def test_what_cannot_be_stopped_goes_on_and_is_tried_again() -> None:
    world = World(SOON_S)
    world.owner.failure = InternalError("a control group does not freeze")
    world.standby.begin()
    await world.until("freezing", 2)
    assert not world.standby.is_asleep
    world.owner.failure = None
    await world.until("told: idle")
    await world.standby.end()


async def test_many_who_come_at_once_wake_it_once() -> None:
    world = World(None)
    await world.standby.sleep()
    for _ in range(100):
        world.come()
    await world.until_true(lambda: not world.standby.is_asleep)
    await asyncio.sleep(SOON_S)
    assert world.owner.done.count("thawed") == 1
    await world.standby.end()


async def test_its_end_wakes_it_for_good() -> None:
    world = World(SOON_S)
    await world.standby.sleep()
    await world.standby.end()
    assert not world.standby.is_asleep
    assert "thawed" in world.owner.done
    done = list(world.owner.done)
    world.standby.users_changed()
    with pytest.raises(ConflictError, match="ending"):
        await world.standby.sleep()
    await asyncio.sleep(5 * SOON_S)
    assert world.owner.done == done


async def test_who_comes_while_it_gets_ready_ends_that_and_it_goes_on() -> None:
    world = World(None)
    world.owner.preparing = asyncio.Event()
    falling = spawn(world.standby.sleep(), name="falling")
    await world.until("getting ready")
    world.come()
    with pytest.raises(ConflictError) as refused:
        await falling
    assert refused.value.fields["reason"] == "session_in_use"
    assert world.owner.done == ["getting ready", "goes on"]
    world.go()
    world.owner.preparing.set()
    await world.standby.sleep()
    assert world.owner.done[2:6] == ["getting ready", "ready", "freezing", "frozen"]
    await world.standby.end()


async def test_an_end_while_it_gets_ready_is_not_kept_waiting() -> None:
    world = World(SOON_S)
    world.owner.preparing = asyncio.Event()
    world.standby.begin()
    await world.until("getting ready")
    await world.standby.end()
    assert world.owner.done == ["getting ready", "goes on"]


async def test_one_that_is_refused_its_sleep_is_tried_again() -> None:
    world = World(SOON_S)
    world.owner.preparing = asyncio.Event()
    world.owner.preparing.set()
    world.owner.refusal = ConflictError("not now", reason="sleep_refused")
    world.standby.begin()
    await world.until("getting ready", 2)
    assert "freezing" not in world.owner.done
    world.owner.refusal = None
    await world.until("told: idle")
    await world.standby.end()


async def test_one_that_sleeps_for_long_is_told_of_once_and_one_that_was_woken_is_not() -> None:
    world = World(SOON_S, deeper_after_s=5 * SOON_S)
    await world.standby.sleep()
    await world.standby.wake()
    world.come()
    await asyncio.sleep(10 * SOON_S)
    assert "slept long" not in world.owner.done
    world.go()
    await world.until("slept long")
    await asyncio.sleep(10 * SOON_S)
    assert world.owner.done.count("slept long") == 1
    await world.standby.end()


@pytest.mark.parametrize("year", [2001, 2099])
async def test_the_wall_clock_neither_puts_to_sleep_nor_deeper(year: int) -> None:
    world = World(60.0, deeper_after_s=60.0)
    world.standby.begin()
    for asleep_now in (False, True):
        world.clock.set_wall_clock(world.clock.now().replace(year=year))
        await asyncio.sleep(5 * SOON_S)
        assert world.standby.is_asleep is asleep_now
        if not asleep_now:
            await world.standby.sleep()
    assert "slept long" not in world.owner.done
    await world.standby.end()


async def test_one_that_is_held_is_awake_and_neither_sleeps_nor_is_told_of_unless_it_slept() -> None:
    world = World(SOON_S)
    await world.standby.sleep()
    world.owner.done.clear()
    async with world.standby.held() as somebody_came:
        assert not world.standby.is_asleep
        await asyncio.sleep(5 * SOON_S)
        assert world.owner.done == ["thawed"]
        assert not somebody_came.is_set()
        world.come()
        assert somebody_came.is_set()
    assert world.owner.done[1].startswith("told: woke")
    with pytest.raises(ConflictError):
        async with world.standby.held():
            raise AssertionError("somebody is there")
    world.go()
    world.owner.done.clear()
    async with world.standby.held():
        world.standby.left()
    await asyncio.sleep(5 * SOON_S)
    assert world.owner.done == []
    await world.standby.end()


async def test_its_end_is_told_to_whoever_holds_it_and_waits_for_that() -> None:
    world = World(None)
    async with world.standby.held() as somebody_came:
        ending = spawn(world.standby.end(), name="ending")
        await somebody_came.wait()
        assert not ending.done()
    await ending
