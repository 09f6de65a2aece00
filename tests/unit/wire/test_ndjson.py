import json

from hypothesis import given
from hypothesis import strategies as st

from cloche.wire.ndjson import BadLine, LineDecoder, encode

TEXT = st.text(st.characters(codec=None), max_size=20)


@given(st.lists(st.dictionaries(TEXT, TEXT | st.integers() | st.none(), max_size=4), max_size=6), st.data())
def test_lines_come_out_as_they_went_in_wherever_they_are_cut(
    objects: list[dict[str, object]], data: st.DataObject
) -> None:
    stream = b"".join(encode(value) for value in objects)
    decoder, out = LineDecoder(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        out += decoder.feed(stream[:size])
        stream = stream[size:]
    assert out == objects


@given(TEXT)
def test_half_a_surrogate_pair_survives_as_its_escape(text: str) -> None:
    assert json.loads(encode({"a": text})) == json.loads(json.dumps({"a": text}))


@given(st.binary(max_size=500))
def test_any_bytes_give_objects_and_refusals_only(data: bytes) -> None:
    assert all(isinstance(item, dict | BadLine) for item in LineDecoder(max_line_bytes=64).feed(data))


def test_a_line_that_is_too_long_is_refused_once_and_the_next_one_understood() -> None:
    decoder = LineDecoder(max_line_bytes=10)
    assert decoder.feed(b"x" * 6) == []
    assert decoder.feed(b"x" * 6) == [BadLine("too_long")]
    assert decoder.feed(b'xxxx\n{"a":1}\n') == [{"a": 1}]


def test_blank_lines_are_nothing() -> None:
    assert LineDecoder().feed(b"\n \r\n{}\n") == [{}]
