import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.errors import (
    AgentError,
    BusyError,
    ClocheError,
    ConflictError,
    DeniedError,
    InvalidError,
    NotFoundError,
    RangeError,
    StorageFullError,
    TooLargeError,
)
from cloche.sessions.machine_errors import MAX_MESSAGE_CHARS, MAX_VALUES, error_of, read_object

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


def refusal(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidError),
        (403, DeniedError),
        (404, NotFoundError),
        (409, ConflictError),
        (413, TooLargeError),
        (416, RangeError),
        (429, BusyError),
        (507, StorageFullError),
        (405, AgentError),
        (431, AgentError),
        (500, AgentError),
        (302, AgentError),
        (401, AgentError),
    ],
)
def test_a_refusal_becomes_the_error_of_its_status(status: int, kind: type[ClocheError]) -> None:
    error = error_of(status, refusal(code="some_code", message="It did not go."))
    assert type(error) is kind
    assert (error.detail, error.fields["reason"]) == ("It did not go.", "some_code")


def test_of_the_other_fields_only_those_that_are_known_are_kept() -> None:
    told = refusal(
        code="restart_failed", message="no", field="flags", phase="start", rolled_back=True, size=3, owner="x", status=2
    )
    assert error_of(409, told).fields == {
        "reason": "restart_failed",
        "field": "flags",
        "phase": "start",
        "rolled_back": True,
    }
    assert error_of(416, told).fields["size"] == 3


def test_a_detail_is_told_behind_the_message() -> None:
    assert error_of(409, refusal(code="x", message="it did not start", detail="exit 1")).detail == (
        "it did not start: exit 1"
    )


@pytest.mark.parametrize("size", [-1, 2**60, "3", 1.5, None, [1]])
def test_a_size_that_is_none_is_left_out(size: Any) -> None:
    assert "size" not in error_of(416, refusal(code="x", size=size)).fields


@given(st.dictionaries(st.sampled_from(["code", "message", "field", "phase", "detail", "size"]), JSON), st.integers())
def test_whatever_a_refusal_says_its_words_are_bounded_and_printable(told: dict[str, Any], status: int) -> None:
    error = error_of(status, json.dumps(told).encode())
    assert error.detail
    assert len(error.detail) <= 2 * MAX_MESSAGE_CHARS + 2
    assert error.detail.isprintable()
    for value in error.fields.values():
        assert not isinstance(value, str) or (value.isascii() and value.isprintable() and len(value) <= 64)


@given(st.binary(max_size=200), st.integers(400, 599))
def test_a_refusal_that_is_not_json_is_still_one(body: bytes, status: int) -> None:
    assert isinstance(error_of(status, body), ClocheError)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"1", b"\xff", b'{"a":NaN}', b'{"a":Infinity}', b"[" * 100_000, b'{"a":' + b"9" * 5000 + b"}"],
)
def test_an_answer_that_is_no_object_is_the_agents_fault(body: bytes) -> None:
    with pytest.raises(AgentError):
        read_object(body)


def test_an_answer_of_more_values_than_memory_should_hold_is_not_parsed() -> None:
    with pytest.raises(AgentError, match="too large"):
        read_object(b'{"a":[' + b"[]," * MAX_VALUES + b"[]]}")
