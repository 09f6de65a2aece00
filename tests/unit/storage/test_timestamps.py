from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from cloche.storage.timestamps import UtcDateTime

DIALECT = sqlite.dialect()
COLUMN = UtcDateTime()


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        COLUMN.process_bind_param(datetime(2026, 1, 1), DIALECT)


def test_a_time_from_elsewhere_is_stored_in_utc() -> None:
    there = timezone(timedelta(hours=5, minutes=30))

    assert COLUMN.process_bind_param(datetime(2026, 1, 1, 5, 30, tzinfo=there), DIALECT) == datetime(
        2026, 1, 1, tzinfo=UTC
    )


def test_what_comes_back_without_a_zone_is_utc() -> None:
    assert COLUMN.process_result_value(datetime(2026, 1, 1), DIALECT) == datetime(2026, 1, 1, tzinfo=UTC)
    assert COLUMN.process_result_value(None, DIALECT) is None
    assert COLUMN.process_bind_param(None, DIALECT) is None


@given(st.datetimes(timezones=st.timezones()))
def test_the_moment_survives_the_round_trip(moment: datetime) -> None:
    try:
        stored = COLUMN.process_bind_param(moment, DIALECT)
    except OverflowError:
        return  # the first and the last day of the calendar have no UTC in every zone
    assert stored is not None
    back = COLUMN.process_result_value(stored.replace(tzinfo=None), DIALECT)
    assert back == stored == moment.astimezone(UTC)
