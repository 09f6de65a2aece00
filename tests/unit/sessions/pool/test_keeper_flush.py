"""A flush replaces what waits, and nothing else: not what is being handed out, and also what comes back of that."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import ConflictError
from cloche.sandbox.driver import Observation
from cloche.sessions.model import Session, SessionStatus, Viewport
from cloche.sessions.pool.inventory import DEFAULT
from cloche.sessions.pool.keeper import PoolKeeper, PoolSettings
from cloche.testing.session_world import ADMIN, ANN, BOB, World

from .conftest import Make, asleep, until

PHONE = Viewport(width=400)


def keeper(world: World) -> PoolKeeper:
    return world.manager.pool


def waiting(world: World) -> set[str]:
    return {warm.session_id for stock in keeper(world).stocks for warm in stock.warm}


def flushed(world: World) -> float:
    return world.measured().get('cloche_pool_discarded_total{reason="flushed"}', 0.0)


class Held:
    """What is thawed stands in the door until it is let in."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        thaw, self.reached, self.go_on = world.driver.thaw, asyncio.Event(), asyncio.Event()

        async def held(sandbox: Any) -> Observation:
            self.reached.set()
            await self.go_on.wait()
            return await thaw(sandbox)

        monkeypatch.setattr(world.driver, "thaw", held)


async def test_all_that_wait_are_replaced_of_learnt_shapes_too_and_counted(pool: World) -> None:
    for session in [await pool.ready(viewport=PHONE), await pool.ready(viewport=PHONE)]:
        await pool.manager.close(ANN, session.id)
    await until(lambda: len(asleep(pool)) == 4)
    before = asleep(pool)
    assert keeper(pool).flush(DEFAULT) == 4
    assert not waiting(pool), "none of them can be taken any more"
    assert keeper(pool).flush(DEFAULT) == 0
    await until(lambda: len(asleep(pool)) == 4 and not before & asleep(pool))

    assert flushed(pool) == 4
    assert (await pool.ready(viewport=PHONE)).id not in before


