from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cloche.sessions.idle import Activity, next_end
from cloche.sessions.model import EndReason

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_a_session_that_nobody_uses_ends_after_its_idle_timeout() -> None:
    end = next_end(expires_at=after(3600), idle_timeout_s=600, activity=Activity(NOON, users=0))

    assert (end.at, end.reason) == (after(600), EndReason.IDLE_TIMEOUT)


def test_a_client_inside_keeps_a_session_from_idling_but_not_from_its_lifetime() -> None:
    end = next_end(expires_at=after(3600), idle_timeout_s=600, activity=Activity(NOON, users=1))

    assert (end.at, end.reason) == (after(3600), EndReason.LIFETIME_REACHED)


def test_a_lifetime_shorter_than_the_idle_timeout_comes_first() -> None:
    end = next_end(expires_at=after(60), idle_timeout_s=600, activity=Activity(NOON, users=0))

    assert (end.at, end.reason) == (after(60), EndReason.LIFETIME_REACHED)


def test_when_both_fall_together_the_lifetime_is_named() -> None:
    end = next_end(expires_at=after(600), idle_timeout_s=600, activity=Activity(NOON, users=0))

    assert end.reason is EndReason.LIFETIME_REACHED


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(-(10**6), 10**6), st.integers(0, 3))
def test_no_session_outlives_its_lifetime(expires: int, idle: int, active: int, clients: int) -> None:
    end = next_end(expires_at=after(expires), idle_timeout_s=idle, activity=Activity(after(active), clients))

    assert end.at <= after(expires)
    assert end.reason is EndReason.LIFETIME_REACHED or clients == 0
