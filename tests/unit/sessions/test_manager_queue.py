"""What sessions do while they wait for their place."""

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from cloche.concurrency.tasks import spawn
from cloche.errors import NoRoomError, QuotaError
from cloche.process.pressure import HostReadings
from cloche.sessions.admission import AdmissionLimits
from cloche.sessions.model import EventType, Session, SessionRequest, SessionStatus, Started
from cloche.sessions.pool.keeper import PoolSettings
from cloche.sessions.pressure.demand import UNKNOWN_MEMORY_BYTES
from cloche.sessions.pressure.gauge import Gauge
from cloche.sessions.pressure.judge import Thresholds
from cloche.sessions.pressure.machine import MachinePressure
from cloche.sessions.pressure.relief import Reliefs
from cloche.sessions.waiting.queue import QueueLimits
from cloche.testing.agent_driver import AgentDriver
from cloche.testing.cancelling import cancelled_at
from cloche.testing.clock import FakeClock
from cloche.testing.session_world import ADMIN, ANN, BOB, World

Make = Callable[..., World]


@pytest.fixture
def small(make_world: Make, chromium: None) -> World:
    """One place, and room for ten who wait."""
    return make_world(limits=AdmissionLimits(1, 5), queue=QueueLimits(size=10, timeout_s=60))


async def until_waiting(world: World, count: int) -> None:
    async with asyncio.timeout(5):
        while world.manager._queue.waiting != count:
            await asyncio.sleep(0)


async def ended(world: World, session: Session) -> Session:
    async with asyncio.timeout(5):
        while (found := await world.manager.get(ADMIN, session.id)).closed_at is None:
            await asyncio.sleep(0.005)
    return found


async def pending(world: World, **request: float) -> Session:
    return await world.manager.create(BOB, SessionRequest(**request), wait=False)  # type: ignore[arg-type]


async def test_a_create_that_waits_has_nothing_until_its_turn_comes(small: World) -> None:
    first = await small.ready()
    waiting = spawn(small.ready(BOB), name="second")
    await until_waiting(small, 1)
    assert [session.id for session in (await small.manager.list(ADMIN)).sessions] == [first.id]
    reasons = await small.manager.readiness()
    assert reasons == {"capacity": "the server has as many sessions as it may; 1 wait for a place"}
    await small.manager.close(ANN, first.id)
    second = await waiting
    assert (second.owner, second.status, second.queue_position) == (BOB.name, SessionStatus.READY, None)
    measured = small.measured()
    assert measured['cloche_admission_waits_total{outcome="admitted"}'] == 1
    assert measured["cloche_admission_wait_seconds_count"] == 1
    assert measured["cloche_admission_queue_length"] == 0


async def test_one_that_is_not_waited_for_is_pending_and_says_where_it_stands(small: World) -> None:
    first = await small.ready()
    second, third = await pending(small), await pending(small)
    assert [session.status for session in (second, third)] == [SessionStatus.PENDING] * 2
    assert [session.queue_position for session in (second, third)] == [1, 2]
    told = await small.told(third.id, EventType.QUEUED)
    assert told.data == {"position": 2, "waiting": 2}
    assert (await small.manager.get(BOB, third.id)).queue_position == 2
    await small.manager.close(ANN, first.id)
    await small.told(second.id, EventType.READY)
    assert (await small.manager.get(BOB, second.id)).queue_position is None
    listed = (await small.manager.list(BOB)).sessions
    assert {session.id: session.queue_position for session in listed} == {second.id: None, third.id: 1}
    await small.manager.close(BOB, second.id)
    await small.told(third.id, EventType.READY)
    assert await small.history(second.id) == [
        "session.created",
        "session.queued",
        "browser.ready",
        "session.ready",
        "session.closing",
        "session.closed",
    ]


async def test_the_start_is_not_measured_from_before_the_wait(small: World, clock: FakeClock) -> None:
    first = await small.ready()
    second = await pending(small)
    await small.told(second.id, EventType.QUEUED)
    clock.advance(30)
    await small.manager.close(ANN, first.id)
    await small.told(second.id, EventType.READY)
    assert small.measured()['cloche_session_start_seconds_bucket{le="0.05"}'] == 2
    assert small.measured()["cloche_admission_wait_seconds_sum"] == 30


async def test_closing_one_that_waits_lets_it_leave_and_frees_no_place(small: World) -> None:
    first = await small.ready()
    second = await pending(small)
    await small.told(second.id, EventType.QUEUED)
    closed = await small.manager.close(BOB, second.id)
    assert (closed.status, closed.reason, closed.queue_position) == (SessionStatus.CLOSED, "closed_by_user", None)
    assert small.manager._queue.waiting == 0
    with pytest.raises(NoRoomError):
        await small.ready(BOB, queue_timeout_s=0.0)
    await small.manager.close(ANN, first.id)
    await small.ready(BOB)


