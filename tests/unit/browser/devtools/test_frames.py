"""WebSocket frames from Chromium, cut anywhere."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.devtools.frames import KEPT_BYTES, FrameReader, Kind, Received
from cloche.wire.websocket import Opcode, WebSocketError, encode_frame

MAX = 70_000


def feed_in_pieces(reader: FrameReader, data: bytes, cuts: list[int]) -> list[Received]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [one for start, end in pairwise(places) for one in reader.feed(data[start:end])]


@given(
    st.lists(st.integers(0, 300) | st.sampled_from([125, 126, 65_535, 65_536, MAX]), max_size=6),
    st.lists(st.integers(0, 1 << 20), max_size=8),
)
def test_messages_come_out_whole_however_they_are_cut(sizes: list[int], cuts: list[int]) -> None:
    messages = [bytes([number % 26 + 97]) * size for number, size in enumerate(sizes)]
    wire = b"".join(encode_frame(Opcode.TEXT, message) for message in messages)
    received = feed_in_pieces(FrameReader(MAX), wire, cuts)
    assert received == [Received(Kind.MESSAGE, message) for message in messages]


@given(st.lists(st.integers(0, 1 << 20), max_size=8), st.integers(MAX + 1, MAX + 70_000))
def test_what_is_too_large_is_skipped_and_the_next_message_is_read(cuts: list[int], size: int) -> None:
    large = b'{"id":7,' + b"x" * (size - 8)
    wire = encode_frame(Opcode.TEXT, large) + encode_frame(Opcode.TEXT, b"next")
    received = feed_in_pieces(FrameReader(MAX), wire, cuts)
    assert received == [Received(Kind.TOO_LARGE, large[:KEPT_BYTES]), Received(Kind.MESSAGE, b"next")]


def test_pings_and_the_end_are_told_and_pongs_are_not() -> None:
    wire = encode_frame(Opcode.PING, b"a") + encode_frame(Opcode.PONG, b"b") + encode_frame(Opcode.CLOSE, b"\x03\xe8")
    assert FrameReader(MAX).feed(wire) == [Received(Kind.PING, b"a"), Received(Kind.CLOSE, b"\x03\xe8")]


@pytest.mark.parametrize(
    "wire",
    [
        b"\x01\x01a",  # a fragment
        b"\xc1\x01a",  # an extension's bit
        b"\x81\x81abcda",  # a mask
        b"\x83\x00",  # an unknown opcode
        b"\x82\x01a",  # binary
        b"\x80\x01a",  # a continuation of nothing
        b"\x89\x7e\x00\x80",  # a control frame that is too long
    ],
)
def test_what_chromium_never_sends_is_refused(wire: bytes) -> None:
    with pytest.raises(WebSocketError):
        FrameReader(MAX).feed(wire + b"\0" * 200)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        FrameReader(100).feed(data)
    except WebSocketError:
        return


def test_pongs_without_end_do_not_break_the_stack() -> None:
    wire = encode_frame(Opcode.PONG, b"") * 20_000 + encode_frame(Opcode.TEXT, b"hi")
    assert FrameReader(100).feed(wire) == [Received(Kind.MESSAGE, b"hi")]
