"""What a viewer sends, taken apart: whole messages, however they are cut up, and nothing that is too large."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.api.live.frames import Kind, Received, ViewerFrames
from cloche.wire.websocket import Opcode, WebSocketError, encode_frame

MASK = b"\x01\x02\x03\x04"
LIMIT = 1000


def frame(opcode: int, data: bytes, *, last: bool = True, mask: bytes = MASK) -> bytes:
    whole = encode_frame(Opcode(opcode), data, mask)
    return whole if last else bytes([whole[0] & 0x7F]) + whole[1:]


def read(*pieces: bytes, limit: int = LIMIT) -> list[Received]:
    frames = ViewerFrames(limit)
    return [received for piece in pieces for received in frames.feed(piece)]


def test_text_binary_and_control_frames_are_told_apart() -> None:
    sent = frame(1, b"text") + frame(2, b"\xff") + frame(9, b"p") + frame(10, b"q") + frame(8, b"\x03\xe8")
    assert read(sent) == [
        (Kind.TEXT, b"text"),
        (Kind.BINARY, b"\xff"),
        (Kind.PING, b"p"),
        (Kind.PONG, b"q"),
        (Kind.CLOSE, b"\x03\xe8"),
    ]


def test_fragments_are_put_together_with_a_ping_between_them() -> None:
    sent = frame(1, b"a", last=False) + frame(9, b"") + frame(0, b"b", last=False) + frame(0, b"c")
    assert read(sent) == [(Kind.PING, b""), (Kind.TEXT, b"abc")]


@pytest.mark.parametrize("size", [0, 125, 126, 999, 1000])
def test_every_form_of_length_is_read(size: int) -> None:
    assert read(frame(1, b"x" * size)) == [(Kind.TEXT, b"x" * size)]


@pytest.mark.parametrize("size", [1001, 65_536, 300_000])
def test_what_is_too_large_is_told_once_and_skipped(size: int) -> None:
    assert read(frame(1, b"x" * size), frame(1, b"next")) == [(Kind.TOO_LARGE, b""), (Kind.TEXT, b"next")]


def test_fragments_that_are_too_large_together_are_skipped_to_the_last() -> None:
    sent = frame(1, b"x" * 600, last=False) + frame(0, b"x" * 600, last=False) + frame(9, b"") + frame(0, b"x")
    assert read(sent + frame(1, b"next")) == [(Kind.TOO_LARGE, b""), (Kind.PING, b""), (Kind.TEXT, b"next")]
    empty = frame(1, b"x" * 1001, last=False) + frame(0, b"")
    assert read(empty + frame(1, b"next")) == [(Kind.TOO_LARGE, b""), (Kind.TEXT, b"next")]


def test_a_length_beyond_all_bounds_holds_no_memory() -> None:
    frames = ViewerFrames(LIMIT)
    assert frames.feed(b"\x81\xff" + struct.pack(">Q", 1 << 62) + MASK) == [(Kind.TOO_LARGE, b"")]
    for _ in range(100):
        assert frames.feed(bytes(100_000)) == []
    assert len(frames._pending) == 0


@pytest.mark.parametrize(
    "sent",
    [
        b"\x81\x05hello",  # no mask
        b"\xc1\x80" + MASK,  # a reserved bit
        b"\x83\x80" + MASK,  # an opcode that is none
        frame(0, b"x"),  # goes on with nothing
        frame(1, b"x", last=False) + frame(1, b"y"),  # begins within a message
        frame(9, b"x", last=False),  # a control frame in pieces
        frame(9, b"x" * 126),  # or too long
        b"\x81\xfe\x00\x05" + MASK,  # a length not written as it must be
        b"\x81\xff" + struct.pack(">Q", 1 << 63) + MASK,
    ],
)
def test_what_breaks_the_protocol_is_an_error(sent: bytes) -> None:
    with pytest.raises(WebSocketError):
        read(sent + bytes(20))


@given(
    st.lists(st.tuples(st.sampled_from([1, 2, 9]), st.binary(max_size=120)), max_size=8),
    st.lists(st.integers(0, 400), max_size=8),
)
def test_where_it_is_cut_makes_no_difference(messages: list[tuple[int, bytes]], cuts: list[int]) -> None:
    sent = b"".join(frame(opcode, data) for opcode, data in messages)
    edges = [0, *sorted(cuts), max([len(sent), *cuts])]
    assert read(*(sent[start:end] for start, end in pairwise(edges))) == read(sent)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(sent: bytes) -> None:
    frames = ViewerFrames(LIMIT)
    try:
        frames.feed(sent)
    except WebSocketError:
        return
    assert len(frames._pending) <= LIMIT + 14
