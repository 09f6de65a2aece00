"""Stopped machines seen in their clocks, and clocks that are merely set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.clocks import JUMP_S, SETTLING_S, Clocks, ClockWatch, passed, read_clocks

START = Clocks(1_000.0, 5_000.0, 1_700_000_000.0)


def moved(clocks: Clocks, seconds: float, *, suspended_s: float = 0, set_s: float = 0) -> Clocks:
    """Let time pass, some of it suspended, and set the wall clock."""
    return Clocks(
        clocks.monotonic + seconds,
        clocks.boottime + seconds + suspended_s,
        clocks.wall + seconds + suspended_s + set_s,
    )


def settled_watch() -> tuple[ClockWatch, Clocks]:
    watch, now = ClockWatch(START), moved(START, SETTLING_S + 1)
    assert watch.look(now) == ""
    return watch, now


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(-1.9, 1.9)), max_size=20))
def test_time_that_passes_and_clocks_that_are_slewed_say_nothing(steps: list[tuple[float, float]]) -> None:
    watch, now = ClockWatch(START), START
    for seconds, slewed_s in steps:
        now = moved(now, seconds, set_s=slewed_s)
        assert watch.look(now) == ""


@given(st.floats(0, 1e4), st.floats(JUMP_S + 0.1, 1e7))
def test_a_suspended_machine_is_seen_also_right_after_a_start(seconds: float, suspended_s: float) -> None:
    assert "suspended" in ClockWatch(START).look(moved(START, seconds, suspended_s=suspended_s))


@given(st.floats(JUMP_S + 0.1, 1e9))
def test_a_clock_that_is_set_forward_is_a_sign_once_it_has_settled(set_s: float) -> None:
    watch, now = settled_watch()
    now = moved(now, 5, set_s=set_s)
    assert "set forward" in watch.look(now)
    assert watch.look(moved(now, 5)) == ""


@given(st.floats(0, SETTLING_S - 0.1), st.floats(JUMP_S + 0.1, 1e9))
def test_after_a_start_or_a_wake_setting_the_clock_is_expected(seconds: float, set_s: float) -> None:
    assert ClockWatch(START).look(moved(START, seconds, set_s=set_s)) == ""
    watch, now = settled_watch()
    watch.settle(now)
    assert watch.look(moved(now, seconds, set_s=set_s)) == ""


@given(st.floats(-1e9, 0))
def test_a_clock_that_is_set_back_is_no_sign(set_s: float) -> None:
    watch, now = settled_watch()
    assert watch.look(moved(now, 5, set_s=set_s)) == ""


@pytest.mark.parametrize(("late_s", "is_sign"), [(-5.0, False), (0.0, False), (JUMP_S, False), (JUMP_S + 0.1, True)])
def test_a_timer_that_comes_late_is_a_sign(late_s: float, is_sign: bool) -> None:
    watch, now = settled_watch()
    assert ("stopped" in watch.look(moved(now, 5), late_s)) == is_sign


def test_the_real_clocks_agree_with_themselves() -> None:
    before = read_clocks()
    between = passed(before, read_clocks())
    assert ClockWatch(before).look(read_clocks()) == ""
    assert between.monotonic_s >= 0
    assert abs(between.suspended_s) < 1
