import asyncio
import threading

from structlog.testing import capture_logs

from cloche.concurrency.tasks import spawn
from cloche.process.pressure import HostReadings
from cloche.sessions.pressure.gauge import GOOD_FOR_S, Gauge
from cloche.testing.clock import FakeClock


class Reader:
    """Counts its readings; held, the first of them waits in its thread."""

    def __init__(self) -> None:
        self.count = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.fails = False

    def __call__(self) -> HostReadings:
        self.count += 1
        number = self.count
        assert self.may_go_on.wait(5)
        if self.fails:
            raise OSError("no such kernel")
        return HostReadings(load=float(number))


async def test_a_hundred_who_ask_at_once_share_one_reading() -> None:
    reader = Reader()
    gauge = Gauge(reader, FakeClock())
    found = await asyncio.gather(*(gauge.readings() for _ in range(100)))
    assert reader.count == 1
    assert {seen.load for seen in found} == {1.0}


async def test_a_reading_is_good_for_a_second_whatever_the_wall_clock_does() -> None:
    reader, clock = Reader(), FakeClock()
    gauge = Gauge(reader, clock)
    await gauge.readings()
    clock.set_wall_clock(clock.now().replace(year=2031))
    assert (await gauge.readings()).load == 1.0
    clock.advance(GOOD_FOR_S)
    assert (await gauge.readings()).load == 2.0


async def test_after_something_was_given_up_it_is_read_anew_also_where_a_reading_is_under_way() -> None:
    reader = Reader()
    gauge = Gauge(reader, FakeClock())
    reader.may_go_on.clear()
    before = spawn(gauge.readings(), name="before")
    await asyncio.sleep(0)
    gauge.forget()
    after = spawn(gauge.readings(), name="after")
    await asyncio.sleep(0)
    reader.may_go_on.set()
    assert {(await before).load, (await after).load} == {1.0, 2.0}
    assert (await gauge.readings()).load == (await after).load
    assert reader.count == 2


async def test_one_that_goes_away_takes_the_reading_from_nobody_else() -> None:
    reader = Reader()
    gauge = Gauge(reader, FakeClock())
    reader.may_go_on.clear()
    first, second = spawn(gauge.readings(), name="first"), spawn(gauge.readings(), name="second")
    await asyncio.sleep(0)
    first.cancel()
    reader.may_go_on.set()
    assert (await second).load == 1.0
    assert reader.count == 1


async def test_what_cannot_be_read_is_not_known() -> None:
    reader = Reader()
    reader.fails = True
    with capture_logs() as logs:
        assert await Gauge(reader, FakeClock()).readings() == HostReadings()
    assert [entry["event"] for entry in logs] == ["pressure_not_read"]
