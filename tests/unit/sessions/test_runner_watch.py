import asyncio

import pytest
from structlog.testing import capture_logs

from cloche.errors import InternalError
from cloche.sandbox.driver import Usage
from cloche.sessions.agent_side import SILENCE_S
from cloche.sessions.investigation import RETURN_WAIT_S
from cloche.sessions.model import EventType, Session, SessionStatus
from cloche.testing.agent_driver import AgentDriver
from cloche.testing.clock import FakeClock
from cloche.testing.session_world import ANN, World
from cloche.wire.messages import FromAgent


async def look(world: World, session: Session) -> None:
    """Let the session's watch see what time it is."""
    world.manager._runners[session.id].end_moved()


async def ended(world: World, session: Session, type_: EventType = EventType.CLOSED) -> Session:
    await world.told(session.id, type_)
    found = await world.manager.get(ANN, session.id)
    assert world.driver.host.sandboxes == {}
    assert world.live == 0
    return found


async def test_a_session_that_nobody_uses_ends(world: World, clock: FakeClock) -> None:
    session = await world.ready(idle_timeout_s=60)
    clock.advance(59)
    await look(world, session)
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY
    clock.advance(1)
    await look(world, session)

    assert (await ended(world, session)).reason == "idle_timeout"


async def test_a_session_with_a_client_does_not_idle_and_begins_to_when_the_client_goes(
    world: World, clock: FakeClock
) -> None:
    session = await world.ready(idle_timeout_s=60, lifetime_s=10_000)
    async with world.manager.attach(ANN, session.id):
        clock.advance(600)
        await look(world, session)
        assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY
    clock.advance(59)
    await look(world, session)
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY
    clock.advance(1)
    await look(world, session)

    assert (await ended(world, session)).reason == "idle_timeout"


async def test_a_lifetime_ends_also_a_session_in_use_and_the_client_learns_why(world: World, clock: FakeClock) -> None:
    session = await world.ready(lifetime_s=100)
    async with world.manager.attach(ANN, session.id) as attachment:
        clock.advance(100)
        await look(world, session)
        assert await asyncio.wait_for(attachment.ended, 5) == "lifetime_reached"

    assert (await ended(world, session)).reason == "lifetime_reached"


async def test_extending_moves_the_end_both_ways_and_is_told(world: World, clock: FakeClock) -> None:
    session = await world.ready(lifetime_s=100, idle_timeout_s=1000)
    clock.advance(90)
    extended = await world.manager.extend(ANN, session.id, lifetime_s=100)
    assert (extended.expires_at - session.expires_at).total_seconds() == 90
    assert (await world.told(session.id, EventType.EXTENDED)).data["expires_at"] == extended.expires_at.isoformat()
    clock.advance(20)
    await look(world, session)
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY
    await world.manager.extend(ANN, session.id, lifetime_s=1)
    clock.advance(1)
    await look(world, session)

    assert (await ended(world, session)).reason == "lifetime_reached"


async def test_an_agent_that_loses_its_link_and_returns_loses_no_session(world: World) -> None:
    session = await world.ready()
    await world.agent(session).lose_link()
    returned = await world.told(session.id, EventType.AGENT_RETURNED)

    assert EventType.AGENT_LOST in await world.history(session.id)
    await world.agent(session).lose_link()
    await world.told(session.id, EventType.AGENT_RETURNED, after=returned.id)
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY


async def test_an_agent_that_flaps_is_still_watched_over_afterwards(world: World, clock: FakeClock) -> None:
    """It comes and goes within one turn of the loop: whoever waited for it must not take it for being back."""
    session = await world.ready()
    runner = world.manager._runners[session.id]
    await world.agent(session).lose_link(stay_away=True)
    await world.told(session.id, EventType.AGENT_LOST)
    runner._agent._link._registered.set()
    runner._agent._link._registered.clear()
    await asyncio.sleep(0)
    with capture_logs():
        world.agent(session).end()
        assert (await ended(world, session, EventType.FAILED)).reason == "sandbox_lost"


async def test_an_agent_that_stays_away_is_given_up(world: World, clock: FakeClock) -> None:
    session = await world.ready()
    await world.agent(session).lose_link(stay_away=True)
    await world.told(session.id, EventType.AGENT_LOST)
    clock.advance(RETURN_WAIT_S + 1)

    assert (await ended(world, session, EventType.FAILED)).reason == "sandbox_lost"


async def test_an_agent_that_was_killed_for_memory_is_told_as_that_though_its_sandbox_runs(
    world: World, clock: FakeClock
) -> None:
    session = await world.ready()
    world.manager._runners[session.id].read_accounts(Usage(out_of_memory_kills=1))
    await world.agent(session).lose_link(stay_away=True)
    await world.told(session.id, EventType.AGENT_LOST)
    clock.advance(RETURN_WAIT_S + 1)

    assert (await ended(world, session, EventType.FAILED)).reason == "out_of_memory"


