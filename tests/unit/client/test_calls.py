"""Calls as values."""

import pytest

from cloche.client import calls
from cloche.errors import InternalError, NotFoundError


def test_an_id_cannot_leave_its_place_in_the_path() -> None:
    assert calls.get_session("../keys?x=1").path == "/v1/sessions/..%2Fkeys%3Fx%3D1"
    assert calls.revoke_key("a/b").path == "/v1/keys/a%2Fb"


def test_filters_become_the_query() -> None:
    call = calls.list_sessions(status="ready", labels={"a": "b:c"}, limit=7, cursor="x")
    assert call.query == [("limit", "7"), ("status", "ready"), ("label", "a:b:c"), ("cursor", "x")]


def test_waiting_is_the_default() -> None:
    assert calls.create_session({}, wait=True).query == []
    assert calls.create_session({}, wait=False).query == [("wait", "false")]


def test_an_answer_that_is_not_understood_is_the_servers_fault() -> None:
    with pytest.raises(InternalError):
        calls.readiness().read(200, b'{"ready":"perhaps"}')


def test_not_ready_is_an_answer_and_not_found_an_error() -> None:
    assert not calls.readiness().read(503, b'{"ready":false,"reasons":{}}').ready
    with pytest.raises(NotFoundError):
        calls.get_session("x").read(404, b'{"code":"not_found"}')


def test_a_reading_is_asked_afresh_only_on_request() -> None:
    assert calls.health("x", fresh=False).query == calls.metrics("x", fresh=False).query == []
    assert calls.health("x", fresh=True).query == calls.metrics("x", fresh=True).query == [("fresh", "true")]


def test_what_is_not_given_to_run_is_not_sent() -> None:
    by_argv = calls.agent_exec("x", argv=("a", "b"), command=None, stdin=None, timeout_s=3)
    by_text = calls.agent_exec("x", argv=None, command="a", stdin="", timeout_s=3)

    assert by_argv.body == {"argv": ["a", "b"], "timeout_s": 3}
    assert by_text.body == {"command": "a", "stdin": "", "timeout_s": 3}
    assert by_argv.path == "/v1/sessions/x/agent/exec"
