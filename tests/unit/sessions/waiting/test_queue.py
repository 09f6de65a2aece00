import asyncio
from collections import Counter
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from cloche.concurrency.tasks import spawn
from cloche.errors import NoRoomError, QuotaError
from cloche.ids import PrincipalName
from cloche.process.pressure import HostReadings
from cloche.sessions.admission import Admission, AdmissionLimits, Refused
from cloche.sessions.pressure.demand import Demand, Footprint
from cloche.sessions.pressure.gauge import Gauge
from cloche.sessions.pressure.judge import Thresholds
from cloche.sessions.pressure.machine import MachinePressure
from cloche.sessions.pressure.relief import Need, Reliefs
from cloche.sessions.waiting.news import Outcome
from cloche.sessions.waiting.place import Place
from cloche.sessions.waiting.queue import AdmissionQueue, QueueLimits
from cloche.testing.cancelling import cancelled_at
from cloche.testing.clock import FakeClock

ANN, BOB, CAT = (PrincipalName(name) for name in ("ann", "bob", "cat"))


@dataclass
class News:
    lengths: list[int] = field(default_factory=list)
    outcomes: list[tuple[Outcome, float]] = field(default_factory=list)
    short: list[Refused | None] = field(default_factory=list)

    def waiting(self, length: int) -> None:
        self.lengths.append(length)

    def waited(self, outcome: Outcome, waited_s: float) -> None:
        self.outcomes.append((outcome, waited_s))

    def short_of(self, resource: Refused | None) -> None:
        self.short.append(resource)


class Box:
    """A machine with memory for so many sessions of 100 bytes, and warm sandboxes that can be given up."""

    name = "warm"

    def __init__(self, memory: int, *, warm: int = 0) -> None:
        self.memory, self.warm, self.given_up = memory, warm, 0

    def read(self) -> HostReadings:
        return HostReadings(memory_total=1 << 20, memory_available=self.memory)

    async def relieve(self, need: Need) -> int:
        freed = 0
        while freed < need.amount and self.warm:
            freed, self.warm, self.given_up = freed + 100, self.warm - 1, self.given_up + 1
        self.memory += freed
        return freed


class Queue:
    """A queue, and who has which place."""

    def __init__(
        self,
        places: int,
        *,
        quota: int = 1000,
        size: int = 1000,
        timeout_s: float = 60.0,
        box: Box | None = None,
    ) -> None:
        self.clock, self.news, self.box = FakeClock(), News(), box
        self.admission = Admission(AdmissionLimits(places, quota))
        pressure = None
        if box is not None:
            reliefs = Reliefs((box,), self.clock)
            pressure = MachinePressure(Gauge(box.read, self.clock), Thresholds(memory_reserve_bytes=0), reliefs)
        self.settled = 0
        """How many sessions are up, and take what they take."""
        self.queue = AdmissionQueue(
            self.admission,
            QueueLimits(size=size, timeout_s=timeout_s),
            self.clock,
            self.news,
            pressure=pressure,
            demand=lambda places: Demand(Footprint(100, 1), places - self.settled),
        )
        self.served: list[PrincipalName] = []
        self.held: list[Place] = []

    async def ask(self, who: PrincipalName, timeout_s: float | None = None) -> Place:
        place = await self.queue.take(who, timeout_s=timeout_s)
        self.served.append(who)
        self.held.append(place)
        return place

    async def waiting(self, *names: PrincipalName, timeout_s: float | None = None) -> "list[asyncio.Task[Place]]":
        """Ask for places until all of these wait."""
        asking = [spawn(self.ask(name, timeout_s), name=f"ask:{name}:{n}") for n, name in enumerate(names)]
        await self.until(len(names) + self.queue.waiting)
        return asking

    async def until(self, waiting: int) -> None:
        async with asyncio.timeout(5):
            while self.queue.waiting != waiting:
                await asyncio.sleep(0)
        await settle()

    async def close(self) -> None:
        """Send away who still waits."""
        await self.queue.close()
        await settle()

    def outcomes(self) -> Counter[Outcome]:
        return Counter(outcome for outcome, _ in self.news.outcomes)


