import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.wire.frames import HEADER_BYTES, MAX_FRAME_BYTES, FrameDecoder, FrameTooLarge, encode_frame, encode_json

TEXT = st.text(st.characters(codec=None), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def decode(decoder: FrameDecoder, stream: bytes) -> list[bytes]:
    decoder.feed(stream)
    bodies = []
    while (body := decoder.next_frame()) is not None:
        bodies.append(body)
    return bodies


@given(st.lists(st.binary(max_size=300), max_size=6), st.data())
def test_bodies_come_out_as_they_went_in_wherever_the_stream_is_cut(bodies: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(encode_frame(body) for body in bodies)
    decoder, out = FrameDecoder(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        out += decode(decoder, stream[:size])
        stream = stream[size:]
    assert out == bodies
    assert decoder.is_between_frames


def test_a_frame_is_a_big_endian_length_and_a_body() -> None:
    assert encode_frame(b'"Ping"') == b'\x00\x00\x00\x06"Ping"'
    assert encode_frame(b"x" * 0x010203)[:HEADER_BYTES] == b"\x00\x01\x02\x03"


def test_a_frame_of_no_length_is_a_frame() -> None:
    assert decode(FrameDecoder(), encode_frame(b"") * 3) == [b"", b"", b""]


def test_a_header_alone_is_the_beginning_of_a_frame() -> None:
    decoder = FrameDecoder()
    assert decode(decoder, b"\x00\x00\x00") == []
    assert not decoder.is_between_frames
    assert decode(decoder, b"\x02") == []
    assert not decoder.is_between_frames
    assert decode(decoder, b"{}") == [b"{}"]
    assert decoder.is_between_frames


def test_the_largest_frame_passes_both_ways_and_one_byte_more_neither() -> None:
    body = b"x" * MAX_FRAME_BYTES
    assert decode(FrameDecoder(), encode_frame(body)) == [body]
    with pytest.raises(FrameTooLarge):
        encode_frame(body + b"x")
    with pytest.raises(FrameTooLarge):
        decode(FrameDecoder(), (MAX_FRAME_BYTES + 1).to_bytes(4, "big"))


@given(st.integers(17, 2**32 - 1), st.binary(max_size=100), st.binary(max_size=100))
def test_after_a_length_that_is_too_large_nothing_is_kept_and_nothing_comes(
    length: int, body: bytes, more: bytes
) -> None:
    decoder = FrameDecoder(max_bytes=16)
    with pytest.raises(FrameTooLarge, match=str(length)):
        decode(decoder, length.to_bytes(4, "big") + body)
    with pytest.raises(FrameTooLarge, match=str(length)):
        decode(decoder, more + encode_frame(b"{}"))
    assert decoder.is_between_frames


def test_frames_before_one_that_is_too_large_come_out() -> None:
    decoder = FrameDecoder(max_bytes=16)
    decoder.feed(encode_frame(b"first") + b"\xff\xff\xff\xff")
    assert decoder.next_frame() == b"first"
    with pytest.raises(FrameTooLarge):
        decoder.next_frame()


@given(st.binary(max_size=200))
def test_any_bytes_give_bodies_or_a_refusal(data: bytes) -> None:
    decoder, bodies = FrameDecoder(max_bytes=64), []
    try:
        bodies = decode(decoder, data)
    except FrameTooLarge:
        assert len(data) >= HEADER_BYTES
    assert sum(HEADER_BYTES + len(body) for body in bodies) <= len(data)


@given(JSON)
def test_a_body_is_compact_utf_8_that_means_the_same(value: object) -> None:
    body = encode_json(value)
    assert json.loads(body) == json.loads(json.dumps(value))
    assert len(body) <= len(json.dumps(value, separators=(",", ":")))


def test_what_json_has_no_number_for_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_json({"load": float("nan")})
