from datetime import UTC, datetime, timedelta

import pytest

from cloche.clock import Clock
from cloche.testing.clock import FakeClock


def test_time_stands_still_until_it_is_advanced() -> None:
    clock: Clock = FakeClock()
    assert clock.now() == clock.now()
    assert clock.monotonic() == clock.monotonic()


def test_both_times_advance_together() -> None:
    clock = FakeClock()
    now, monotonic = clock.now(), clock.monotonic()
    clock.advance(90)
    assert clock.now() - now == timedelta(seconds=90)
    assert clock.monotonic() - monotonic == 90


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        FakeClock().advance(-1)


def test_setting_the_wall_clock_leaves_durations_alone() -> None:
    clock = FakeClock()
    before = clock.monotonic()
    clock.set_wall_clock(datetime(2030, 1, 1, tzinfo=UTC))
    assert clock.now().year == 2030
    assert clock.monotonic() == before
