"""Calls of the browser service as values, beside the service's own table."""

import dataclasses
import inspect
import json

import pytest

from cloche.browser.contract.use_cases import USE_CASES
from cloche.browser.contract.use_cases import UseCase as Row
from cloche.client import browser_aio, browser_sync
from cloche.client import browser_calls as calls
from cloche.client.browser_answers import Evaluated, Title
from cloche.client.browser_calls import ActionFailedError, UseCase, checked
from cloche.client.calls import Call
from cloche.errors import InternalError
from cloche.ids import new_session_id


def case_of(row: Row) -> UseCase[Title]:
    case = getattr(calls, row.method.upper())
    assert isinstance(case, UseCase)
    return case


@pytest.mark.parametrize("row", USE_CASES, ids=lambda row: row.method)
def test_the_client_knows_every_use_case_as_the_service_does(row: Row) -> None:
    case = case_of(row)
    assert (case.verb, case.path) == (row.verb, row.path)
    assert set(case.answer.model_fields) == {field.name for field in dataclasses.fields(row.response)}


@pytest.mark.parametrize("row", USE_CASES, ids=lambda row: row.method)
def test_both_clients_offer_the_fields_of_requests_by_their_names(row: Row) -> None:
    fields = {field.name for field in dataclasses.fields(row.request)}
    ways = [inspect.signature(getattr(module.Browser, row.method)) for module in (browser_aio, browser_sync)]
    assert ways[0].parameters.keys() == ways[1].parameters.keys()
    assert ways[0].parameters.keys() - {"self", "check", "options"} <= fields


def test_an_id_does_not_leave_its_place_in_the_path() -> None:
    assert calls.CLICK.call("a/../b", {}).path == "/v1/sessions/a%2F..%2Fb/click"


def test_what_is_none_is_not_sent() -> None:
    call = calls.SELECT.call("x", {"selector": "#a", "index": None, "values": ["b"]})
    assert (call.body, call.query) == ({"selector": "#a", "values": ["b"]}, [])


def test_a_query_spells_lists_boxes_and_booleans_out() -> None:
    fields = {"full_page": True, "mask": ["a", "b"], "clip": {"x": 1, "width": 2.5}, "quality": 7}
    call = calls.SCREENSHOT.call("x", fields)
    assert call.body is None
    assert call.query == [
        ("full_page", "true"),
        ("mask", "a"),
        ("mask", "b"),
        ("clip_x", "1"),
        ("clip_width", "2.5"),
        ("quality", "7"),
    ]


def test_bytes_are_sent_as_base64_wherever_they_stand() -> None:
    call = calls.SET_FILE_INPUT.call("x", {"file_bytes": b"\xff", "files": [{"file_name": "a", "file_bytes": b"a"}]})
    assert call.body == {"file_bytes": "/w==", "files": [{"file_name": "a", "file_bytes": "YQ=="}]}


def test_the_client_waits_longer_than_the_server() -> None:
    assert calls.WAIT_FOR.call("x", {"timeout_ms": 120_000}).may_take_s == 120 + calls.SLACK_S


def test_what_fails_is_an_error_with_its_own_code_unless_it_is_wanted_as_an_answer() -> None:
    failed = Title(success=False, error="page_crashed", detail="gone")
    assert checked(failed, False) is failed
    with pytest.raises(ActionFailedError) as caught:
        checked(failed, True)
    assert (caught.value.code, caught.value.detail, caught.value.response) == ("page_crashed", "gone", failed)


def test_a_result_is_read_as_what_it_was() -> None:
    assert Evaluated(success=True, value_json=json.dumps({"a": [1, None]})).value == {"a": [1, None]}
    assert Evaluated(success=True).value is None


def test_a_newer_server_may_say_more() -> None:
    call: Call[Title] = calls.GET_TITLE.call(new_session_id(), {})
    told = call.read(200, b'{"success":true,"title":"a","usage":{"actions":1,"sparks":2},"new":1}')
    assert (told.title, told.usage.actions) == ("a", 1)
    with pytest.raises(InternalError):
        call.read(200, b"{}")