async def settle() -> None:
    """Let everything that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def refusal(asking: "asyncio.Task[Place]") -> NoRoomError:
    with pytest.raises(NoRoomError) as caught:
        await asyncio.wait_for(asking, 5)
    return caught.value


async def test_a_place_that_is_free_is_taken_at_once_and_without_waiting() -> None:
    queue = Queue(2)
    place = await queue.ask(ANN)
    assert (place.is_waiting, place.position, place.waited_s) == (False, None, 0.0)
    assert (queue.queue.waiting, queue.news.outcomes) == (0, [])


async def test_a_hundred_of_three_principals_are_served_in_turn() -> None:
    queue = Queue(1)
    first = await queue.ask(CAT)
    asking = await queue.waiting(*[ANN] * 80, *[BOB] * 15, *[CAT] * 5)
    queue.served.clear()
    first.give_back()
    for number in range(100):
        async with asyncio.timeout(5):
            while len(queue.served) <= number:
                await asyncio.sleep(0)
        assert queue.admission.taken == 1
        queue.held[-1].give_back()
    assert queue.served[:15] == [ANN, BOB, CAT] * 5
    assert queue.served[15:35] == [ANN, BOB] * 10
    assert queue.served[35:] == [ANN] * 65
    await asyncio.gather(*asking)
    assert (queue.admission.taken, queue.queue.waiting) == (0, 0)
    assert queue.outcomes() == {Outcome.ADMITTED: 100}
    assert (queue.news.lengths[0], max(queue.news.lengths), queue.news.lengths[-1]) == (1, 100, 0)


async def test_who_comes_later_overtakes_nobody() -> None:
    queue = Queue(1)
    held = await queue.ask(ANN)
    asking = await queue.waiting(ANN)
    held.give_back()
    late = spawn(queue.ask(BOB), name="late")  # the place is free, and meant for the one who waits
    await settle()
    assert queue.served == [ANN, ANN]
    assert not late.done()
    (await asking[0]).give_back()
    assert (await late).principal == BOB


async def test_a_cancelled_waiters_turn_goes_to_the_next() -> None:
    queue = Queue(1)
    held = await queue.ask(ANN)
    first, second = await queue.waiting(ANN, BOB)
    first.cancel()
    await queue.until(1)
    held.give_back()
    assert (await second).principal == BOB
    assert queue.admission.taken == 1
    assert queue.outcomes() == {Outcome.LEFT: 1, Outcome.ADMITTED: 1}


async def test_one_cancelled_in_the_moment_of_its_turn_hands_the_place_on() -> None:
    queue = Queue(1)
    held = await queue.ask(ANN)
    first, second = await queue.waiting(ANN, BOB)
    held.give_back()
    while queue.queue.waiting == 2:
        await asyncio.sleep(0)
    first.cancel()  # granted, and not told yet
    assert (await asyncio.wait_for(second, 5)).principal == BOB
    assert first.cancelled()
    assert queue.admission.taken == 1


async def test_a_create_cancelled_at_any_of_its_waits_keeps_no_place() -> None:
    for box in (None, Box(1000)):
        step = 0
        while True:
            queue = Queue(1, box=box)
            held = await queue.ask(BOB)
            spawn(hand_over(queue, held), name="hand-over")
            was_cancelled = await cancelled_at(queue.ask(ANN), step)
            await settle()
            held.give_back()
            await settle()
            expected = 0 if was_cancelled and ANN not in queue.served else 1
            assert (queue.admission.taken, queue.queue.waiting) == (expected, 0), step
            if not was_cancelled:
                break
            step += 1
        assert step >= 1


async def hand_over(queue: Queue, held: Place) -> None:
    while not queue.queue.waiting:
        await asyncio.sleep(0)
    held.give_back()


async def test_a_place_given_back_twice_is_free_once() -> None:
    queue = Queue(1)
    place = await queue.ask(ANN)
    place.give_back()
    place.give_back()
    await queue.ask(BOB)
    with pytest.raises(NoRoomError):
        await queue.ask(CAT, 0)
    assert queue.admission.taken == 1


async def test_the_deadline_passes_for_who_waits_too_long_and_for_no_other() -> None:
    queue = Queue(1)
    held = await queue.ask(ANN)
    (short,) = await queue.waiting(BOB, timeout_s=5)
    (long,) = await queue.waiting(CAT, timeout_s=50)
    queue.clock.advance(5)
    queue.queue.look()
    error = await refusal(short)
    assert error.fields == {"reason": "queue_timeout", "short_of": "sessions", "position": 1, "queued": 1}
    assert queue.news.outcomes == [(Outcome.TIMED_OUT, 5.0)]
    held.give_back()
    assert (await long).waited_s == 5.0


async def test_a_deadline_does_not_follow_the_wall_clock() -> None:
    queue = Queue(1)
    held = await queue.ask(ANN)
    (asking,) = await queue.waiting(BOB, timeout_s=5)
    for year in (2031, 2001):
        queue.clock.set_wall_clock(queue.clock.now().replace(year=year))
        queue.queue.look()
        await settle()
    assert not asking.done()
    held.give_back()
    assert (await asking).principal == BOB


async def test_the_time_a_create_names_is_lowered_to_the_ceiling() -> None:
    queue = Queue(1)
    await queue.ask(ANN)
    (asking,) = await queue.waiting(BOB, timeout_s=1e9)
    queue.clock.advance(300)
    queue.queue.look()
    assert (await refusal(asking)).fields["reason"] == "queue_timeout"


@pytest.mark.parametrize("queue", [{"timeout_s": 0.0}, {"size": 0}], ids=["no-time", "no-queue"])
async def test_without_a_queue_a_create_is_refused_at_once(queue: dict[str, float]) -> None:
    full = Queue(1, **queue)  # type: ignore[arg-type]
    await full.ask(ANN)
    with pytest.raises(NoRoomError) as caught:
        await full.ask(BOB)
    assert caught.value.fields == {"reason": "sessions", "short_of": "sessions", "position": 1, "queued": 0}
    assert full.news.lengths == []


async def test_ones_own_quota_refuses_at_once_also_counting_what_one_waits_for() -> None:
    queue = Queue(3, quota=3)
    await queue.ask(BOB)
    await queue.ask(BOB)
    held = await queue.ask(ANN)
    asking = await queue.waiting(ANN, ANN)
    with pytest.raises(QuotaError):
        await queue.ask(ANN)
    held.give_back()
    await asking[0]
    assert queue.admission.taken == 3
    await queue.close()


async def test_no_principal_can_fill_the_queue() -> None:
    queue = Queue(1, size=5)
    await queue.ask(ANN)
    await queue.waiting(ANN, ANN, ANN)
    with pytest.raises(NoRoomError) as caught:
        await queue.ask(ANN)
    assert caught.value.fields == {"reason": "queue_full", "short_of": "sessions", "position": 4, "queued": 3}
    await queue.waiting(BOB, CAT)
    with pytest.raises(NoRoomError) as caught:
        await queue.ask(CAT)
    assert (caught.value.fields["reason"], caught.value.fields["queued"]) == ("queue_full", 5)
    # In turn: ann, bob, cat, and only then the second of each.
    assert caught.value.fields["position"] == 5
    await queue.close()


async def test_positions_are_those_of_the_turns_and_move_up() -> None:
    queue = Queue(1)
    held = await queue.ask(CAT)
    places = [await queue.queue.take(name, wait=False) for name in (ANN, ANN, ANN, BOB)]
    assert [place.position for place in places] == [1, 3, 4, 2]
    told: list[tuple[int, int]] = []
    waiting = spawn(places[2].granted(lambda *now: told.append(now)), name="third")
    await settle()
    held.give_back()
    await settle()
    places[0].give_back()
    await settle()
    queue.clock.advance(1.0)  # who was told just now is not told again at once
    places[3].give_back()
    await settle()
    places[1].give_back()
    await waiting
    assert told == [(4, 4), (1, 1)]
    assert queue.admission.taken == 1


async def test_one_that_is_not_waited_for_comes_back_at_once_and_can_leave() -> None:
    queue = Queue(1)
    await queue.ask(ANN)
    place = await queue.queue.take(BOB, wait=False)
    assert (place.is_waiting, place.position) == (True, 1)
    place.give_back()
    place.give_back()
    assert (queue.queue.waiting, place.position) == (0, None)
    with pytest.raises(NoRoomError):
        await place.granted()
    assert queue.outcomes() == {Outcome.LEFT: 1}


async def test_when_the_server_stops_who_waits_is_sent_away_and_nobody_admitted() -> None:
    queue = Queue(1)
    held = await queue.ask(ANN)
    asking = await queue.waiting(ANN, BOB, CAT)
    await queue.close()
    for each in asking:
        assert (await refusal(each)).fields["reason"] == "stopping"
    held.give_back()
    with pytest.raises(NoRoomError) as caught:
        await queue.ask(ANN)
    assert caught.value.fields["reason"] == "stopping"
    assert await queue.queue.lacks() is Refused.STOPPING
    assert (queue.admission.taken, queue.outcomes()) == (0, {Outcome.STOPPED: 3})


async def test_a_session_of_an_earlier_daemon_is_counted_and_its_place_comes_back() -> None:
    queue = Queue(1)
    adopted = [queue.queue.take_back(ANN), queue.queue.take_back(ANN)]
    (asking,) = await queue.waiting(BOB)
    adopted[0].give_back()
    await settle()
    assert not asking.done()
    adopted[1].give_back()
    assert (await asking).principal == BOB


async def test_when_to_come_back_follows_the_rate_at_which_places_come_free() -> None:
    queue = Queue(1)
    for _ in range(4):
        place = await queue.ask(ANN)
        queue.clock.advance(3)
        place.give_back()
        await settle()
    await queue.ask(ANN)
    with pytest.raises(NoRoomError) as caught:
        await queue.ask(BOB, 0)
    assert caught.value.retry_after_s == 3  # four in nine seconds
    await queue.waiting(*[BOB] * 100)
    with pytest.raises(NoRoomError) as caught:
        await queue.ask(BOB, 0)
    assert caught.value.retry_after_s == 60
    await queue.close()


async def test_a_machine_without_memory_refuses_though_there_are_places() -> None:
    queue = Queue(10, timeout_s=0, box=Box(250))
    await queue.ask(ANN)
    await queue.ask(ANN)
    with pytest.raises(NoRoomError) as caught:
        await queue.ask(ANN)  # of the two on their way nothing is taken yet
    assert caught.value.fields == {"reason": "memory", "short_of": "memory", "position": 1, "queued": 0}
    assert caught.value.retry_after_s == 10
    assert await queue.queue.lacks() is Refused.MEMORY
    assert queue.news.short == [None, None, Refused.MEMORY]


async def test_something_is_given_up_before_a_create_waits() -> None:
    box = Box(100, warm=3)
    queue = Queue(10, timeout_s=0, box=box)
    await queue.ask(ANN)
    assert box.given_up == 0
    await queue.ask(ANN)
    assert box.given_up == 2  # for two sessions, and a quarter more
    await queue.ask(ANN)
    assert await queue.queue.lacks() is Refused.MEMORY
    assert (box.given_up, box.warm) == (2, 1)  # nothing is given up for a question


async def test_who_waits_for_memory_is_served_when_there_is_some_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloche.sessions.waiting.queue.LOOK_AGAIN_S", 0.0)
    box = Box(0)
    queue = Queue(10, box=box)
    asking = await queue.waiting(ANN, BOB)
    assert not asking[0].done()
    box.memory = 130  # for one
    queue.clock.advance(2)
    assert (await asyncio.wait_for(asking[0], 5)).principal == ANN
    await settle()
    assert not asking[1].done()
    box.memory = 1000
    queue.clock.advance(2)
    assert (await asyncio.wait_for(asking[1], 5)).principal == BOB
    assert queue.admission.taken == 2


async def test_a_turn_that_fails_is_tried_again_and_nobody_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloche.sessions.waiting.queue.LOOK_AGAIN_S", 0.0)
    queue = Queue(1, box=Box(1000))
    held = await queue.ask(ANN)
    (asking,) = await queue.waiting(BOB)
    assert queue.queue._pressure is not None
    look = queue.queue._pressure.relieved
    failed: list[bool] = []

    async def broken(demand: Demand) -> None:
        failed.append(True)
        monkeypatch.setattr(queue.queue._pressure, "relieved", look)
        raise ValueError("unforeseen")

    monkeypatch.setattr(queue.queue._pressure, "relieved", broken)
    with capture_logs() as logs:
        held.give_back()
        assert (await asyncio.wait_for(asking, 5)).principal == BOB
    assert failed == [True]
    assert logs[0]["event"] == "queue_turn_failed"


async def test_a_hundred_at_once_get_exactly_the_places_there_are() -> None:
    queue = Queue(7, timeout_s=0, box=Box(10_000))
    answers = await asyncio.gather(*(queue.ask(PrincipalName(f"p{n % 5}")) for n in range(100)), return_exceptions=True)
    assert sum(isinstance(answer, Place) for answer in answers) == queue.admission.taken == 7
    assert {type(answer) for answer in answers} == {Place, NoRoomError}
