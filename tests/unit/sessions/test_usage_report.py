"""Sums of what sessions have taken."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

from cloche.ids import PrincipalName, new_session_id
from cloche.sessions.model import Session, SessionOptions, SessionStatus, SessionUsage
from cloche.sessions.usage_report import usage_lines
from cloche.testing.sessions import BUDGET

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def session(owner: str = "alice", created_at: datetime = NOON, **fields: object) -> Session:
    made = Session(
        id=new_session_id(),
        owner=PrincipalName(owner),
        status=SessionStatus.CLOSED,
        reason="",
        options=SessionOptions(budget=BUDGET, idle_timeout_s=600, lifetime_s=3600),
        created_at=created_at,
        expires_at=created_at + timedelta(hours=1),
        closed_at=created_at + timedelta(seconds=90),
        usage=SessionUsage(egress_bytes_in=100, egress_bytes_out=10, actions=3, cpu_seconds=1.5),
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def test_sessions_of_one_owner_and_day_are_added_up():
    (line,) = usage_lines([session(), session(status=SessionStatus.FAILED)], NOON)
    assert (line.day, line.owner, line.sessions, line.failed) == (date(2026, 11, 22), "alice", 2, 1)
    assert (line.seconds, line.egress_bytes_in, line.egress_bytes_out, line.actions) == (180.0, 200, 20, 6)
    assert line.cpu_seconds == 3.0


def test_days_and_owners_stand_apart_oldest_first():
    yesterday = NOON - timedelta(days=1)
    lines = usage_lines([session(), session("bob"), session(created_at=yesterday)], NOON)
    assert [(line.day.day, line.owner) for line in lines] == [(21, "alice"), (22, "alice"), (22, "bob")]


def test_a_session_that_runs_counts_until_now_and_its_cpu_may_be_unknown():
    running = session(closed_at=None, status=SessionStatus.READY, usage=SessionUsage())
    (line,) = usage_lines([running], NOON + timedelta(seconds=30))
    assert (line.seconds, line.cpu_seconds) == (30.0, 0.0)


def test_days_are_those_of_utc():
    late = datetime(2026, 11, 22, 1, tzinfo=timezone(timedelta(hours=2)))
    (line,) = usage_lines([session(created_at=late)], NOON)
    assert line.day == date(2026, 11, 21)


def test_no_session_makes_no_line():
    assert usage_lines([], NOON) == []
