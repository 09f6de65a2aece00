from datetime import UTC, datetime

from cloche.client import audit_calls


def test_only_what_is_wanted_is_asked() -> None:
    call = audit_calls.list_events({"kind": "session."}, limit=5, cursor=None, after=0)
    assert (call.method, call.path) == ("GET", "/v1/audit")
    assert call.query == [("limit", "5"), ("kind", "session."), ("after", "0")]


def test_times_are_sent_with_their_zone() -> None:
    call = audit_calls.export({"since": datetime(2026, 1, 2, tzinfo=UTC)})
    assert call.query == [("since", "2026-01-02T00:00:00+00:00")]


def test_a_verification_may_take_long() -> None:
    assert audit_calls.verify().may_take_s >= 600
