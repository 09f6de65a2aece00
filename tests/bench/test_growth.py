import random

from hypothesis import given
from hypothesis import strategies as st

from soaking.growth import Limit, judge

COUNTED = Limit(whole=0.5)
XS = [float(40 * step) for step in range(24)]


def test_what_stands_still_has_not_grown() -> None:
    found = judge("descriptors", XS, [31.0] * 24, COUNTED)

    assert (found.grew, found.slope, found.noise, found.first, found.last) == (False, 0, 0, 31, 31)


def test_one_more_for_every_batch_has_grown_by_its_slope() -> None:
    found = judge("descriptors", XS, [31 + step for step in range(24)], COUNTED)

    assert found.grew
    assert found.slope == 25  # one for forty sessions


def test_what_goes_up_and_down_is_noise() -> None:
    dice = random.Random(1)
    found = judge("RSS, MiB", XS, [140 + dice.uniform(-3, 3) for _ in XS], Limit(whole=0.1))

    assert not found.grew
    assert found.noise > 0.5


def test_a_slow_leak_is_seen_through_noise() -> None:
    dice = random.Random(2)
    values = [140 + 0.02 * x + dice.uniform(-1, 1) for x in XS]
    found = judge("RSS, MiB", XS, values, Limit(whole=2, per_thousand=4))

    assert found.grew
    assert found.slope is not None
    assert 18 < found.slope < 22


def test_a_single_odd_reading_is_no_growth() -> None:
    for odd in (7, 23):
        values = [31.0] * 24
        values[odd] = 90.0
        assert not judge("descriptors", XS, values, COUNTED).grew


def test_what_fills_in_the_warm_up_and_stays_has_not_grown() -> None:
    values = [100.0, 120.0, 130.0, 135.0, 138.0, *[140.0] * 19]

    assert not judge("RSS, MiB", XS, values, COUNTED).grew


def test_what_shrinks_has_not_grown() -> None:
    assert not judge("processes", XS, [50.0 - step for step in range(24)], COUNTED).grew


def test_growth_within_its_limit_is_told_and_not_called_growth() -> None:
    values = [140 + 0.003 * x for x in XS]  # 3 MiB for a thousand

    assert not judge("RSS, MiB", XS, values, Limit(whole=0, per_thousand=4)).grew
    assert judge("RSS, MiB", XS, values, Limit(whole=0, per_thousand=2)).grew


def test_what_has_no_limit_is_never_called_growth() -> None:
    found = judge("rows: sessions", XS, list(XS), None)

    assert not found.grew
    assert found.slope == 1000


def test_with_few_readings_nothing_is_said() -> None:
    found = judge("descriptors", XS[:6], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], COUNTED)

    assert not found.grew
    assert found.slope is None


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40), st.floats(0, 1e6))
def test_a_constant_added_to_all_readings_changes_no_judgement(values: list[float], constant: float) -> None:
    rounded = [float(round(value)) for value in values]
    moved = [value + round(constant) for value in rounded]
    xs = [float(number) for number in range(len(values))]

    assert judge("x", xs, rounded, COUNTED).grew == judge("x", xs, moved, COUNTED).grew


def test_what_fills_with_use_is_judged_only_once_it_can_be_full() -> None:
    """Twelve batches of forty to fill it: a quarter of the readings would still see it grow."""
    values = [100 + min(float(step), 12.0) for step in range(24)]

    assert judge("RSS, MiB", XS, values, Limit(whole=1)).grew
    assert not judge("RSS, MiB", XS, values, Limit(whole=1, after=480)).grew
    assert judge("RSS, MiB", XS, [100.0 + step for step in range(24)], Limit(whole=1, after=480)).grew


def test_a_run_that_ends_before_it_can_be_full_says_nothing() -> None:
    found = judge("RSS, MiB", XS, [100.0 + step for step in range(24)], Limit(whole=1, after=800))

    assert (found.grew, found.slope) == (False, None)


def test_the_warm_up_begins_with_the_daemon_and_not_with_the_run() -> None:
    late = [1000 + x for x in XS]

    assert judge("RSS, MiB", late, [100.0 + step for step in range(24)], Limit(whole=1, after=800)).slope is None
