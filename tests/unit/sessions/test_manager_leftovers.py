"""A hundred sessions leave in the session layer what ten did: nothing."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import ClocheError, InternalError, QuotaError
from cloche.ids import PrincipalName
from cloche.sessions.admission import AdmissionLimits
from cloche.sessions.model import EventType, SessionRequest, SessionStatus
from cloche.sessions.principal import Principal, Role
from cloche.sessions.resting import StandbyRequest
from cloche.testing.growth import below, grown
from cloche.testing.session_world import World
from cloche.testing.shelf import Shelf

Make = Callable[..., World]
Deed = Callable[[World, Principal], Awaitable[None]]
WARM_UP, MORE = 3, 9


async def closed(world: World, who: Principal) -> None:
    await world.manager.close(who, (await world.ready(who)).id)


async def used(world: World, who: Principal) -> None:
    session = await world.ready(who)
    async with world.manager.attach(who, session.id) as attachment:
        with await attachment.dial() as connection:
            await asyncio.get_running_loop().sock_recv(connection, 5)
    await world.manager.get(who, session.id)
    await world.manager.extend(who, session.id, lifetime_s=60)
    await world.manager.close(who, session.id)


async def misspoken(world: World, who: Principal) -> None:
    """What a sandbox can cause at will is counted by session for a while."""
    session = await world.ready(who)
    runner = world.manager._roster.runners[session.id]
    runner.agent_misspoke("bad_json")
    await world.told(session.id, EventType.AGENT_PROTOCOL_ERROR)
    await world.manager.close(who, session.id)
    runner.agent_misspoke("bad_json")  # one more was under way


async def slept(world: World, who: Principal) -> None:
    session = await world.ready(who, standby=StandbyRequest(after_s=60))
    await world.manager.sleep(who, session.id)
    await world.manager.wake(who, session.id)
    await world.manager.sleep(who, session.id)
    await world.manager.close(who, session.id)


async def hibernated(world: World, who: Principal) -> None:
    session = await world.ready(who)
    await world.manager.hibernate(who, session.id)
    await world.manager.wake(who, session.id)
    await world.manager.hibernate(who, session.id)
    await world.manager.close(who, session.id)


async def not_started(world: World, who: Principal) -> None:
    world.driver.fails["start"] = InternalError("no")
    with pytest.raises(ClocheError):
        await world.ready(who)
    world.driver.fails.clear()


async def given_up(world: World, who: Principal) -> None:
    """Whoever asked for it goes away while it starts; it comes up, and is closed."""
    world.driver.holds["start"] = asyncio.Event()
    world.driver.reached["start"].clear()
    asking = spawn(world.manager.create(who, SessionRequest()), name="asking")
    await world.driver.reached["start"].wait()
    await cancel_and_wait(asking)
    world.driver.holds.pop("start").set()
    for session in (await world.manager.list(who)).sessions:
        if session.status is SessionStatus.PENDING:
            await world.told(session.id, EventType.READY)
        await world.manager.close(who, session.id)


async def refused(world: World, who: Principal) -> None:
    sessions = [await world.ready(who) for _ in range(3)]
    with pytest.raises(QuotaError):
        await world.ready(who)
    for session in sessions:
        await world.manager.close(who, session.id)


async def lost(world: World, who: Principal) -> None:
    session = await world.ready(who)
    async with world.manager.attach(who, session.id) as attachment:
        world.driver.host.end(session.id, reason="killed")
        await attachment.ended
    await world.told(session.id, EventType.FAILED)


DEEDS: tuple[Deed, ...] = (
    closed,
    used,
    misspoken,
    slept,
    hibernated,
    not_started,
    given_up,
    refused,
    lost,
)


async def go_through(world: World, deed: Deed, times: int, number: int = 0) -> None:
    for turn in range(number, number + times):
        # Each of somebody else: what is kept by principal must go too.
        await deed(world, Principal(PrincipalName(f"principal-{turn}"), Role.USER))
        world.clock.advance(2)
    await world.manager._parts.removals.settled()
    await world.events.flush()


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
async def test_what_a_session_leaves_does_not_add_up(make_world: Make, chromium: None, deed: Deed) -> None:
    world = make_world(limits=AdmissionLimits(8, 3), profiles=Shelf())
    await go_through(world, deed, WARM_UP)
    before = below(world.manager, world.events, world.pools)
    await go_through(world, deed, MORE, WARM_UP)

    assert grown(before, below(world.manager, world.events, world.pools)) == []
