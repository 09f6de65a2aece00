import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from cloche.concurrency.tasks import spawn
from cloche.egress.policy import EgressPolicy, parse_private_ceiling
from cloche.errors import DeniedError, GoneError, InvalidError, NoRoomError, NotFoundError, QuotaError
from cloche.ids import EventId, new_session_id
from cloche.sandbox.driver import Sandbox
from cloche.sessions.admission import AdmissionLimits
from cloche.sessions.egress_policy import EgressCeiling
from cloche.sessions.model import BudgetRequest, EgressOptions, EventType, Session, SessionRequest, SessionStatus
from cloche.storage.database import Database
from cloche.testing.agent_driver import AgentDriver
from cloche.testing.clock import FakeClock
from cloche.testing.session_world import ADMIN, ANN, BOB, World

Make = Callable[..., World]


async def test_a_foreign_session_and_one_that_never_was_are_the_same(world: World) -> None:
    session = await world.ready()
    for session_id in (session.id, new_session_id()):
        with pytest.raises(NotFoundError):
            await world.manager.get(BOB, session_id)
        with pytest.raises(NotFoundError):
            await world.manager.close(BOB, session_id)
        with pytest.raises(NotFoundError):
            await world.manager.extend(BOB, session_id, lifetime_s=5)
        with pytest.raises(NotFoundError):
            await world.manager.agent(BOB, session_id)
        with pytest.raises(NotFoundError):
            await world.manager.browser(BOB, session_id)
        with pytest.raises(NotFoundError):
            await anext(aiter(world.manager.events(BOB, session_id)))
        with pytest.raises(NotFoundError):
            async with world.manager.attach(BOB, session_id):
                pytest.fail("not theirs")
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY


async def test_a_foreign_session_that_has_ended_is_not_found_either(world: World) -> None:
    session = await world.ready()
    await world.manager.close(ANN, session.id)
    for ask in (
        lambda: world.manager.get(BOB, session.id),
        lambda: world.manager.close(BOB, session.id),
        lambda: world.manager.extend(BOB, session.id, lifetime_s=5),
        lambda: world.manager.agent(BOB, session.id),
        lambda: world.manager.browser(BOB, session.id),
    ):
        with pytest.raises(NotFoundError):
            await ask()


async def test_an_admin_sees_and_ends_every_session(world: World) -> None:
    session = await world.ready()

    assert (await world.manager.get(ADMIN, session.id)).owner == ANN.name
    assert (await world.manager.close(ADMIN, session.id)).status is SessionStatus.CLOSED


async def test_closing_waits_until_nothing_runs_and_may_be_asked_again(world: World) -> None:
    session = await world.ready()
    first, second = await asyncio.gather(world.manager.close(ANN, session.id), world.manager.close(ANN, session.id))
    assert world.driver.host.sandboxes == {}
    third = await world.manager.close(ANN, session.id)

    assert first == second == third
    assert (first.status, first.reason) == (SessionStatus.CLOSED, "closed_by_user")
    assert first.closed_at is not None
    assert world.measured()['cloche_sessions_ended_total{reason="closed_by_user"}'] == 1


async def test_one_that_asks_to_close_and_goes_away_does_not_stop_the_closing(
    world: World, driver: AgentDriver
) -> None:
    session = await world.ready()
    driver.holds["stop"] = asyncio.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await world.manager.close(ANN, session.id)
    driver.holds["stop"].set()
    await world.told(session.id, EventType.CLOSED)

    assert driver.host.sandboxes == {}


async def test_what_has_ended_is_gone_and_says_why(world: World) -> None:
    session = await world.ready()
    await world.manager.close(ANN, session.id)
    for ask in (
        lambda: world.manager.extend(ANN, session.id, lifetime_s=5),
        lambda: world.manager.agent(ANN, session.id),
    ):
        with pytest.raises(GoneError) as caught:
            await ask()
        assert caught.value.fields["reason"] == "closed_by_user"


@pytest.mark.parametrize(("how", "reason"), [("close", "closed_by_user"), ("die", "sandbox_lost")])
async def test_what_is_ending_is_gone_already_and_says_why(
    world: World, driver: AgentDriver, how: str, reason: str
) -> None:
    session = await world.ready()
    driver.holds["stop"] = asyncio.Event()
    if how == "die":
        driver.host.end(session.id)
        await asyncio.wait_for(driver.reached["stop"].wait(), 5)
        closing = asyncio.gather(world.manager.close(ANN, session.id))
    else:
        closing = asyncio.gather(world.manager.close(ANN, session.id))
        await asyncio.wait_for(driver.reached["stop"].wait(), 5)
    with pytest.raises(GoneError) as caught:
        await world.manager.extend(ANN, session.id, lifetime_s=5)
    driver.holds["stop"].set()
    (ended,) = await closing

    assert caught.value.fields["reason"] == reason == ended.reason


