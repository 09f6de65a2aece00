import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from cloche.egress.policy import EgressPolicy
from cloche.errors import BusyError, ConflictError, LostError
from cloche.sandbox.spec import SandboxSpec
from cloche.sessions import recovery, rows
from cloche.sessions.admission import AdmissionLimits
from cloche.sessions.egress_policy import EgressCeiling
from cloche.sessions.model import EgressOptions, EventType, Session, SessionStatus
from cloche.storage.database import Database
from cloche.testing.agent_driver import AgentDriver
from cloche.testing.session_world import ADMIN, ANN, World
from cloche.testing.sessions import make_session
from cloche.wire.agent_config import AgentConfig

Make = Callable[..., World]


@pytest.fixture
async def after(make_world: Make, driver: AgentDriver, chromium: None) -> AsyncIterator[Callable[..., World]]:
    """Make the world of the next daemon, over the same sandboxes and rows."""

    def next_daemon(**changes: object) -> World:
        return make_world(driver=driver.restarted(), **changes)

    yield next_daemon


async def store(database: Database, session: Session) -> Session:
    async with database.begin() as connection:
        await rows.add(connection, session, agent_token_hash="h", upstream_sealed=None)
    return session


async def leave(driver: AgentDriver, session: Session) -> None:
    """A sandbox that nobody manages."""
    sandbox = await driver.create(
        SandboxSpec(session_id=session.id, agent_config=AgentConfig(session_id=session.id, token="t"))
    )
    await driver.start(sandbox)


async def test_a_session_that_lives_is_adopted_and_serves_on(world: World, after: Make) -> None:
    session = await world.ready(labels={"a": "1"})
    world.manager._runners[session.id].accounts.counters.bytes_in = 777
    await world.manager.extend(ANN, session.id, lifetime_s=500)
    before = await world.history(session.id)
    await world.hand_over()
    assert session.id in world.driver.host.sandboxes, "left running for the next daemon"

    restarted = after()
    await restarted.recover()
    found = await restarted.manager.get(ANN, session.id)
    assert found.status is SessionStatus.READY
    assert found.options.labels == {"a": "1"}
    assert found.usage.egress_bytes_in == 777, "a crash gives no budget back"
    async with restarted.manager.attach(ANN, session.id) as attachment:
        (await attachment.dial()).close()
    await restarted.told(session.id, EventType.ADOPTED)
    assert (await restarted.history(session.id))[: len(before)] == before
    assert restarted.driver.calls["create"] == 0
    await restarted.manager.close(ANN, session.id)
    assert restarted.driver.host.sandboxes == {}


async def test_a_session_whose_browser_was_stopped_is_adopted_as_it_is(world: World, after: Make) -> None:
    session = await world.ready()
    await world.agent(session).stop_browser()
    await world.told(session.id, EventType.BROWSER_STOPPED)
    await world.hand_over()

    restarted = after()
    await restarted.recover()
    async with restarted.manager.attach(ANN, session.id) as attachment:
        with pytest.raises(ConflictError):
            await attachment.dial()
        await world.agent(session).restart_browser()
        await restarted.told(session.id, EventType.BROWSER_READY)
        (await attachment.dial()).close()


async def test_an_adopted_session_has_its_place_and_no_other_gets_it(world: World, after: Make) -> None:
    await world.ready()
    await world.ready()
    await world.hand_over()
    restarted = after(limits=AdmissionLimits(2, 2))
    await restarted.recover()

    with pytest.raises(BusyError):
        await restarted.ready(ADMIN)


async def test_a_client_that_is_inside_when_the_daemon_stops_learns_why(world: World, after: Make) -> None:
    session = await world.ready()
    async with world.manager.attach(ANN, session.id) as attachment:
        await world.hand_over()
        assert attachment.ended.result() == "server_stopping"
    await after().recover()


async def test_an_agent_that_does_not_come_back_is_ended(
    world: World, after: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "ATTACH_WAIT_S", 0.3)
    session = await world.ready()
    world.agent(session).may_dial.clear()
    await world.hand_over()
    restarted = after()
    with capture_logs():
        await restarted.recover()
    found = await restarted.manager.get(ANN, session.id)

    assert (found.status, found.reason) == (SessionStatus.FAILED, "sandbox_lost")
    assert restarted.driver.host.sandboxes == {}


