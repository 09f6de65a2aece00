"""DevTools messages between bytes and values."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.devtools.codec import MAX_ESCAPES, MAX_MENDED_BYTES, read, read_message, write_message
from cloche.browser.devtools.errors import AnswerMalformedError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Title(msgspec.Struct):
    title: str


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_an_answer_is_read_as_it_was_written(result: dict[str, Any]) -> None:
    message = read_message(json.dumps({"id": 3, "result": result, "sessionId": "S"}).encode())
    assert (message.id, message.sessionId, message.error) == (3, "S", None)
    assert read(message.result, dict) == result


def test_half_of_a_surrogate_pair_is_replaced() -> None:
    message = read_message(rb'{"method":"Page.x","params":{"title":"a\ud800b"}}')
    assert read(message.params, Title).title == "a\ufffdb"


def test_an_error_is_told_with_its_code() -> None:
    message = read_message(b'{"id":1,"error":{"code":-32000,"message":"no"}}')
    assert message.error is not None
    assert (message.error.code, message.error.message) == (-32000, "no")


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"7", b"{", b'{"id":"x"}', b'{"id":1,"error":7}', b"\xff", b"[" * 100_000]
)
def test_something_else_is_refused(data: bytes) -> None:
    with pytest.raises(AnswerMalformedError):
        read_message(data)


def test_an_answer_of_another_form_is_refused() -> None:
    with pytest.raises(AnswerMalformedError):
        read(msgspec.Raw(b'{"title":5}'), Title)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_a_call_is_json_rpc_with_the_session_beside_it(params: dict[str, Any]) -> None:
    assert json.loads(write_message(5, "A.b", params, "S")) == {
        "id": 5,
        "method": "A.b",
        "params": params,
        "sessionId": "S",
    }
    assert json.loads(write_message(6, "A.b", None, "")) == {"id": 6, "method": "A.b", "params": {}}


@given(st.text(st.characters(exclude_categories=()), max_size=20))
def test_text_with_halves_of_pairs_is_read_as_python_would_read_it(text: str) -> None:
    data = json.dumps({"method": "A.event", "params": {"text": text}}).encode()
    found = read(read_message(data).params, dict[str, str])["text"]
    assert found == text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@pytest.mark.parametrize(
    "params",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b'"' + rb"\ud800" * (MAX_ESCAPES + 1) + b'"',
        b'"' + b"x" * MAX_MENDED_BYTES + rb'\ud800"',
    ],
    ids=["lists", "objects", "halves", "too much"],
)
def test_what_would_keep_the_daemon_busy_or_break_its_stack_is_refused(params: bytes) -> None:
    with pytest.raises(AnswerMalformedError):
        read_message(b'{"method":"A.event","params":' + params + b"}")
    with pytest.raises(AnswerMalformedError):
        read(msgspec.Raw(params), object)
