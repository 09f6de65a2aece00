import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.sessions.waiting.turnover import LEAST_S, MOST_S, REMEMBERED, UNKNOWN_S, Turnover


def freed_at(*moments: float) -> Turnover:
    turnover = Turnover()
    for moment in moments:
        turnover.freed(moment)
    return turnover


def test_before_any_place_came_free_nothing_is_known() -> None:
    assert Turnover().retry_after_s(0, 100.0) == Turnover().retry_after_s(50, 100.0) == UNKNOWN_S


@pytest.mark.parametrize(("ahead", "seconds"), [(0, 3), (1, 5), (4, 13), (1000, MOST_S)])
def test_it_follows_the_rate_and_how_many_are_ahead(ahead: int, seconds: int) -> None:
    # Four places in the last ten seconds: one in 2.5.
    assert freed_at(90.0, 92.0, 95.0, 99.0).retry_after_s(ahead, 100.0) == seconds


def test_it_grows_when_no_place_comes_free_any_more() -> None:
    turnover = freed_at(0.0, 1.0)
    assert [turnover.retry_after_s(0, now) for now in (2.0, 20.0, 1000.0)] == [1, 10, MOST_S]


def test_many_at_once_are_no_division_by_nothing() -> None:
    assert freed_at(*[5.0] * 100).retry_after_s(3, 5.0) == LEAST_S


def test_what_was_long_ago_is_forgotten() -> None:
    turnover = freed_at(0.0, *(1000.0 + step for step in range(REMEMBERED)))
    assert turnover.retry_after_s(0, 1000.0 + REMEMBERED) == 1


@given(st.lists(st.floats(0, 1e9), max_size=50), st.integers(0, 10_000), st.floats(0, 1e9))
def test_it_is_always_a_sensible_time(moments: list[float], ahead: int, now: float) -> None:
    assert LEAST_S <= freed_at(*sorted(moments)).retry_after_s(ahead, now) <= MOST_S
