"""A clock that cannot be right is told."""

from datetime import UTC, datetime

import pytest

from cloche.daemon.doctor import clock


@pytest.mark.parametrize(("year", "ok"), [(1970, False), (2027, True), (2077, False)])
def test_a_clock_that_cannot_be_right_is_told(year: int, ok: bool) -> None:
    assert clock.judge(datetime(year, 1, 1, tzinfo=UTC)).ok is ok
