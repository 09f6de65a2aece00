"""Who is laid down and who rises, in which order, and what is left when something goes wrong in between."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from cloche.concurrency.tasks import spawn
from cloche.errors import (
    BusyError,
    ClocheError,
    ConflictError,
    GoneError,
    InternalError,
    InvalidError,
    NotFoundError,
    QuotaError,
    StartError,
)
from cloche.ids import SessionId
from cloche.sessions import rows
from cloche.sessions.admission import AdmissionLimits
from cloche.sessions.hibernation import lying
from cloche.sessions.model import EventType, Session, SessionRequest, SessionStatus
from cloche.sessions.profiles.keeper import ProfileKeeper
from cloche.sessions.resting import StandbyRequest
from cloche.storage.database import Database
from cloche.testing.agent_driver import AgentDriver
from cloche.testing.clock import FakeClock
from cloche.testing.session_world import ADMIN, ANN, BOB, World
from cloche.testing.shelf import Shelf

Make = Callable[..., World]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def world(make_world: Make, shelf: Shelf, chromium: None) -> AsyncIterator[World]:
    world = make_world(profiles=shelf)
    yield world
    shelf.may_save.set()
    shelf.may_restore.set()


@pytest.fixture
def after(make_world: Make, driver: AgentDriver, shelf: Shelf) -> Callable[..., World]:
    """Make the world of the next daemon, over the same sandboxes, rows and snapshots."""

    def next_daemon(**changes: object) -> World:
        return make_world(driver=driver.restarted(), profiles=shelf, **changes)

    return next_daemon


async def row_of(database: Database, session: Session) -> Session:
    async with database.read() as connection:
        found = await rows.get(connection, session.id)
    assert found is not None
    return found


async def until(question: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not question():
            await asyncio.sleep(0.001)


async def lain_down(world: World, **request: Any) -> Session:
    session = await world.ready(**request)
    hibernated = await world.manager.hibernate(ANN, session.id)
    assert hibernated.status is SessionStatus.HIBERNATED
    await until(lambda: session.id not in world.driver.host.sandboxes)  # removed behind the answer's back
    return hibernated


def runners(world: World) -> dict[SessionId, Any]:
    return world.manager._roster.runners


async def test_the_snapshot_comes_first_then_the_row_and_then_the_sandbox_goes(
    world: World, shelf: Shelf, driver: AgentDriver, database: Database
) -> None:
    session = await world.ready()
    driver.holds["stop"] = asyncio.Event()
    shelf.may_save.clear()
    falling = spawn(world.manager.hibernate(ANN, session.id), name="falling")
    await until(lambda: shelf.done == ["saving"])
    assert (await row_of(database, session)).status is SessionStatus.READY
    shelf.may_save.set()
    await driver.reached["stop"].wait()
    row = await row_of(database, session)
    assert (row.status, row.snapshot) == (SessionStatus.HIBERNATED, shelf.kept[session.id])
    assert session.id in driver.host.sandboxes
    driver.holds.pop("stop").set()
    assert (await falling).status is SessionStatus.HIBERNATED
    assert driver.host.sandboxes == {}
    assert shelf.done == ["saving", "saved"]


async def test_whoever_comes_has_it_back_and_a_hundred_have_it_back_once(
    world: World, shelf: Shelf, driver: AgentDriver, database: Database
) -> None:
    session = await lain_down(world)
    created = driver.calls["create"]

    async def come() -> bytes:
        async with world.manager.attach(ANN, session.id, quiet=True) as attachment:
            with await attachment.dial() as sock:
                return await asyncio.get_running_loop().sock_recv(sock, 5)

    assert await asyncio.gather(*(come() for _ in range(100))) == [b"hello"] * 100
    assert driver.calls["create"] == created + 1
    row = await row_of(database, session)
    assert (row.status, row.snapshot, shelf.kept) == (SessionStatus.READY, None, {})
    assert shelf.done == ["saving", "saved", "restored", "dropped"]
    awake = await world.told(session.id, EventType.AWAKE)
    assert awake.data["hibernated"] is True
    assert (await world.history(session.id)).count("session.awake") == 1


@pytest.mark.parametrize("door", ["agent", "browser", "live", "wake"])
async def test_every_door_brings_it_back(world: World, door: str) -> None:
    session = await lain_down(world)
    await getattr(world.manager, door)(ANN, session.id)
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY


async def test_looking_at_it_extending_it_and_putting_it_to_sleep_do_not(world: World, driver: AgentDriver) -> None:
    session = await lain_down(world)
    created = driver.calls["create"]
    for _ in range(2):
        assert (await world.manager.hibernate(ANN, session.id)).status is SessionStatus.HIBERNATED
    assert (await world.manager.sleep(ANN, session.id)).status is SessionStatus.HIBERNATED
    assert (await world.manager.extend(ANN, session.id, lifetime_s=100)).status is SessionStatus.HIBERNATED
    (shown,) = (await world.manager.list(ANN, status=SessionStatus.HIBERNATED)).sessions
    assert (shown.id, shown.usage.memory_bytes) == (session.id, 0)
    assert driver.calls["create"] == created
    assert world.measured()['cloche_sessions_live{status="hibernated"}'] == 1


async def test_who_comes_while_its_state_is_saved_has_it_go_on(world: World, shelf: Shelf, database: Database) -> None:
    session = await world.ready()
    shelf.may_save.clear()
    falling = spawn(world.manager.hibernate(ANN, session.id), name="falling")
    await until(lambda: shelf.done == ["saving"])
    async with world.manager.attach(ANN, session.id):
        shelf.may_save.set()
        with pytest.raises(ConflictError) as refused:
            await falling
    assert refused.value.fields["reason"] == "session_in_use"
    assert shelf.done == ["saving", "saved", "gone on"]
    assert (await row_of(database, session)).status is SessionStatus.READY
    assert world.measured()['cloche_session_hibernations_failed_total{reason="session_in_use"}'] == 1


async def test_who_has_asked_for_it_and_not_used_it_yet_counts_too(world: World, shelf: Shelf) -> None:
    session = await world.ready()
    shelf.may_save.clear()
    falling = spawn(world.manager.hibernate(ANN, session.id), name="falling")
    await until(lambda: shelf.done == ["saving"])
    machine = await world.manager.machine(ANN, session.id, whole=False)
    shelf.may_save.set()
    with pytest.raises(ConflictError, match="in use"):
        await falling
    async with machine.tunnel():
        assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY


async def test_what_was_held_on_to_from_before_says_to_ask_again(world: World) -> None:
    session = await world.ready()
    machine = await world.manager.machine(ANN, session.id, whole=False)
    await world.manager.hibernate(ANN, session.id)
    with pytest.raises(ConflictError) as refused:
        async with machine.tunnel():
            pass
    assert refused.value.fields["reason"] == "session_hibernated"


@pytest.mark.parametrize(
    ("request_", "reason"), [({"private": True}, "private_session"), ({"machine": True}, "machine_session")]
)
async def test_what_must_not_be_kept_is_not(world: World, shelf: Shelf, request_: dict[str, bool], reason: str) -> None:
    session = await world.manager.create(ADMIN, _request(**request_))
    with pytest.raises(ConflictError) as refused:
        await world.manager.hibernate(ADMIN, session.id)
    assert (refused.value.fields["reason"], shelf.done) == (reason, [])
    with pytest.raises(InvalidError):
        await world.manager.create(ADMIN, _request(**request_, standby=StandbyRequest(hibernate_after_s=60)))


async def test_a_server_without_a_key_keeps_nothing(make_world: Make, chromium: None) -> None:
    world = make_world(profiles=ProfileKeeper(None))
    session = await world.ready()
    with pytest.raises(ConflictError) as refused:
        await world.manager.hibernate(ANN, session.id)
    assert refused.value.fields["reason"] == "profiles_off"
    with pytest.raises(ConflictError):
        await world.ready(standby=StandbyRequest(hibernate_after_s=60))
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY


async def test_a_state_that_cannot_be_saved_leaves_it_running(world: World, shelf: Shelf) -> None:
    session = await world.ready()
    shelf.saving_fails = ConflictError("full", reason="storage_full")
    with pytest.raises(ConflictError):
        await world.manager.hibernate(ANN, session.id)
    assert shelf.done == ["saving", "gone on"]
    async with world.manager.attach(ANN, session.id):
        assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY


async def test_a_row_that_cannot_be_written_leaves_it_running(
    world: World, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await world.ready()
    await world.manager.sleep(ANN, session.id)

    async def fail(_: Session) -> None:
        raise OperationalError("update", {}, Exception("disk I/O error"))

    monkeypatch.setattr(world.manager._store, "lay_down", fail)
    with pytest.raises(InternalError):
        await world.manager.hibernate(ANN, session.id)
    assert shelf.done == ["saving", "saved", "gone on"]
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY


@pytest.mark.parametrize("verb", ["create", "start", "connect"])
async def test_a_wake_that_fails_says_why_and_may_be_tried_again(
    world: World, shelf: Shelf, driver: AgentDriver, database: Database, verb: str
) -> None:
    session = await lain_down(world)
    driver.fails[verb] = StartError("no room on the disk", reason="run_dir_full")
    with pytest.raises(StartError) as refused:
        await world.manager.browser(ANN, session.id)
    assert refused.value.reason == "run_dir_full"
    assert (await row_of(database, session)).status is SessionStatus.HIBERNATED
    assert (driver.host.sandboxes, list(shelf.kept)) == ({}, [session.id])
    driver.fails.clear()
    await world.manager.wake(ANN, session.id)
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY


async def test_a_state_that_is_not_taken_stays_and_one_that_is_gone_ends_it(world: World, shelf: Shelf) -> None:
    session = await lain_down(world)
    shelf.restoring_fails = ConflictError("damaged", reason="profile_damaged")
    for _ in range(2):
        with pytest.raises(ConflictError) as refused:
            await world.manager.wake(ANN, session.id)
        assert refused.value.fields["reason"] == "profile_damaged"
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.HIBERNATED
    shelf.restoring_fails = NotFoundError("no such profile")
    with pytest.raises(GoneError) as gone:
        await world.manager.wake(ANN, session.id)
    assert gone.value.fields["reason"] == "snapshot_lost"
    ended = await world.manager.get(ANN, session.id)
    assert (ended.status, ended.reason) == (SessionStatus.FAILED, "snapshot_lost")


async def test_a_wake_that_could_not_be_written_down_leaves_it_lying(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await lain_down(world)
    bring_back = world.manager._store.bring_back

    async def fail(session: Session, **facts: Any) -> None:
        await bring_back(session, **facts)  # written, and the answer is lost
        raise OperationalError("update", {}, Exception("disk I/O error"))

    monkeypatch.setattr(world.manager._store, "bring_back", fail)
    with pytest.raises(InternalError):
        await world.manager.wake(ANN, session.id)
    row = await row_of(database, session)
    assert (row.status, row.snapshot) == (SessionStatus.HIBERNATED, session.snapshot)
    monkeypatch.undo()
    await world.manager.wake(ANN, session.id)
    assert (await row_of(database, session)).status is SessionStatus.READY


async def test_it_keeps_its_principals_place_and_frees_the_servers(
    make_world: Make, shelf: Shelf, chromium: None
) -> None:
    world = make_world(profiles=shelf, limits=AdmissionLimits(1, 1))
    session = await lain_down(world)
    with pytest.raises(QuotaError):
        await world.ready()
    other = await world.ready(BOB)
    with pytest.raises(BusyError):
        await world.manager.wake(ANN, session.id)
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.HIBERNATED
    await world.manager.close(BOB, other.id)
    await world.manager.wake(ANN, session.id)
    with pytest.raises(BusyError):
        await world.ready(BOB)
    await world.manager.hibernate(ANN, session.id)
    await world.manager.close(ANN, session.id)
    assert shelf.kept == {}
    await world.manager.close(ANN, (await world.ready()).id)


async def test_what_it_has_taken_goes_on_counting(world: World) -> None:
    session = await world.ready()
    runner = runners(world)[session.id]
    runner.accounts.counters.bytes_in = 700
    await runner.refresh_usage()
    spent = runner.current().usage.cpu_seconds
    await world.manager.hibernate(ANN, session.id)
    await world.manager.wake(ANN, session.id)
    woken = runners(world)[session.id]
    assert woken is not runner
    woken.accounts.counters.bytes_in += 1
    used = (await world.manager.get(ANN, session.id)).usage
    assert (used.egress_bytes_in, used.cpu_seconds) == (701, spent * 2)
    assert used.memory_bytes


async def test_it_ends_with_its_lifetime_and_not_by_idling(
    world: World, shelf: Shelf, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lying, "LOOK_EVERY_S", 0.01)
    session = await lain_down(world, idle_timeout_s=10, lifetime_s=600)
    clock.advance(300)
    await asyncio.sleep(0.05)
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.HIBERNATED
    clock.advance(301)
    await world.told(session.id, EventType.CLOSED)
    ended = await world.manager.get(ANN, session.id)
    assert (ended.status, ended.reason, shelf.kept) == (SessionStatus.CLOSED, "lifetime_reached", {})


async def test_asleep_for_as_long_as_was_asked_it_is_hibernated_by_itself(world: World, shelf: Shelf) -> None:
    session = await world.ready(standby=StandbyRequest(after_s=1, hibernate_after_s=1))
    told = await world.told(session.id, EventType.HIBERNATED)
    assert told.data["reason"] == "asleep"
    history = await world.history(session.id)
    assert history.index("session.asleep") < history.index("session.hibernated")
    assert "session.awake" not in history


async def test_when_room_is_short_those_go_that_have_slept_longest(world: World, clock: FakeClock) -> None:
    slept = []
    for _ in range(4):
        session = await world.ready()
        await world.manager.sleep(ANN, session.id)
        slept.append(session.id)
        clock.advance(10)
    kept = await world.manager.create(ADMIN, _request(machine=True))
    await world.manager.sleep(ADMIN, kept.id)
    await world.ready()
    await world.manager.wake(ANN, slept[0])
    assert await world.manager.hibernation.hibernate_longest_asleep(2) == 2
    lying_now = {session.id for session in (await world.manager.list(ADMIN, status=SessionStatus.HIBERNATED)).sessions}
    assert lying_now == {slept[1], slept[2]}
    assert await world.manager.hibernation.hibernate_longest_asleep(5) == 1


@pytest.mark.parametrize("moment", ["saving", "stopping", "restoring"])
async def test_its_end_in_the_middle_is_its_end(
    world: World, shelf: Shelf, driver: AgentDriver, database: Database, moment: str
) -> None:
    session = await (lain_down(world) if moment == "restoring" else world.ready())
    going: asyncio.Task[Any]
    if moment == "restoring":
        shelf.may_restore.clear()
        going = spawn(world.manager.wake(ANN, session.id), name="rising")
        await until(lambda: session.id in driver.host.sandboxes)
    else:
        hold = driver.holds["stop"] = asyncio.Event()
        if moment == "saving":
            shelf.may_save.clear()
        going = spawn(world.manager.hibernate(ANN, session.id), name="falling")
        await (until(lambda: "saving" in shelf.done) if moment == "saving" else driver.reached["stop"].wait())
        hold.set()
    ending = spawn(world.manager.close(ANN, session.id), name="ending")
    await asyncio.sleep(0)
    shelf.may_save.set()
    assert (await ending).status is SessionStatus.CLOSED
    shelf.may_restore.set()
    await asyncio.wait({going})
    if moment != "stopping":
        assert isinstance(going.exception(), ClocheError)
    assert (await row_of(database, session)).status is SessionStatus.CLOSED
    assert (shelf.kept, driver.host.sandboxes, runners(world)) == ({}, {}, {})
    await world.manager.close(ANN, (await world.ready()).id)


async def test_who_asks_and_hangs_up_leaves_it_whole(world: World, shelf: Shelf) -> None:
    session = await world.ready()
    shelf.may_save.clear()
    falling = spawn(world.manager.hibernate(ANN, session.id), name="falling")
    await until(lambda: shelf.done == ["saving"])
    falling.cancel()
    await asyncio.wait({falling})
    shelf.may_save.set()
    await world.told(session.id, EventType.HIBERNATED)
    shelf.may_restore.clear()
    rising = spawn(world.manager.wake(ANN, session.id), name="rising")
    await asyncio.sleep(0.01)
    rising.cancel()
    await asyncio.wait({rising})
    shelf.may_restore.set()
    await world.told(session.id, EventType.AWAKE)
    assert (await world.manager.get(ANN, session.id)).status is SessionStatus.READY


async def test_the_next_daemon_finds_it_lying_and_brings_it_back(world: World, after: Make, shelf: Shelf) -> None:
    session = await lain_down(world)
    running = await world.ready()
    await world.manager.drain()
    await world.manager.end_all()
    await world.resolver.close()
    world.handed_over = True
    restarted = after()
    await restarted.recover()
    await restarted.manager.tidy_profiles()
    assert (await restarted.manager.get(ANN, running.id)).reason == "server_stopping"
    assert (await restarted.manager.get(ANN, session.id)).status is SessionStatus.HIBERNATED
    assert list(shelf.kept) == [session.id]
    await restarted.manager.wake(ANN, session.id)
    await restarted.hand_over()
    third = after()
    await third.recover()
    assert (await third.manager.get(ANN, session.id)).status is SessionStatus.READY


async def test_what_a_crash_leaves_of_a_sandbox_goes_and_the_snapshot_stays(
    world: World, after: Make, shelf: Shelf, driver: AgentDriver
) -> None:
    falling, rising = await world.ready(), await lain_down(world)
    driver.reached["stop"].clear()  # that was the one which lay down
    driver.holds["stop"] = asyncio.Event()
    shelf.may_restore.clear()
    going = [
        spawn(world.manager.hibernate(ANN, falling.id), name="falling"),
        spawn(world.manager.wake(ANN, rising.id), name="rising"),
    ]
    await driver.reached["stop"].wait()
    await until(lambda: rising.id in driver.host.sandboxes)
    assert set(driver.host.sandboxes) == {falling.id, rising.id}
    # The crash: another daemon over what there is. The first is let go only once that is done.
    restarted = after()
    await restarted.recover()
    for session in (falling, rising):
        assert (await restarted.manager.get(ANN, session.id)).status is SessionStatus.HIBERNATED
    assert (driver.host.sandboxes, set(shelf.kept)) == ({}, {falling.id, rising.id})
    world.handed_over = True
    driver.holds.pop("stop").set()
    shelf.restoring_fails = StartError("crashed", reason="crashed")
    shelf.may_restore.set()
    await asyncio.wait(going)
    await world.manager.drain()
    await world.resolver.close()


def _request(**options: Any) -> SessionRequest:
    return SessionRequest(**options)
