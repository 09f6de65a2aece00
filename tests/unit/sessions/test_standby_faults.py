"""Sessions that sleep, and what goes wrong meanwhile: clocks, memory, deaths, and a hundred who come at once."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from cloche.errors import ClocheError, ConflictError, SandboxError
from cloche.ids import SessionId
from cloche.sandbox.driver import Observation, Sandbox, SandboxState, Usage
from cloche.sessions import watch
from cloche.sessions.admission import AdmissionLimits
from cloche.sessions.model import EventType, SessionStatus
from cloche.testing.agent_driver import AgentDriver
from cloche.testing.clock import FakeClock
from cloche.testing.session_world import ANN, World

Make = Callable[..., World]
MANY = 100


async def test_a_hundred_that_sleep_are_woken_at_once_each_of_them_once(make_world: Make, chromium: None) -> None:
    world = make_world(limits=AdmissionLimits(MANY, MANY))
    thawed: dict[SessionId, int] = {}
    thaw = world.driver.thaw

    async def count(sandbox: Sandbox) -> None:
        session_id = SessionId(str(world.driver.describe(sandbox)["session_id"]))
        thawed[session_id] = thawed.get(session_id, 0) + 1
        await thaw(sandbox)

    world.driver.thaw = count  # type: ignore[method-assign]
    sessions = [await world.ready() for _ in range(MANY)]
    for session in sessions:
        await world.manager.sleep(ANN, session.id)
    assert all(facts.is_frozen for facts in world.driver.host.sandboxes.values())

    async def come(session_id: SessionId) -> bytes:
        async with world.manager.attach(ANN, session_id) as attachment:
            with await attachment.dial() as sock:
                return await asyncio.get_running_loop().sock_recv(sock, 5)

    async with asyncio.timeout(30):
        greetings = await asyncio.gather(*(come(session.id) for session in sessions))
    assert greetings == [b"hello"] * MANY
    assert thawed == {session.id: 1 for session in sessions}
    assert not any(facts.is_frozen for facts in world.driver.host.sandboxes.values())


@pytest.mark.parametrize("jump_s", [-86_400, 1_000])
async def test_the_wall_clock_may_be_set_while_it_sleeps(world: World, clock: FakeClock, jump_s: int) -> None:
    session = await world.ready(idle_timeout_s=3600, lifetime_s=3600)
    await world.manager.sleep(ANN, session.id)
    clock.advance(60)
    clock.set_wall_clock(clock.now() + timedelta(seconds=jump_s))
    await world.manager.wake(ANN, session.id)
    told = await world.told(session.id, EventType.AWAKE)
    assert told.data["slept_s"] == 60
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY


async def test_memory_that_runs_out_while_it_sleeps_is_told_and_it_still_wakes(
    world: World, driver: AgentDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group is frozen with its limit: what the kernel kills of it then is counted, and shows with the next look."""
    monkeypatch.setattr(watch, "WATCH_EVERY_S", 0.01)
    session = await world.ready()
    await world.manager.sleep(ANN, session.id)

    async def poll(_: Sandbox) -> Observation:
        return Observation(SandboxState.RUNNING, usage=Usage(memory_bytes=1 << 30, out_of_memory_kills=1))

    monkeypatch.setattr(driver, "poll", poll)
    told = await world.told(session.id, EventType.MEMORY_EXCEEDED)
    assert told.data["kills"] == 1
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.SLEEPING
    async with world.manager.attach(ANN, session.id) as attachment:
        (await attachment.dial()).close()
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY


async def test_one_whose_sandbox_dies_while_it_sleeps_is_not_found_asleep(world: World, driver: AgentDriver) -> None:
    session = await world.ready()
    await world.manager.sleep(ANN, session.id)
    driver.host.end(session.id)
    await world.told(session.id, EventType.FAILED)
    ended = await world.manager.get(ANN, session.id)
    assert (ended.status, ended.reason) == (SessionStatus.FAILED, "sandbox_lost")
    with pytest.raises(ClocheError):
        await world.manager.wake(ANN, session.id)


async def test_one_that_loses_its_agent_while_it_sleeps_is_let_go_on_and_kept_awake_until_it_dials_again(
    world: World, driver: AgentDriver
) -> None:
    session = await world.ready()
    await world.manager.sleep(ANN, session.id)
    await world.agent(session).lose_link(stay_away=True)
    await world.told(session.id, EventType.AWAKE)
    assert not driver.host.sandboxes[session.id].is_frozen
    with pytest.raises(ConflictError) as refused:
        await world.manager.sleep(ANN, session.id)
    assert refused.value.fields["reason"] == "session_in_use"

    world.agent(session).may_dial.set()
    await world.told(session.id, EventType.AGENT_RETURNED)
    async with asyncio.timeout(5):
        while (await world.manager.sleep(ANN, session.id)).status is not SessionStatus.SLEEPING:
            await asyncio.sleep(0)


async def test_a_thaw_that_fails_is_told_to_whoever_asked_and_tried_again(
    world: World, driver: AgentDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await world.ready()
    await world.manager.sleep(ANN, session.id)
    thaw = driver.thaw

    async def fail(_: Sandbox) -> None:
        raise SandboxError("the kernel does not thaw a sandbox")

    monkeypatch.setattr(driver, "thaw", fail)
    with pytest.raises(SandboxError):
        await world.manager.wake(ANN, session.id)
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.SLEEPING
    monkeypatch.setattr(driver, "thaw", thaw)
    await world.manager.wake(ANN, session.id)
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY
