"""Calls about pools as values."""

from cloche.client import pool_calls as calls


def test_a_name_cannot_leave_its_place_in_the_path() -> None:
    assert calls.get_pool("../keys?x=1").path == "/v1/pools/..%2Fkeys%3Fx%3D1"
    assert calls.release("a/b", "ses_1").path == "/v1/pools/a%2Fb/release"


def test_only_what_is_given_is_sent() -> None:
    assert calls.create_pool("a", size=1, options={}).body == {"name": "a", "size": 1, "options": {}}
    assert calls.update_pool("a", size=0, options=None).body == {"size": 0}
    assert calls.update_pool("a", size=None, options={"machine": True}).body == {"options": {"machine": True}}
    call = calls.acquire("a", {"labels": {"x": "1"}}, wait=False)
    assert (call.body, call.query) == ({"labels": {"x": "1"}}, [("wait", "false")])
    assert calls.acquire("a", {}, wait=True).query == []
    waits = calls.acquire("a", {"queue_timeout_s": 60}, wait=True)
    assert waits.may_take_s == calls.acquire("a", {}, wait=True).may_take_s + 60
    assert calls.release("a", "ses_1").body == {"session_id": "ses_1"}