async def test_one_whose_time_passes_fails_and_says_that_no_place_came_free(small: World, clock: FakeClock) -> None:
    await small.ready()
    second = await pending(small, queue_timeout_s=5.0)
    await small.told(second.id, EventType.QUEUED)
    clock.advance(5)
    with capture_logs():
        small.manager._queue.look()
        failed = await ended(small, second)
    assert (failed.status, failed.reason) == (SessionStatus.FAILED, "start_failed")
    told = await small.told(second.id, EventType.FAILED)
    assert told.data["detail"] == "queue_timeout"
    assert small.manager._queue.waiting == 0


async def test_what_a_create_says_of_its_own_time_goes_before_the_servers(small: World) -> None:
    await small.ready()
    with pytest.raises(NoRoomError) as caught:
        await small.ready(BOB, queue_timeout_s=0.0)
    assert caught.value.fields["reason"] == "sessions"
    name = 'cloche_admissions_refused_total{code="busy",reason="sessions"}'
    assert small.measured()[name] == 1


async def test_a_quota_is_not_waited_for(make_world: Make, chromium: None) -> None:
    world = make_world(limits=AdmissionLimits(5, 1), queue=QueueLimits(size=10, timeout_s=60))
    await world.ready()
    with pytest.raises(QuotaError):
        await world.ready()


async def test_a_server_that_stops_sends_away_who_waits_and_its_drain_ends(small: World) -> None:
    await small.ready()
    second = await pending(small)
    waiting = spawn(small.ready(ANN), name="third")
    await until_waiting(small, 2)
    with capture_logs():
        async with asyncio.timeout(5):
            await small.manager.drain()
        with pytest.raises(NoRoomError) as caught:
            await waiting
        failed = await ended(small, second)
    assert caught.value.fields["reason"] == "stopping"
    assert failed.status is SessionStatus.FAILED
    assert (await small.told(second.id, EventType.FAILED)).data["detail"] == "stopping"


@pytest.mark.parametrize("wait", [True, False])
async def test_a_create_given_up_at_any_of_its_waits_keeps_no_place(small: World, *, wait: bool) -> None:
    for step in range(50):
        first = await small.ready()
        closing = spawn(close_when_waited_for(small, first), name="close")
        work = small.manager.create(BOB, SessionRequest(), wait=wait)
        was_cancelled = await cancelled_at(work, step)
        await closing
        await small.manager._creation.settled()
        for session in (await small.manager.list(BOB, status=SessionStatus.READY)).sessions:
            await small.manager.close(BOB, session.id)
        assert small.manager._queue._admission.taken == small.manager._queue.waiting == 0, step
        if not was_cancelled:
            break
    else:
        pytest.fail("it never came to its end")
    assert step >= 1


async def close_when_waited_for(world: World, session: Session) -> None:
    """End it once somebody waits; or after a while, when nobody does any more."""
    for _ in range(20):
        if world.manager._queue.waiting:
            break
        await asyncio.sleep(0)
    await world.manager.close(ANN, session.id)


async def test_sessions_on_their_way_count_with_what_others_are_seen_to_take(
    make_world: Make, driver: AgentDriver, chromium: None, clock: FakeClock
) -> None:
    memory = [2 * UNKNOWN_MEMORY_BYTES]

    def read() -> HostReadings:
        return HostReadings(memory_total=1 << 40, memory_available=memory[0])

    pressure = MachinePressure(Gauge(read, clock), Thresholds(memory_reserve_bytes=0), Reliefs((), clock))
    world = make_world(pressure=pressure)
    driver.holds["start"] = asyncio.Event()
    coming = [await world.manager.create(ANN, SessionRequest(), wait=False) for _ in range(2)]
    with pytest.raises(NoRoomError) as caught:
        await world.ready()
    assert caught.value.fields["reason"] == "memory"
    assert await world.manager.readiness() == {"capacity": "the server is short of memory; 0 wait for a place"}
    driver.holds.pop("start").set()
    for session in coming:
        await world.told(session.id, EventType.READY)
    clock.advance(2)  # they are up, and what they take is in what is left
    memory[0] = 2 * UNKNOWN_MEMORY_BYTES
    assert (await world.ready()).status is SessionStatus.READY


async def test_a_machine_that_is_short_still_gives_what_is_warm(
    make_world: Make, chromium: None, clock: FakeClock
) -> None:
    available = 1 << 38

    def read() -> HostReadings:
        return HostReadings(memory_total=1 << 40, memory_available=available)

    pressure = MachinePressure(Gauge(read, clock), Thresholds(memory_reserve_bytes=0), Reliefs((), clock))
    world = make_world(pressure=pressure, pool=PoolSettings(size=1, settle_s=0))
    world.manager.begin_pool()
    async with asyncio.timeout(5):
        while not any(facts.is_frozen for facts in world.driver.host.sandboxes.values()):
            await asyncio.sleep(0.005)
    available = 0
    clock.advance(5)
    session = await world.ready()
    assert session.started is Started.WARM
    clock.advance(5)
    with pytest.raises(NoRoomError):
        await world.ready()
