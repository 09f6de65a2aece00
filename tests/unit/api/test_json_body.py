"""JSON within limits."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.api.json_body import MAX_DEPTH, parse_json
from cloche.errors import InvalidError

REFUSED = {
    "empty": b"",
    "half": b'{"a":',
    "two": b"{}{}",
    "nan": b'{"a":NaN}',
    "infinity": b"[-Infinity]",
    "beyond a double": b"[1e999]",
    "latin-1": b'"\xe9"',
    "half a surrogate pair": b'["\\ud800"]',
    "half a surrogate pair in a name": b'{"\\udfff":1}',
    "a name twice": b'{"a":1,"a":2}',
    "deep": b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    "very deep": b"[" * 100_000,
    "digits without end": b"9" * 5000,
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_strict_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidError):
        parse_json(body)


def test_depth_and_count_are_allowed_up_to_the_limit() -> None:
    assert parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert parse_json(b"[1,2,3]", max_values=4) == [1, 2, 3]
    with pytest.raises(InvalidError):
        parse_json(b"[1,2,3,4]", max_values=4)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_all_other_json_is_read_as_python_reads_it(value: object) -> None:
    assert parse_json(json.dumps(value).encode(), max_depth=64) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        parse_json(body)
    except InvalidError:
        return
    json.loads(body)
