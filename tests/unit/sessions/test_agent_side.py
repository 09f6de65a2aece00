"""The link's side: what an agent says by itself, and what it is told."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from cloche.sessions import agent_side as module
from cloche.sessions.agent_readings import read_figures, read_health
from cloche.sessions.agent_side import LastWords
from cloche.sessions.model import EventType, Session
from cloche.testing.clock import FakeClock
from cloche.testing.guest_answers import HEALTH, METRICS
from cloche.testing.session_world import ANN, World
from cloche.wire.messages import FromAgent, ToAgent


def words(world: World, session: Session) -> LastWords:
    return world.manager._runners[session.id].last_words


async def misspoke(world: World, session: Session) -> None:
    """Come after everything that the agent has said so far: what it says arrives in order."""
    await world.agent(session).say_raw(b"nonsense\n")
    await world.told(session.id, EventType.AGENT_PROTOCOL_ERROR)


def test_a_last_word_grows_old_by_the_clock_that_never_runs_back(clock: FakeClock) -> None:
    last, health = LastWords(clock), read_health(HEALTH)
    assert health is not None and last.health is None and last.figures is None
    last.hear_health(health)
    last.hear_figures(read_figures(METRICS))
    heard_at = clock.now()
    clock.advance(2.5)
    clock.set_wall_clock(heard_at - timedelta(days=1))

    assert last.health is not None and last.figures is not None
    assert (last.health.value, last.health.observed_at, last.health.age_s) == (health, heard_at, 2.5)
    assert last.figures.age_s == 2.5


async def test_heartbeats_and_metrics_are_kept_and_the_newest_counts(world: World) -> None:
    session = await world.ready()
    agent = world.agent(session)
    await agent.heartbeat(memory_mb=1)
    await agent.metrics(open_files=1)
    await agent.heartbeat(memory_mb=2)
    await agent.metrics(open_files=2)
    await misspoke(world, session)

    last = words(world, session)
    assert last.health is not None and last.figures is not None
    assert (last.health.value.memory_mb, last.figures.value.open_files) == (2, 2)
    assert not last.is_overtaken


@pytest.mark.parametrize("payload", [{}, {"status": "splendid"}, {"status": ["healthy"]}, {"uptime_s": 1}])
async def test_a_heartbeat_that_is_none_does_not_replace_the_last(world: World, payload: dict[str, Any]) -> None:
    session = await world.ready()
    await world.agent(session).heartbeat(memory_mb=7)
    await world.agent(session).say(FromAgent.HEARTBEAT, payload)
    await misspoke(world, session)

    health = words(world, session).health
    assert health is not None and health.value.memory_mb == 7


async def test_a_browser_that_changed_overtakes_the_last_health_until_the_next(world: World) -> None:
    session = await world.ready()
    agent = world.agent(session)
    await agent.heartbeat()
    await agent.crash_browser()
    await world.told(session.id, EventType.BROWSER_RESTARTING)
    assert words(world, session).is_overtaken
    await agent.heartbeat(browser_alive=False, status="unhealthy")
    await misspoke(world, session)

    assert not words(world, session).is_overtaken


async def test_an_agent_is_told_who_is_in_the_session(world: World) -> None:
    session = await world.ready()
    agent = world.agent(session)
    await agent.told(ToAgent.ACTIVITY, {"clients": 0, "actions": 0})
    async with world.manager.attach(ANN, session.id):
        await agent.told(ToAgent.ACTIVITY, {"clients": 1, "actions": 0})
        async with world.manager.attach(ANN, session.id):
            await agent.told(ToAgent.ACTIVITY, {"clients": 2, "actions": 0})
    await agent.told(ToAgent.ACTIVITY, {"clients": 0, "actions": 0})


async def test_an_agent_that_dials_again_is_told_anew(world: World) -> None:
    session = await world.ready()
    agent = world.agent(session)
    async with world.manager.attach(ANN, session.id):
        await agent.told(ToAgent.ACTIVITY, {"clients": 1, "actions": 0})
        agent.commands.clear()
        await agent.lose_link()
        await agent.told(ToAgent.ACTIVITY, {"clients": 1, "actions": 0})


async def turns(count: int = 20) -> None:
    """Let everyone else have a few turns of the loop."""
    for _ in range(count):
        await asyncio.sleep(0)


def activities(world: World, session: Session) -> list[tuple[int, int]]:
    told = [one.payload for one in world.agent(session).commands if one.type == ToAgent.ACTIVITY]
    return [(payload["clients"], payload["actions"]) for payload in told]


async def test_a_burst_of_comings_and_goings_is_told_as_what_it_comes_to(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await world.ready()
    await world.agent(session).told(ToAgent.ACTIVITY, {"clients": 0, "actions": 0})
    monkeypatch.setattr(module, "SETTLE_S", 0.5)
    for _ in range(20):
        async with world.manager.attach(ANN, session.id, quiet=True):
            await turns()
        await turns()
    async with world.manager.attach(ANN, session.id):
        await world.agent(session).told(ToAgent.ACTIVITY, {"clients": 1, "actions": 0})

    assert len(activities(world, session)) <= 4, "one for each change would be more than forty"


async def test_what_comes_to_nothing_is_not_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await world.ready()
    await world.agent(session).told(ToAgent.ACTIVITY, {"clients": 0, "actions": 0})
    monkeypatch.setattr(module, "SETTLE_S", 0)
    async with world.manager.attach(ANN, session.id, quiet=True):
        pass
    await turns()
    async with world.manager.attach(ANN, session.id):
        await world.agent(session).told(ToAgent.ACTIVITY, {"clients": 1, "actions": 0})

    assert activities(world, session) == [(0, 0), (1, 0)]


async def test_clients_come_and_go_while_no_agent_can_be_told(world: World) -> None:
    session = await world.ready()
    agent = world.agent(session)
    await agent.lose_link(stay_away=True)
    await world.told(session.id, EventType.AGENT_LOST)
    async with world.manager.attach(ANN, session.id):
        assert (await world.manager.get(ANN, session.id)).usage.devtools_clients == 1
        agent.may_dial.set()
        await agent.told(ToAgent.ACTIVITY, {"clients": 1, "actions": 0})
