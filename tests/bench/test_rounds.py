import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from side_by_side.adapters.adapter import Adapter, Lease
from side_by_side.results import Results
from side_by_side.rounds import HOPELESS, attempt, attempts, in_turn, rested, still_works
from side_by_side.world import World


class Quiet(Adapter):
    name = "quiet"
    title = "quiet"
    note = "nothing"

    async def create(self) -> Lease:
        return Lease("")

    async def release(self, lease: Lease) -> None:
        """It has nothing to end."""


@pytest.fixture
def adapter() -> Adapter:
    return Quiet(World())


@pytest.fixture
def found() -> Results:
    return Results("x", {}, {})


def test_two_take_turns_in_who_is_first() -> None:
    assert [in_turn(["a", "b"], number)[0] for number in range(4)] == ["a", "b", "b", "a"]


@given(st.integers(1, 7))
def test_everyone_is_in_every_round_and_equally_often_at_every_place(count: int) -> None:
    things = list(range(count))
    rounds = [in_turn(things, number) for number in range(2 * count)]

    assert all(sorted(each) == things for each in rounds)
    for place in range(count):
        assert set(Counter(each[place] for each in rounds).values()) == {2}


def test_nobody_makes_no_round() -> None:
    assert in_turn([], 3) == []


async def test_a_failure_is_counted_and_does_not_come_through(
    found: Results, adapter: Adapter, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fails() -> int:
        raise RuntimeError("no")

    async def works() -> int:
        return 7

    assert await attempt(found, adapter, "one", fails) is None
    assert await attempts(found, adapter, "one", [works, fails, works]) == [7, 7]
    assert (found.failures_of("quiet", "one").tried, found.failures_of("quiet", "one").failed) == (4, 2)
    assert "quiet, one, failed" in capsys.readouterr().err


async def test_what_takes_too_long_has_failed(found: Results, adapter: Adapter) -> None:
    assert await attempt(found, adapter, "one", asyncio.Event().wait, timeout_s=0) is None
    assert found.failures_of("quiet", "one").messages == ["TimeoutError:"]


async def test_being_cancelled_is_no_failure_of_the_peer(found: Results, adapter: Adapter) -> None:
    task = asyncio.get_running_loop().create_task(attempt(found, adapter, "one", asyncio.Event().wait))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert found.failures_of("quiet", "one").failed == 0


def test_who_only_fails_is_tried_no_more_and_who_worked_once_is(found: Results, adapter: Adapter) -> None:
    for number in range(HOPELESS):
        assert still_works(found, adapter, "one"), number
        found.tried("quiet", "one")
        found.failed("quiet", "one", RuntimeError())
    assert not still_works(found, adapter, "one")
    assert still_works(found, adapter, "another")
    found.tried("quiet", "one")
    assert still_works(found, adapter, "one")


async def test_a_peer_that_finds_no_rest_does_not_hold_up_the_others(found: Results, adapter: Adapter) -> None:
    async def restless() -> None:
        raise TimeoutError("the pool is not full")

    adapter.rest = restless  # type: ignore[method-assign]
    await rested(found, [adapter], settle_s=0)
    assert found.failures_of("quiet", "rest").failed == 1