async def test_a_session_can_be_extended_to_the_servers_ceiling_and_not_below_a_second(
    world: World, clock: FakeClock
) -> None:
    session = await world.ready()
    extended = await world.manager.extend(ANN, session.id, lifetime_s=1 << 60)
    assert (extended.expires_at - clock.now()).total_seconds() == 86_400
    for lifetime_s in (0, -1):
        with pytest.raises(InvalidError) as caught:
            await world.manager.extend(ANN, session.id, lifetime_s=lifetime_s)
        assert caught.value.fields["field"] == "lifetime_s"


async def test_extending_does_not_forget_what_was_taken(world: World, database: Database) -> None:
    session = await world.ready()
    runner = world.manager._runners[session.id]
    runner.accounts.counters.bytes_in = 12_345
    await world.manager.extend(ANN, session.id, lifetime_s=100)

    from cloche.sessions import rows

    async with database.read() as connection:
        stored = await rows.get(connection, session.id)
    assert stored is not None
    assert stored.usage.egress_bytes_in == 12_345


async def test_a_listing_shows_the_live_and_the_ended_to_whom_they_belong(world: World) -> None:
    live, over, theirs = await world.ready(), await world.ready(), await world.ready(BOB)
    await world.manager.close(ANN, over.id)
    async with world.manager.attach(ANN, live.id):
        page = await world.manager.list(ANN)

    shown = {session.id: session for session in page.sessions}
    assert set(shown) == {live.id, over.id}
    assert shown[live.id].usage.devtools_clients == 1
    assert shown[over.id].status is SessionStatus.CLOSED
    assert {s.id for s in (await world.manager.list(ADMIN)).sessions} == {live.id, over.id, theirs.id}
    assert [s.id for s in (await world.manager.list(ANN, status=SessionStatus.CLOSED)).sessions] == [over.id]


async def test_a_hundred_at_once_get_exactly_the_places_there_are(make_world: Make, chromium: None) -> None:
    world = make_world(limits=AdmissionLimits(max_sessions=5, max_sessions_per_principal=3))
    asked = [ANN, ANN, BOB, ANN, ANN] * 20
    with capture_logs():
        answers = await asyncio.gather(*(world.ready(who) for who in asked), return_exceptions=True)
    made = [answer for answer in answers if isinstance(answer, Session)]
    refused = [answer for answer in answers if isinstance(answer, QuotaError | NoRoomError)]

    assert (len(made), len(refused)) == (5, 95)
    assert all(error.retry_after_s > 0 for error in refused)
    assert max([s.owner for s in made].count(name) for name in {s.owner for s in made}) <= 3
    assert {type(error) for error in refused} == {QuotaError, NoRoomError}
    measured = world.measured()
    refusals = ('code="busy",reason="sessions"', 'code="quota_exceeded",reason="quota"')
    counted = [measured[f"cloche_admissions_refused_total{{{labels}}}"] for labels in refusals]
    assert sum(counted) == 95


async def test_places_come_back_after_ends_and_after_failures(
    make_world: Make, driver: AgentDriver, chromium: None
) -> None:
    world = make_world(limits=AdmissionLimits(max_sessions=1, max_sessions_per_principal=1))
    for _ in range(3):
        session = await world.ready()
        with pytest.raises(QuotaError):
            await world.ready()
        await world.manager.close(ANN, session.id)
    driver.fails["create"] = ValueError("broken")
    for _ in range(3):
        with capture_logs(), pytest.raises(Exception, match="could not be started"):
            await world.ready()
    driver.fails.clear()
    await world.ready()


async def test_a_request_that_is_refused_takes_no_place_and_makes_no_row(make_world: Make) -> None:
    ceiling = EgressCeiling(private_hosts=(parse_private_ceiling("10.0.0.1:80"),), base=EgressPolicy())
    world = make_world(limits=AdmissionLimits(1, 1), ceiling=ceiling)
    for request, error in (
        (SessionRequest(start_url="file:///etc/passwd"), InvalidError),
        (SessionRequest(budget=BudgetRequest(memory_bytes=1)), InvalidError),
        (SessionRequest(egress=EgressOptions(private_hosts=("10.0.0.2:80",))), DeniedError),
        (SessionRequest(egress=EgressOptions(upstream="ftp://x")), InvalidError),
    ):
        with pytest.raises(error):
            await world.manager.create(ANN, request)
    assert (await world.manager.list(ADMIN)).sessions == ()
    assert await world.manager.readiness() == {}


