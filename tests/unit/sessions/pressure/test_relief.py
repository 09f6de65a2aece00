import asyncio
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from cloche.concurrency.tasks import spawn
from cloche.errors import ConflictError
from cloche.sessions.pressure.judge import Resource, Shortage
from cloche.sessions.pressure.relief import AGAIN_S, Need, Relief, Reliefs, Several
from cloche.testing.clock import FakeClock


@dataclass
class Warm:
    """Gives up things of one size, as long as there are some."""

    name: str = "warm"
    left: int = 100
    size: int = 10
    asked: list[Need] = field(default_factory=list)
    error: Exception | None = None
    may_go_on: asyncio.Event | None = None

    async def relieve(self, need: Need) -> int:
        self.asked.append(need)
        if self.error is not None:
            raise self.error
        if self.may_go_on is not None:
            await self.may_go_on.wait()
        freed = 0
        while freed < need.amount and self.left:
            freed += self.size
            self.left -= 1
        return freed


MEMORY = Shortage(Resource.MEMORY, 25)


async def test_the_first_kind_goes_first_and_no_more_than_is_needed() -> None:
    warm, sleepers = Warm(left=2), Warm("sleepers")
    freed: list[tuple[str, int, int]] = []
    reliefs = Reliefs(
        (warm, sleepers), FakeClock(), on_freed=lambda name, need, gave: freed.append((name, need.amount, gave))
    )
    assert await reliefs.relieve(MEMORY) == 30
    assert freed == [("warm", 25, 20), ("sleepers", 5, 10)]
    assert sleepers.asked == [Need(Resource.MEMORY, 5)]
    assert (warm.left, sleepers.left) == (0, 99)


async def test_what_the_first_kind_covers_the_second_is_not_asked_for() -> None:
    warm, sleepers = Warm(), Warm("sleepers")
    assert await Reliefs((warm, sleepers), FakeClock()).relieve(MEMORY) == 30
    assert sleepers.asked == []


async def test_time_cannot_be_given_up() -> None:
    warm = Warm()
    reliefs = Reliefs((warm,), FakeClock())
    assert await reliefs.relieve(Shortage(Resource.CPU)) == await reliefs.relieve(Shortage(Resource.IO)) == 0
    assert warm.asked == []


async def test_with_nothing_to_give_up_nothing_is_tried_for_a_while() -> None:
    clock, warm = FakeClock(), Warm(left=0)
    reliefs = Reliefs((warm,), clock)
    assert [await reliefs.relieve(MEMORY) for _ in range(3)] == [0, 0, 0]
    assert len(warm.asked) == 1
    clock.advance(AGAIN_S)
    warm.left = 100
    assert await reliefs.relieve(MEMORY) == 30
    assert await reliefs.relieve(MEMORY) == 30


async def test_many_who_find_the_machine_short_share_one_round() -> None:
    warm = Warm(may_go_on=asyncio.Event())
    reliefs = Reliefs((warm,), FakeClock())
    asking = [spawn(reliefs.relieve(MEMORY), name=f"ask-{number}") for number in range(20)]
    await asyncio.sleep(0)
    asking[0].cancel()  # the round goes on for the others
    await asyncio.sleep(0)
    assert warm.may_go_on is not None
    warm.may_go_on.set()
    assert await asyncio.gather(*asking[1:]) == [30] * 19
    assert len(warm.asked) == 1


async def test_closing_breaks_off_what_is_under_way() -> None:
    warm = Warm(may_go_on=asyncio.Event())
    reliefs = Reliefs((warm,), FakeClock())
    asking = spawn(reliefs.relieve(MEMORY), name="ask")
    while not warm.asked:
        await asyncio.sleep(0)
    await reliefs.close()
    await asyncio.wait([asking])
    assert asking.cancelled() and warm.left == 100


@pytest.mark.parametrize("error", [ConflictError("in use"), ValueError("broken")])
async def test_one_that_fails_counts_as_nothing_and_the_next_is_asked(error: Exception) -> None:
    warm, sleepers = Warm(error=error), Warm("sleepers")
    with capture_logs() as logs:
        assert await Reliefs((warm, sleepers), FakeClock()).relieve(MEMORY) == 30
    assert sleepers.asked == [Need(Resource.MEMORY, 25)]
    assert logs[0]["event"] in {"relief_failed", "relief_broke"}


async def test_one_that_hangs_is_left_and_the_next_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloche.sessions.pressure.relief.EACH_MAY_TAKE_S", 0.0)
    warm, sleepers = Warm(may_go_on=asyncio.Event()), Warm("sleepers")
    with capture_logs() as logs:
        assert await Reliefs((warm, sleepers), FakeClock()).relieve(MEMORY) == 30
    assert logs[0]["event"] == "relief_too_slow"
    assert (warm.left, sleepers.left) == (100, 97)


async def test_of_what_comes_in_pieces_as_many_go_as_surely_suffice() -> None:
    asked: list[int] = []

    async def give_up(most: int) -> int:
        asked.append(most)
        return min(most, 3)

    relief: Relief = Several("warm", give_up)
    assert await relief.relieve(Need(Resource.MEMORY, (64 << 20) + 1)) == 2 * (64 << 20)
    assert await relief.relieve(Need(Resource.PIDS, 320)) == 3 * 32
    assert asked == [2, 10]
    assert relief.name == "warm"
