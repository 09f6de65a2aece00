"""How many there should be: what was set, and what was asked for of late."""

import pytest

from cloche.sessions.pool.stock import Demand, Stock, StockState, Takes, state_of, targets
from cloche.testing.sessions import make_options


def asked(*times: float) -> Demand:
    demand = Demand()
    for at in times:
        demand.note(at)
    return demand


def stock(size: int, *times: float) -> Stock:
    return Stock("default", make_options(), size, demand=asked(*times))


def test_what_was_asked_for_once_may_never_be_again() -> None:
    assert asked(1.0).peak(1.0) == 0


def test_demand_is_the_busiest_ten_seconds_of_the_last_five_minutes() -> None:
    demand = asked(0, 1, 2, 50, 51, 52, 53, 70)

    assert demand.peak(71) == 4
    assert demand.peak(340) == 4, "the burst at 50 is still remembered"
    assert demand.peak(351.5) == 2
    assert demand.peak(1000) == 0
    assert demand.times(1000) == 0


def test_two_that_are_ten_seconds_apart_are_one_burst_and_later_ones_are_not() -> None:
    assert asked(0, 10).peak(10) == 2
    assert asked(0, 10.1).peak(11) == 1


@pytest.mark.parametrize(
    ("stocks", "most", "expected"),
    [
        ([stock(2)], 8, [2]),
        ([stock(2)], 1, [1]),
        ([stock(2)], 0, [0]),
        ([stock(1, 0, 0, 0)], 8, [3]),
        ([stock(3, 0, 0)], 8, [3]),
        ([stock(2, *[0.0] * 20), stock(0, 0, 0), stock(2)], 8, [4, 2, 2]),
        ([stock(4), stock(4)], 4, [2, 2]),
        ([stock(0, *[0.0] * 9), stock(0, *[0.0] * 9)], 5, [3, 2]),
    ],
)
def test_what_was_set_comes_first_and_the_rest_goes_round(stocks: list[Stock], most: int, expected: list[int]) -> None:
    assert targets(stocks, most=most, now=1) == expected


def test_a_pool_stands_as_all_its_stocks_do_together() -> None:
    takes = Takes(hits=3, misses=2)
    first, learnt = stock(2), stock(0, 0, 0, 0)
    named = Stock("blue", make_options(), 4, takes=Takes(hits=9))
    first.takes = learnt.takes = takes
    first.under_construction, learnt.under_construction = 1, 1
    stocks = [first, learnt, named]

    assert state_of("default", stocks, most=7, now=1) == StockState(ready=0, building=2, wanted=3, hits=3, misses=2)
    assert state_of("blue", stocks, most=7, now=1) == StockState(wanted=4, hits=9)
    assert state_of("red", stocks, most=7, now=1) == StockState()


def test_ten_thousand_asks_are_remembered_in_bounded_memory() -> None:
    demand = asked(*[0.0] * 10_000)
    assert demand.peak(1) == 1024