@pytest.mark.parametrize(
    ("how", "reason"), [("killed", "sandbox_lost"), ("exited", "sandbox_lost"), ("out_of_memory", "out_of_memory")]
)
async def test_a_sandbox_that_dies_fails_its_session_with_the_reason(
    world: World, driver: AgentDriver, how: str, reason: str
) -> None:
    session = await world.ready()
    async with world.manager.attach(ANN, session.id) as attachment:
        driver.host.end(session.id, reason=how)
        assert await asyncio.wait_for(attachment.ended, 5) == reason
    found = await ended(world, session, EventType.FAILED)

    assert (found.status, found.reason) == (SessionStatus.FAILED, reason)
    assert found.closed_at is not None


async def test_a_browser_that_is_given_up_fails_its_session(world: World) -> None:
    session = await world.ready()
    await world.agent(session).give_up()
    await world.told(session.id, EventType.BROWSER_GAVE_UP)
    world.agent(session).end()

    assert (await ended(world, session, EventType.FAILED)).reason == "browser_gave_up"


async def test_an_agent_that_gives_its_browser_up_and_stays_does_not_keep_the_session(
    world: World, clock: FakeClock
) -> None:
    session = await world.ready()
    await world.agent(session).give_up()
    await world.told(session.id, EventType.BROWSER_GAVE_UP)
    clock.advance(RETURN_WAIT_S + 1)

    assert (await ended(world, session, EventType.FAILED)).reason == "browser_gave_up"


async def test_a_silent_agent_is_cut_off_so_that_it_dials_again(
    world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloche.sessions.watch.WATCH_EVERY_S", 0.02)
    session = await world.ready(idle_timeout_s=10_000, lifetime_s=10_000)
    clock.advance(SILENCE_S + 1)
    with capture_logs():
        await look(world, session)
        await world.told(session.id, EventType.AGENT_RETURNED)

    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY


async def test_a_heartbeat_is_a_word(world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloche.sessions.watch.WATCH_EVERY_S", 0.02)
    session = await world.ready(idle_timeout_s=10_000, lifetime_s=10_000)
    for _ in range(3):
        clock.advance(SILENCE_S - 1)
        await world.agent(session).heartbeat()
        await look(world, session)
        polled = world.driver.calls["poll"]
        async with asyncio.timeout(5):
            while world.driver.calls["poll"] < polled + 2:
                await asyncio.sleep(0.005)

    assert EventType.AGENT_LOST not in await world.history(session.id)


async def test_a_driver_that_cannot_tell_does_not_stop_the_watch(
    world: World, driver: AgentDriver, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloche.sessions.watch.WATCH_EVERY_S", 0.02)
    session = await world.ready(idle_timeout_s=60)
    driver.fails["poll"] = InternalError("cannot tell")
    with capture_logs():
        await look(world, session)
        polled = driver.calls["poll"]
        async with asyncio.timeout(5):
            while driver.calls["poll"] < polled + 3:
                await asyncio.sleep(0.005)
        assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY
        clock.advance(60)
        await look(world, session)
        assert (await ended(world, session)).reason == "idle_timeout"


async def test_what_the_kernel_counts_is_shown(world: World) -> None:
    session = await world.ready()
    usage = (await world.manager.get(ANN, session.id)).usage

    assert (usage.memory_bytes, usage.cpu_seconds) == (64 << 20, 0.5)


async def test_an_agent_that_talks_nonsense_is_told_once_a_second(world: World, clock: FakeClock) -> None:
    session = await world.ready()
    with capture_logs() as logs:
        await world.agent(session).say_raw(b"nonsense\n" * 20)
        await world.told(session.id, EventType.AGENT_PROTOCOL_ERROR)
        await world.agent(session).say(FromAgent.BROWSER, {"state": "exited", "reason": "crashed"})
        await world.told(session.id, EventType.BROWSER_EXITED)

    assert (await world.history(session.id)).count("agent.protocol_error") == 1
    assert [entry["event"] for entry in logs].count("agent_protocol_error") == 1


async def test_an_agent_that_cries_wolf_does_not_fill_the_disk(world: World, clock: FakeClock) -> None:
    session = await world.ready()
    for _ in range(60):
        await world.agent(session).crash_browser()
        await world.agent(session).restart_browser()
    await world.agent(session).give_up()
    await world.told(session.id, EventType.BROWSER_GAVE_UP)

    assert len(await world.history(session.id)) < 30
    world.agent(session).end()
    with capture_logs():
        await ended(world, session, EventType.FAILED)


async def test_news_that_makes_no_sense_changes_nothing(world: World) -> None:
    session = await world.ready()
    for payload in ({}, {"state": "dancing"}, {"state": None}, {"state": []}):
        await world.agent(session).say(FromAgent.BROWSER, payload)
    await world.agent(session).say(FromAgent.BROWSER, {"state": "exited", "reason": "<b>crashed</b>"})
    exited = await world.told(session.id, EventType.BROWSER_EXITED)

    assert exited.data["reason"] == "bcrashedb"