async def test_the_credentials_of_an_upstream_are_stored_sealed_and_shown_nowhere(
    world: World, database: Database
) -> None:
    session = await world.ready(egress=EgressOptions(upstream="http://ann:s3cret@93.184.215.14:3128"))
    assert session.options.egress.upstream == "http://93.184.215.14:3128"
    from sqlalchemy import text

    async with database.read() as connection:
        row = (await connection.execute(text("select * from sessions"))).mappings().one()
    assert row["upstream_sealed"]
    assert not any("s3cret" in str(value) for value in row.values())
    assert "s3cret" not in repr(session)


async def test_the_agents_token_is_stored_nowhere(world: World, database: Database) -> None:
    session = await world.ready()
    token = world.agent(session).config.token
    from sqlalchemy import text

    async with database.read() as connection:
        row = (await connection.execute(text("select * from sessions"))).mappings().one()
    assert not any(token in str(value) for value in row.values())


async def test_readiness_tells_everything_that_stands_in_the_way(make_world: Make, chromium: None) -> None:
    async def fine() -> None:
        return None

    async def broken() -> str:
        return "the disk is full"

    world = make_world(limits=AdmissionLimits(1, 1), probes={"database": fine, "disk": broken})
    assert await world.manager.readiness() == {"disk": "the disk is full"}
    await world.ready()
    assert set(await world.manager.readiness()) == {"capacity", "disk"}


async def test_events_are_told_from_where_the_listener_left_off_to_the_end(world: World) -> None:
    session = await world.ready()
    first = await world.told(session.id, EventType.CREATED)
    async with asyncio.TaskGroup() as group, asyncio.timeout(5):

        async def listen() -> list[str]:
            told = world.manager.events(ANN, session.id, after=EventId(first.id))
            return [str(event.type) async for event in told]

        listening = group.create_task(listen())
        await asyncio.sleep(0)
        await world.manager.close(ANN, session.id)
    assert listening.result() == ["browser.ready", "session.ready", "session.closing", "session.closed"]
    again = [str(event.type) async for event in world.manager.events(ANN, session.id)]
    assert again == ["session.created", *listening.result()]


async def test_a_draining_server_admits_no_one_and_lets_what_starts_come_up(world: World, driver: AgentDriver) -> None:
    driver.holds["start"] = asyncio.Event()
    pending = await world.manager.create(ANN, SessionRequest(), wait=False)
    draining = asyncio.gather(world.manager.drain())
    await asyncio.sleep(0)
    with pytest.raises(NoRoomError):
        await world.ready(BOB)
    assert "capacity" in await world.manager.readiness()
    driver.holds.pop("start").set()
    await asyncio.wait_for(draining, 5)

    assert (await world.manager.get(ANN, pending.id)).status is SessionStatus.READY


async def test_a_server_that_stops_ends_every_session_for_that_reason(world: World) -> None:
    sessions = [await world.ready() for _ in range(3)]
    await world.manager.end_all()

    for session in sessions:
        found = await world.manager.get(ANN, session.id)
        assert (found.status, found.reason) == (SessionStatus.CLOSED, "server_stopping")
    assert world.driver.host.sandboxes == {}


async def test_a_session_is_closed_when_nothing_lives_in_it_and_removed_after_that(
    world: World, driver: AgentDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = asyncio.Event()
    real = driver.destroy

    async def slow(sandbox: Sandbox) -> None:
        await go_on.wait()
        await real(sandbox)

    monkeypatch.setattr(driver, "destroy", slow)
    session = await world.ready()
    closed = await world.manager.close(ANN, session.id)

    assert closed.status is SessionStatus.CLOSED
    (left,) = driver.host.sandboxes.values()
    assert left.agent is not None
    assert left.agent.done()
    assert (await world.history(session.id))[-2:] == ["session.closing", "session.closed"]
    await world.ready()  # its place is free
    ending = spawn(world.manager.end_all(), name="end")
    while len(world.removals) < 2:
        await asyncio.sleep(0)
    assert not ending.done(), "the server does not leave before all has been removed"
    go_on.set()
    await ending
    assert driver.host.sandboxes == {}


@pytest.mark.parametrize(("verb", "told"), [("stop", "session_part_left"), ("destroy", "sandbox_not_removed")])
async def test_a_driver_that_fails_while_a_session_ends_does_not_keep_its_place(
    make_world: Make, driver: AgentDriver, chromium: None, verb: str, told: str
) -> None:
    world = make_world(limits=AdmissionLimits(1, 1))
    session = await world.ready()
    driver.fails[verb] = ValueError("cannot")
    with capture_logs() as logs:
        closed = await world.manager.close(ANN, session.id)
        await world.removals.settled()
    driver.fails.clear()

    assert closed.status is SessionStatus.CLOSED
    assert told in [entry["event"] for entry in logs]
    await world.recover()  # as the next start does: reaps what was left
    assert driver.host.sandboxes == {}
    await world.ready()