async def test_one_that_is_being_handed_out_is_not_taken_from_who_gets_it(
    pool: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, door = waiting(pool), Held(pool, monkeypatch)
    coming = spawn(pool.ready(), name="coming")
    await door.reached.wait()
    (handed,) = before - waiting(pool)
    assert keeper(pool).flush(DEFAULT) == 1
    door.go_on.set()
    session = await coming

    assert (session.id, session.status) == (handed, SessionStatus.READY)
    assert flushed(pool) == 1
    await until(lambda: len(asleep(pool)) == 2)
    assert not asleep(pool) & before


async def refuse(*_: object) -> None:
    raise ConflictError("another session has it", reason="profile_in_use")


@pytest.mark.parametrize("leaves", ["cancelled", "refused"])
async def test_one_that_comes_back_after_a_flush_does_not_wait_again(
    pool: World, monkeypatch: pytest.MonkeyPatch, leaves: str
) -> None:
    before, door = waiting(pool), Held(pool, monkeypatch)
    if leaves == "refused":
        monkeypatch.setattr(pool.profiles, "begin", refuse)
    options = keeper(pool).stocks[0].options
    coming: asyncio.Task[Any] = (
        spawn(keeper(pool).take(options), name="coming")
        if leaves == "cancelled"
        else spawn(pool.ready(), name="coming")
    )
    await door.reached.wait()
    (handed,) = before - waiting(pool)
    assert keeper(pool).flush(DEFAULT) == 1
    if leaves == "cancelled":
        await cancel_and_wait(coming)
    else:
        door.go_on.set()
        with pytest.raises(ConflictError):
            await coming
    door.go_on.set()

    await until(lambda: handed not in pool.driver.host.sandboxes)
    await until(lambda: len(asleep(pool)) == 2)
    assert not asleep(pool) & before
    assert flushed(pool) >= 2, "it is counted where it goes, as is one that was being built"


async def test_one_that_is_being_built_goes_when_it_is_up(make_world: Make, chromium: None) -> None:
    world = make_world(pool=PoolSettings(size=1, settle_s=0))
    world.driver.holds["start"] = asyncio.Event()
    world.manager.begin_pool()
    await world.driver.reached["start"].wait()
    (half,) = world.driver.host.sandboxes
    assert keeper(world).flush(DEFAULT) == 0
    world.driver.holds.pop("start").set()
    await until(lambda: half not in world.driver.host.sandboxes and len(asleep(world)) == 1)
    assert flushed(world) == 1


async def test_one_that_is_laid_to_rest_meanwhile_goes_as_well(
    make_world: Make, chromium: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(pool=PoolSettings(size=1, settle_s=0))
    freeze, reached, go_on = world.driver.freeze, asyncio.Event(), asyncio.Event()

    async def held(sandbox: Any) -> None:
        reached.set()
        await go_on.wait()
        await freeze(sandbox)

    monkeypatch.setattr(world.driver, "freeze", held)
    world.manager.begin_pool()
    await reached.wait()
    (settling,) = waiting(world)
    assert keeper(world).flush(DEFAULT) == 1
    go_on.set()
    await until(lambda: settling not in world.driver.host.sandboxes and len(asleep(world)) == 1)


async def test_what_is_put_back_under_a_name_that_another_pool_has_now_is_not_its(
    pool: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = keeper(pool).stocks[0].options
    keeper(pool).put("blue", options, 1)
    await until(lambda: keeper(pool).state("blue").ready == 1)
    warm = await keeper(pool).take(options, pool="blue")
    assert warm is not None
    keeper(pool).drop("blue")
    keeper(pool).put("blue", options, 1)
    keeper(pool).put_back(warm, pool="blue")

    await until(lambda: warm.session_id not in pool.driver.host.sandboxes)
    await until(lambda: keeper(pool).state("blue").ready == 1)


@pytest.mark.parametrize("seed", range(4))
async def test_takes_flushes_and_those_who_go_away_at_once_leave_nothing(
    make_world: Make, chromium: None, seed: int
) -> None:
    """Each seed is another order of steps; the fixture looks for what is left on the host."""
    pool = make_world(pool=PoolSettings(size=6, settle_s=0))
    pool.manager.begin_pool()
    await until(lambda: len(asleep(pool)) == 6)
    dice = random.Random(seed)
    taken: list[Session] = []
    gone = 0

    async def take(principal: Any) -> None:
        taken.append(await pool.ready(principal))

    async def flush() -> None:
        nonlocal gone
        gone += keeper(pool).flush(DEFAULT)

    async def take_and_leave() -> None:
        task = spawn(keeper(pool).take(keeper(pool).stocks[0].options), name="leaving")
        for _ in range(dice.randrange(6)):
            await asyncio.sleep(0)
        await cancel_and_wait(task)
        if not task.cancelled() and (warm := task.result()) is not None:
            keeper(pool).put_back(warm)

    steps: list[Callable[[], Awaitable[None]]] = [lambda: take(ANN), lambda: take(BOB), flush, take_and_leave]

    async def one(number: int) -> None:
        for _ in range(dice.randrange(12)):
            await asyncio.sleep(0)
        await steps[number % len(steps)]()

    await asyncio.gather(*(one(number) for number in range(24)))

    ids = {session.id for session in taken}
    assert len(ids) == 12, "each sandbox was given once"
    for session in taken:
        assert (await pool.manager.get(ADMIN, session.id)).status is SessionStatus.READY
        assert not pool.driver.host.sandboxes[session.id].is_frozen
    await until(lambda: len(asleep(pool)) >= 2)
    last = waiting(pool)
    gone += keeper(pool).flush(DEFAULT)
    await until(lambda: not last & set(pool.driver.host.sandboxes))
    await until(lambda: set(pool.driver.host.sandboxes) == ids | asleep(pool) and len(asleep(pool)) >= 2)
    assert 0 < gone <= flushed(pool)