async def test_a_sandbox_that_died_meanwhile_fails_its_session(world: World, after: Make) -> None:
    session = await world.ready()
    await world.hand_over()
    world.agent(session).end()
    restarted = after()
    with capture_logs():
        await restarted.recover()

    assert (await restarted.manager.get(ANN, session.id)).reason == "sandbox_lost"
    assert restarted.driver.host.sandboxes == {}
    assert restarted.live == 0


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        (SessionStatus.PENDING, "", ("failed", "sandbox_lost")),
        (SessionStatus.READY, "", ("failed", "sandbox_lost")),
        (SessionStatus.SLEEPING, "", ("failed", "sandbox_lost")),
        (SessionStatus.CLOSING, "closed_by_user", ("closed", "closed_by_user")),
        (SessionStatus.CLOSING, "idle_timeout", ("closed", "idle_timeout")),
        (SessionStatus.CLOSING, "server_stopping", ("closed", "server_stopping")),
    ],
)
async def test_a_row_without_a_sandbox_is_ended_for_the_right_reason(
    after: Make, database: Database, status: SessionStatus, reason: str, expected: tuple[str, str]
) -> None:
    session = await store(database, make_session(status=status, reason=reason))
    restarted = after()
    with capture_logs():
        await restarted.recover()
    found = await restarted.manager.get(ANN, session.id)

    assert (found.status, found.reason) == expected
    assert found.closed_at is not None
    assert restarted.live == 0
    events = [str(event.type) async for event in restarted.manager.events(ANN, session.id)]
    assert events == [f"session.{expected[0]}"]


@pytest.mark.parametrize("status", [SessionStatus.PENDING, SessionStatus.CLOSING])
async def test_a_half_built_or_half_ended_session_is_ended_with_its_sandbox(
    after: Make, driver: AgentDriver, database: Database, status: SessionStatus
) -> None:
    session = await store(database, make_session(status=status, reason="closed_by_user"))
    await leave(driver, session)
    restarted = after()
    with capture_logs():
        await restarted.recover()

    assert restarted.driver.host.sandboxes == {}
    assert (await restarted.manager.get(ANN, session.id)).closed_at is not None


async def test_a_sandbox_that_no_row_wants_is_reaped(after: Make, driver: AgentDriver, database: Database) -> None:
    await leave(driver, make_session())
    ended = await store(database, make_session(status=SessionStatus.CLOSED, reason="closed_by_user"))
    await leave(driver, ended)
    restarted = after()
    with capture_logs():
        await restarted.recover()

    assert restarted.driver.host.sandboxes == {}
    assert (await restarted.manager.get(ANN, ended.id)).reason == "closed_by_user"


async def test_a_session_that_todays_settings_forbid_does_not_go_on(world: World, after: Make) -> None:
    session = await world.ready(egress=EgressOptions(private_hosts=("10.77.0.5:80",)))
    await world.hand_over()
    restarted = after(ceiling=EgressCeiling(private_hosts=(), base=EgressPolicy()))
    with capture_logs():
        await restarted.recover()

    assert (await restarted.manager.get(ANN, session.id)).status is SessionStatus.FAILED
    assert restarted.driver.host.sandboxes == {}


async def test_a_session_whose_secret_cannot_be_opened_does_not_go_on_without_it(world: World, after: Make) -> None:
    """Without the upstream that its owner asked for it would go out another way."""
    session = await world.ready(egress=EgressOptions(upstream="http://a:b@93.184.215.14:3128"))
    await world.hand_over()
    restarted = after(key=b"k" * 32)
    with capture_logs():
        await restarted.recover()

    assert (await restarted.manager.get(ANN, session.id)).status is SessionStatus.FAILED


@pytest.mark.parametrize("error", [LostError("gone"), OSError("disk"), ValueError("bug")])
@pytest.mark.parametrize("verb", ["adopt", "destroy"])
async def test_one_session_that_cannot_be_had_does_not_stop_the_others(
    world: World, after: Make, driver: AgentDriver, verb: str, error: Exception
) -> None:
    good = await world.ready()
    await leave(driver, make_session())
    await world.hand_over()
    restarted = after()
    first = restarted.driver.leftovers_by_session()
    if verb == "adopt":

        async def adopt(description: dict[str, str]) -> object:
            if description["session_id"] != good.id:
                raise error
            return await AgentDriver.adopt(restarted.driver, description)

        restarted.driver.adopt = adopt  # type: ignore[method-assign,assignment]
    else:
        restarted.driver.fails["destroy"] = error
    with capture_logs():
        await restarted.recover()
    assert (await restarted.manager.get(ANN, good.id)).status is SessionStatus.READY
    restarted.driver.fails.clear()
    for session_id in first.keys() - {good.id}:
        await driver.destroy(await driver.adopt(first[session_id]))


async def test_an_expired_session_is_adopted_only_to_be_ended(world: World, after: Make, database: Database) -> None:
    session = await world.ready(lifetime_s=100)
    await world.hand_over()
    world.clock.advance(101)
    restarted = after()
    with capture_logs():
        await restarted.recover()
        await restarted.told(session.id, EventType.CLOSED)

    assert (await restarted.manager.get(ANN, session.id)).reason == "lifetime_reached"


async def test_many_are_taken_back_at_once(world: World, after: Make) -> None:
    sessions = await asyncio.gather(*(world.ready() for _ in range(10)))
    await world.hand_over()
    restarted = after()
    await restarted.recover()

    found = {s.id: s.status for s in (await restarted.manager.list(ADMIN)).sessions}
    assert found == {session.id: SessionStatus.READY for session in sessions}
    assert replace(sessions[0]).id in found
