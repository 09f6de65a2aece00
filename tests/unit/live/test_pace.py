import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.live.pace import (
    CLASSES,
    FAILED_WITHIN_S,
    LOWER_AFTER_S,
    NEEDS,
    RAISE_AFTER_S,
    Appetite,
    BitMeter,
    LinkPace,
    LinkRate,
    Spacing,
    interval_s,
    restart_delay_s,
)

TARGET = 3_000_000
LEAST = 150_000

gaps = st.floats(0.001, 5)
limits = st.none() | st.floats(1, 2e7)


def run(pace: LinkPace, since: float, seconds: float, limit: float | None, *, alone: bool = False) -> float:
    """Update ten times a second; when it ended."""
    for step in range(round(seconds * 10)):
        pace.update(since + step / 10, limit, alone=alone)
    return since + seconds


def test_a_cap_of_what_chromium_draws_is_none() -> None:
    assert interval_s(60) == interval_s(0) == 0
    assert interval_s(30) == pytest.approx(1 / 30)


@given(st.lists(st.floats(0, 0.2), min_size=50, max_size=200), st.sampled_from([5.0, 12.0, 30.0]))
def test_what_is_spaced_keeps_its_rate(arrivals: list[float], fps: float) -> None:
    spacing, now, passed = Spacing(), 0.0, []
    for gap in arrivals:
        now += gap
        if now >= spacing.due:
            spacing.passed(now, 1 / fps)
            passed.append(now)
    for first, last in pairwise(passed):
        assert last - first >= 0.5 / fps - 1e-9
    if now > 0:
        assert len(passed) <= now * fps + 2


def test_one_that_came_late_does_not_delay_the_others() -> None:
    spacing = Spacing()
    spacing.passed(0, 0.1)
    spacing.passed(0.13, 0.1)
    assert spacing.due == pytest.approx(0.2)


def test_appetite_follows_how_long_pictures_wait() -> None:
    appetite = Appetite()
    for _ in range(30):
        appetite.taken(0.06)
    assert appetite.interval_s == pytest.approx(0.06, rel=0.01)
    for _ in range(30):
        appetite.taken(0)
    assert appetite.interval_s < 0.001


def test_a_meter_shows_what_flows_and_forgets_it() -> None:
    meter, now = BitMeter(), 0.0
    for _ in range(300):
        now += 0.02
        meter.add(now, 7500)
    assert meter.rate(now) == pytest.approx(3e6, rel=0.05)
    assert meter.rate(now + 10) < 1000


def test_what_a_transport_tells_counts_until_it_tells_otherwise() -> None:
    link = LinkRate()
    assert link.limit(0, TARGET) is None
    link.told = 850_000
    assert link.limit(1, TARGET) == link.limit(100, TARGET) == 850_000
    link.told = 4e6
    assert link.limit(101, TARGET) is None
    link.told = None
    assert link.limit(102, TARGET) is None


def test_the_lower_of_two_limits_counts() -> None:
    link = LinkRate()
    link.told = 850_000
    link.trouble(0, 500_000)
    assert link.limit(0, TARGET) == 500_000
    link.told = 400_000
    assert link.limit(0, TARGET) == 400_000


def test_a_limit_is_raised_bit_by_bit_once_trouble_has_passed() -> None:
    link = LinkRate()
    link.trouble(0, 1e6)
    assert link.limit(9, TARGET) == 1e6
    values = [link.limit(second, TARGET) for second in range(10, 40)]
    numbers = [value for value in values if value is not None]
    assert numbers == sorted(numbers)
    assert all(b <= a * 1.081 for a, b in pairwise(numbers))
    assert values[-1] is None


def test_a_link_that_took_nothing_for_a_moment_comes_back() -> None:
    link = LinkRate()
    link.trouble(0, 0)
    assert link.limit(0, TARGET) == 50_000
    for second in range(100):
        limit = link.limit(second, TARGET)
    assert limit is None


def test_nothing_known_means_all_that_is_aimed_at() -> None:
    pace = LinkPace(TARGET, LEAST)
    run(pace, 0, 60, None)
    assert pace.bits_per_second == TARGET
    assert pace.link_class is CLASSES[0]


