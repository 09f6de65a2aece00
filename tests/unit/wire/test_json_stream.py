import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.wire.json_stream import JsonStreamDecoder
from cloche.wire.ndjson import BadLine

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=4), VALUES, max_size=4)


def feed_in_pieces(decoder: JsonStreamDecoder, data: bytes, cuts: list[int]) -> list[object]:
    ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    out: list[object] = []
    start = 0
    for end in ends:
        out += decoder.feed(data[start:end])
        start = end
    return out


@given(
    st.lists(
        st.tuples(OBJECTS, st.sampled_from([None, 0, 2]), st.booleans(), st.sampled_from(["", " ", "\n", "\r\n\t"])),
        max_size=5,
    ),
    st.lists(st.integers(0, 400), max_size=8),
)
def test_objects_come_out_as_they_went_in_however_they_are_spaced_and_cut(
    written: list[tuple[dict[str, object], int | None, bool, str]], cuts: list[int]
) -> None:
    stream = "".join(
        json.dumps(value, indent=indent, ensure_ascii=is_ascii) + gap for value, indent, is_ascii, gap in written
    )
    data = stream.encode("utf-8", "backslashreplace")
    assert feed_in_pieces(JsonStreamDecoder(), data, cuts) == [value for value, *_ in written]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=6))
def test_after_any_garbage_a_good_line_is_understood(garbage: bytes, cuts: list[int]) -> None:
    decoder = JsonStreamDecoder(max_bytes=200)
    feed_in_pieces(decoder, garbage + b"\n", cuts)
    out: list[object] = []
    for _ in range(300):  # an unfinished object in the garbage may swallow some until it is found out
        out += decoder.feed(b'{"good":1}\n')
        if out and out[-1] == {"good": 1}:
            break
    assert out[-1] == {"good": 1}


@given(st.binary(max_size=2000))
def test_what_comes_out_is_objects_and_refusals_only(data: bytes) -> None:
    assert all(isinstance(item, dict | BadLine) for item in JsonStreamDecoder(max_bytes=100).feed(data))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"nonsense\n", "not_json"),
        (b"[1, 2]\n", "not_an_object"),
        (b'"text"\n', "not_an_object"),
        (b'{"a": "\xff"}\n', "not_json"),
        (b"[" * 100_000 + b"\n", "not_json"),
        (b'{"a":' * 2000 + b"\n", "not_json"),
    ],
)
def test_each_bad_line_is_one_refusal_with_its_reason(line: bytes, reason: str) -> None:
    assert JsonStreamDecoder(max_bytes=200_000).feed(line + b'{"a":1}\n') == [BadLine(reason), {"a": 1}]


def test_an_object_over_the_limit_is_refused_whether_it_comes_at_once_or_in_drips() -> None:
    large = b'{"a":"' + b"x" * 300 + b'"}\n'
    at_once, in_drips = JsonStreamDecoder(max_bytes=200), JsonStreamDecoder(max_bytes=200)
    assert at_once.feed(large + b'{"b":1}\n') == [BadLine("too_long"), {"b": 1}]
    dripped = [item for byte in large + b'{"b":1}\n' for item in in_drips.feed(bytes([byte]))]
    assert dripped == [BadLine("too_long"), {"b": 1}]


def test_half_a_line_is_found_out_by_the_next_command_but_one_and_none_is_lost() -> None:
    decoder = JsonStreamDecoder()
    assert decoder.feed(b'{"id": \n') == []
    assert decoder.feed(b'{"id":"1"}\n') == []
    assert decoder.feed(b'{"id":"2"}\n') == [BadLine("not_json"), {"id": "1"}, {"id": "2"}]


def test_a_peer_that_drips_brackets_is_refused_before_it_costs() -> None:
    decoder = JsonStreamDecoder()
    out = decoder.feed(b'{"a":"')
    for _ in range(300):
        out += decoder.feed(b"}")
    assert BadLine("too_long") in out
