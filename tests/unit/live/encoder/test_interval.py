"""The time a picture has."""

from hypothesis import given
from hypothesis import strategies as st

from cloche.live.encoder.interval import FIRST_S, LONGEST_S, SHORTEST_S, Balance, Interval


def test_the_first_picture_has_an_ordinary_time() -> None:
    interval = Interval()
    interval.next(1_800_000_000_000)
    assert interval.seconds == interval.smooth_seconds == FIRST_S


def test_a_steady_pace_is_told_as_it_is() -> None:
    interval = Interval()
    for number in range(100):
        interval.next(number * 50)
    assert interval.seconds == 0.05
    assert abs(interval.smooth_seconds - 0.05) < 1e-6


def test_a_long_pause_counts_as_a_short_one() -> None:
    interval = Interval()
    interval.next(0)
    interval.next(60_000)
    assert interval.seconds == LONGEST_S


def test_a_clock_that_goes_back_does_no_harm() -> None:
    interval = Interval()
    for at_ms in (1000, 500, 400, 1040):
        interval.next(at_ms)
    assert interval.seconds == 0.04


@given(st.lists(st.integers(0, 2**63), max_size=30))
def test_it_is_always_within_bounds(times: list[int]) -> None:
    interval = Interval()
    for at_ms in times:
        interval.next(at_ms)
        assert SHORTEST_S <= interval.seconds <= LONGEST_S
        assert SHORTEST_S <= interval.smooth_seconds <= LONGEST_S


def test_who_spends_what_it_may_is_told_the_same_rate() -> None:
    balance = Balance()
    for _ in range(100):
        balance.count(0.04, 40_000, 1_000_000)
    assert abs(balance.factor - 1) < 1e-6


def test_who_spends_less_is_told_more_and_who_spends_more_less_within_bounds() -> None:
    for spent, bounds in ((0, (1.1, 1.31)), (10**9, (0.69, 0.9))):
        balance = Balance()
        for _ in range(100):
            balance.count(0.04, spent, 1_000_000)
        assert bounds[0] < balance.factor < bounds[1]


def test_a_rate_of_nothing_is_no_error() -> None:
    balance = Balance()
    balance.count(0.04, 1000, 0)
    assert balance.factor < 1
