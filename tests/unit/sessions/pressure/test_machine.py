from cloche.process.pressure import HostReadings
from cloche.sessions.pressure.demand import Demand, Footprint
from cloche.sessions.pressure.gauge import Gauge
from cloche.sessions.pressure.judge import Resource, Shortage, Thresholds
from cloche.sessions.pressure.machine import MachinePressure
from cloche.sessions.pressure.relief import Need, Reliefs
from cloche.testing.clock import FakeClock

ONE = Demand(Footprint(100, 10), 1)


class Warm:
    name = "warm"

    def __init__(self, *, available: int, warm: int) -> None:
        self.available, self.warm = available, warm

    def read(self) -> HostReadings:
        return HostReadings(memory_total=10_000, memory_available=self.available)

    async def relieve(self, need: Need) -> int:
        freed, self.warm = self.warm, 0
        self.available += freed
        return freed


def machine_of(warm: Warm) -> MachinePressure:
    clock = FakeClock()
    thresholds = Thresholds(memory_reserve_bytes=0)
    return MachinePressure(Gauge(warm.read, clock), thresholds, Reliefs((warm,), clock))


async def test_looking_gives_nothing_up() -> None:
    warm = Warm(available=50, warm=500)
    assert await machine_of(warm).shortage(ONE) == Shortage(Resource.MEMORY, 75)
    assert warm.warm == 500


async def test_a_create_has_something_given_up_and_finds_the_machine_as_it_is_then() -> None:
    warm = Warm(available=50, warm=500)
    assert await machine_of(warm).relieved(ONE) is None
    assert warm.warm == 0


async def test_what_was_given_up_may_not_suffice() -> None:
    assert await machine_of(Warm(available=50, warm=20)).relieved(ONE) == Shortage(Resource.MEMORY, 55)
    assert await machine_of(Warm(available=50, warm=0)).relieved(ONE) == Shortage(Resource.MEMORY, 75)


MIB = 1 << 20


class Box:
    """Has so many MiB of memory, and warm sandboxes of 100 MiB each."""

    name = "warm"

    def __init__(self, available: int, *, warm: int) -> None:
        self.available, self.warm, self.read_count = available * MIB, warm, 0
        clock = FakeClock()
        self.pressure = MachinePressure(Gauge(self.read, clock), Thresholds(), Reliefs((self,), clock))

    def read(self) -> HostReadings:
        self.read_count += 1
        return HostReadings(memory_total=8192 * MIB, memory_available=self.available)

    async def relieve(self, need: Need) -> int:
        freed = 0
        while freed < need.amount and self.warm:
            freed, self.warm = freed + 100 * MIB, self.warm - 1
        self.available += freed
        return freed


async def test_for_those_that_live_what_the_reserve_lacks_is_given_up_and_the_machine_read_anew() -> None:
    box = Box(60, warm=9)
    # Up to a quarter more than the reserve of 256 MiB, where it counts as enough again.
    assert await box.pressure.look() == 300 * MIB
    assert await box.pressure.look() == 0
    assert (box.warm, box.read_count) == (6, 2)


async def test_with_enough_for_those_that_live_nothing_is_given_up_though_there_is_nothing_to_spare() -> None:
    box = Box(300, warm=9)
    assert await box.pressure.look() == 0
    assert (box.warm, box.pressure.is_short) == (9, True)


async def test_where_there_is_plenty_there_is_something_to_spare() -> None:
    box = Box(3000, warm=0)
    await box.pressure.look()
    assert not box.pressure.is_short


async def test_a_create_that_finds_too_little_leaves_nothing_to_spare() -> None:
    box = Box(300, warm=0)
    assert await box.pressure.relieved(Demand(Footprint(100 * MIB, 1), 1)) is not None
    assert box.pressure.is_short
