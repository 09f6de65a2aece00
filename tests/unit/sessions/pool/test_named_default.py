"""The pool of creates that name none: it is looked at and flushed as any, and all else is refused, with why."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from cloche.audit.model import AuditRecord
from cloche.errors import ConflictError, DeniedError, JournalError
from cloche.ids import new_session_id
from cloche.sessions.audit import NoAudit
from cloche.sessions.model import SessionRequest, Started, Viewport
from cloche.sessions.pool import rows
from cloche.sessions.pool.keeper import PoolSettings
from cloche.sessions.pool.model import Acquire, NewPool, Pool
from cloche.sessions.pool.stock import StockState
from cloche.testing.session_world import ADMIN, ANN, BOB, World

from .conftest import Make, asleep, until

PHONE = Viewport(width=400)


class Journal(NoAudit):
    def __init__(self) -> None:
        self.records: list[AuditRecord] = []
        self.is_full = False

    def require(self) -> None:
        if self.is_full:
            raise JournalError("the journal is full")

    def note(self, record: AuditRecord) -> None:
        self.records.append(record)


@pytest.fixture
async def journal() -> Journal:
    return Journal()


@pytest.fixture
async def world(make_world: Make, chromium: None, journal: Journal) -> AsyncIterator[World]:
    """Two wait for creates that name no pool."""
    world = make_world(pool=PoolSettings(size=2, settle_s=0), audit=journal)
    world.manager.begin_pool()
    await until(lambda: len(asleep(world)) == 2)
    yield world


def state(world: World) -> StockState:
    return world.manager.pool.state("default")


def taken(world: World, outcome: str) -> float:
    return world.measured().get(f'cloche_pool_takes_total{{outcome="{outcome}",pool="default"}}', 0.0)


async def default(world: World) -> Pool:
    return await world.pools.get(ANN, "default")


async def test_it_is_listed_first_and_says_how_it_stands(world: World) -> None:
    await world.pools.create(ADMIN, NewPool(name="amber", size=0, request=SessionRequest()))
    pool = await default(world)
    assert pool == (await world.pools.list(BOB))[0]
    assert (pool.record.name, pool.record.size, pool.record.request) == ("default", 2, SessionRequest())
    assert (pool.record.created_at, pool.record.updated_at) == (None, None)
    assert (pool.stock, pool.in_use, pool.hit_rate) == (StockState(ready=2, wanted=2), 0, None)
    assert [one.record.name for one in await world.pools.list(BOB)] == ["default", "amber"]


async def test_it_counts_what_the_metrics_count_with_the_shapes_it_has_learnt_and_forgotten(world: World) -> None:
    sessions = [await world.ready(), await world.ready(viewport=PHONE), await world.ready(BOB, viewport=PHONE)]
    assert [session.started for session in sessions] == [Started.WARM, Started.COLD, Started.COLD]
    await until(lambda: (state(world).ready, state(world).wanted) == (4, 4))
    sessions.append(await world.ready(viewport=PHONE))
    pool = await default(world)
    assert (pool.stock.hits, pool.stock.misses, pool.hit_rate, pool.in_use) == (2, 2, 0.5, 4)

    world.clock.advance(301)
    await until(lambda: len(world.manager.pool.stocks) == 1)
    await world.manager.close(ANN, sessions[0].id)
    pool = await default(world)
    assert (pool.stock.hits, pool.stock.misses, pool.in_use) == (2, 2, 3)
    assert (taken(world, "hit"), taken(world, "miss")) == (2, 2)


async def test_sessions_of_named_pools_are_none_of_its(world: World) -> None:
    await world.pools.create(ADMIN, NewPool(name="blue", size=0, request=SessionRequest()))
    await world.pools.acquire(ANN, "blue", Acquire())
    assert replace(await default(world), stock=StockState()).in_use == 0
    assert (state(world).hits, state(world).misses) == (0, 0)


async def test_where_it_has_no_size_it_is_there_and_nothing_is_wanted_of_it(make_world: Make, chromium: None) -> None:
    world = make_world(pool=PoolSettings(size=0))
    world.manager.begin_pool()
    await world.ready()
    pool = await default(world)
    assert (pool.record.size, pool.stock, pool.hit_rate, pool.in_use) == (0, StockState(), None, 1)
    assert await world.pools.flush(ADMIN, "default") == 0


async def test_a_flush_replaces_what_waits_says_how_many_and_is_written_down(world: World, journal: Journal) -> None:
    before = asleep(world)
    await world.pools.create(ADMIN, NewPool(name="blue", size=1, request=SessionRequest()))
    await until(lambda: len(asleep(world)) == 3)
    (kept,) = asleep(world) - before
    first, second = await asyncio.gather(world.pools.flush(ADMIN, "default"), world.pools.flush(ADMIN, "default"))
    assert sorted((first, second)) == [0, 2]
    await until(lambda: len(asleep(world)) == 3 and not before & asleep(world))
    assert kept in asleep(world), "of others nothing goes"
    told = [(one.actor, one.subject, one.outcome) for one in journal.records if one.kind == "pool.flush"]
    assert told == [("admin", "default", "ok")] * 2


async def test_a_flush_is_for_admins_and_for_a_journal_that_can_take_it(world: World, journal: Journal) -> None:
    before = asleep(world)
    with pytest.raises(DeniedError):
        await world.pools.flush(ANN, "default")
    journal.is_full = True
    with pytest.raises(JournalError):
        await world.pools.flush(ADMIN, "default")
    assert asleep(world) == before


Ask = Callable[[World], Coroutine[Any, Any, Any]]
REFUSED: dict[str, tuple[Ask, str]] = {
    "create": (
        lambda world: world.pools.create(ADMIN, NewPool(name="default", size=1, request=SessionRequest())),
        "CLOCHE_POOL_SIZE",
    ),
    "resize": (lambda world: world.pools.update(ADMIN, "default", size=1), "CLOCHE_POOL_SIZE"),
    "reshape": (lambda world: world.pools.update(ADMIN, "default", request=SessionRequest()), "another name"),
    "delete": (lambda world: world.pools.delete(ADMIN, "default"), "CLOCHE_POOL_SIZE"),
    "acquire": (lambda world: world.pools.acquire(ANN, "default", Acquire()), "without naming a pool"),
    "release": (lambda world: world.pools.release(ANN, "default", new_session_id()), "end the session itself"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_else_is_asked_of_it_is_refused_with_what_to_do_instead(world: World, what: str) -> None:
    before, (ask, instead) = asleep(world), REFUSED[what]
    with pytest.raises(ConflictError) as caught:
        await ask(world)
    assert caught.value.fields["reason"] == "default_pool"
    assert instead in caught.value.detail
    assert asleep(world) == before
    assert (await default(world)).record.size == 2
    async with world.database.read() as connection:
        assert not await rows.every(connection)


async def test_a_session_of_it_is_not_released_but_ended(world: World) -> None:
    session = await world.ready()
    with pytest.raises(ConflictError):
        await world.pools.release(ANN, "default", session.id)
    assert session.id in world.driver.host.sandboxes
    await world.manager.close(ANN, session.id)
