"""Worlds with a pool that is looked after as fast as it can be."""

import asyncio
from collections.abc import Callable

import pytest

from cloche.sessions.pool import keeper as module
from cloche.sessions.pool.keeper import PoolSettings
from cloche.testing.session_world import World

Make = Callable[..., World]


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.02)


@pytest.fixture
async def pool(make_world: Make, chromium: None) -> World:
    """A world with two warm sandboxes that stand still."""
    world = make_world(pool=PoolSettings(size=2, settle_s=0))
    world.manager.begin_pool()
    await until(lambda: len(asleep(world)) == 2)
    return world


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0.005)


def asleep(world: World) -> set[str]:
    """Those that stand still."""
    return {id_ for id_, facts in world.driver.host.sandboxes.items() if facts.is_frozen}