def test_the_bit_rate_follows_a_limit_within_the_class() -> None:
    pace = LinkPace(TARGET, LEAST)
    pace.update(0, 2e6, alone=False)
    assert pace.bits_per_second == 2_000_000
    pace.update(1, 1.95e6, alone=False)
    assert pace.bits_per_second == 2_000_000, "not for a trifle"
    pace.update(2, None, alone=False)
    assert pace.bits_per_second == TARGET


def test_a_short_spell_does_not_lower_the_class() -> None:
    pace = LinkPace(TARGET, LEAST)
    now = run(pace, 0, LOWER_AFTER_S - 0.5, 500_000)
    run(pace, now, 1, 3e6)
    run(pace, now + 1, LOWER_AFTER_S - 0.5, 500_000)
    assert pace.link_class is CLASSES[0]


def test_a_slow_link_lowers_the_class_step_by_step() -> None:
    pace = LinkPace(TARGET, LEAST)
    now = run(pace, 0, LOWER_AFTER_S + 0.2, 300_000)
    assert pace.link_class is CLASSES[1]
    run(pace, now, LOWER_AFTER_S + 0.2, 300_000)
    assert pace.link_class is CLASSES[2]
    assert pace.bits_per_second == 300_000
    assert pace.link_class.fps == 12


def test_others_are_not_taken_below_the_lowest_class() -> None:
    alone, together = LinkPace(TARGET, LEAST), LinkPace(TARGET, LEAST)
    run(alone, 0, 20, 1, alone=True)
    run(together, 0, 20, 1)
    assert alone.bits_per_second == LEAST
    assert together.bits_per_second == int(NEEDS * CLASSES[2].share * TARGET)


def test_a_better_class_is_tried_after_a_while_and_later_when_it_failed() -> None:
    pace = LinkPace(TARGET, LEAST)
    now = run(pace, 0, 3.5, 500_000)
    assert pace.link_class is CLASSES[1]
    now = run(pace, now, RAISE_AFTER_S - 0.5, 1.5e6)
    assert pace.link_class is CLASSES[1]
    now = run(pace, now, 1, 1.5e6)
    assert pace.link_class is CLASSES[0]
    now = run(pace, now, 4, 500_000)
    assert pace.link_class is CLASSES[1]
    now = run(pace, now, RAISE_AFTER_S * 2 - 0.5, 1.5e6)
    assert pace.link_class is CLASSES[1]
    now = run(pace, now, 1, 1.5e6)
    assert pace.link_class is CLASSES[0]
    now = run(pace, now, FAILED_WITHIN_S + 1, 3e6)
    now = run(pace, now, 4, 500_000)
    run(pace, now, RAISE_AFTER_S + 0.5, 1.5e6)
    assert pace.link_class is CLASSES[0], "it had been good for long"


def test_silence_is_no_evidence() -> None:
    pace = LinkPace(TARGET, LEAST)
    pace.update(0, 500_000, alone=False)
    pace.update(100, 500_000, alone=False)
    assert pace.link_class is CLASSES[0]


@given(
    st.lists(st.tuples(gaps, limits, st.booleans()), max_size=200),
    st.integers(LEAST, 20_000_000),
)
def test_the_pace_stays_within_its_bounds_and_changes_class_slowly(
    steps: list[tuple[float, float | None, bool]], target: int
) -> None:
    pace, now, lowered_at = LinkPace(target, LEAST), 0.0, -math.inf
    for gap, limit, alone in steps:
        now += gap
        before = pace.link_class
        pace.update(now, limit, alone=alone)
        assert LEAST <= pace.bits_per_second <= max(target, LEAST)
        if pace.link_class.share < before.share:
            assert now - lowered_at >= LOWER_AFTER_S
            lowered_at = now
        assert abs(CLASSES.index(pace.link_class) - CLASSES.index(before)) <= 1


@given(st.lists(st.tuples(gaps, st.booleans(), st.none() | st.floats(0, 2e7)), max_size=100))
def test_a_limit_is_always_below_what_is_enough(steps: list[tuple[float, bool, float | None]]) -> None:
    link, now = LinkRate(), 0.0
    for gap, is_trouble, bits in steps:
        now += gap
        if is_trouble and bits is not None:
            link.trouble(now, bits)
        else:
            link.told = bits
        limit = link.limit(now, TARGET)
        assert limit is None or 0 <= limit < TARGET


def test_an_encoder_is_started_at_once_and_then_ever_later() -> None:
    assert [restart_delay_s(n) for n in range(1, 8)] == [0, 0.5, 1, 2, 5, 5, 5]
