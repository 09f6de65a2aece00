import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.wire.frames import MAX_FRAME_BYTES
from cloche.wire.vsock_handshake import (
    CONNECT,
    MAX_LINE_BYTES,
    HandshakeError,
    check_ok,
    connect_line,
    could_be_connect,
    ok_line,
    parse_connect,
    take_line,
)

PORTS = st.integers(0, 2**32 - 1)


@given(PORTS, st.binary(max_size=50))
def test_a_connect_line_is_read_as_it_was_written_and_what_follows_is_kept(port: int, rest: bytes) -> None:
    split = take_line(connect_line(port) + rest)
    assert split is not None
    assert (parse_connect(split[0]), split[1]) == (port, rest)


@given(PORTS)
def test_every_beginning_of_a_connect_line_could_become_one(port: int) -> None:
    line = connect_line(port)
    for end in range(len(line)):
        assert could_be_connect(line[:end])
        assert take_line(line[:end]) is None


@given(st.integers(0, MAX_FRAME_BYTES), st.binary(max_size=20))
def test_no_frame_begins_like_a_connect_line(length: int, body: bytes) -> None:
    frame = struct.pack(">I", length) + body
    assert not could_be_connect(frame[:1])
    assert not could_be_connect(frame)


def test_the_lines_are_the_published_ones() -> None:
    assert connect_line(52) == b"CONNECT 52\n"
    assert ok_line(1073741824) == b"OK 1073741824\n"


@pytest.mark.parametrize("line", [b"CONNECT 5252", b"CONNECT 5252\r", b"CONNECT 0005252"])
def test_a_port_may_have_zeros_before_it_and_its_line_a_carriage_return(line: bytes) -> None:
    assert parse_connect(line) == 5252


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"CONNECT",
        b"CONNECT ",
        b"CONNECT x",
        b"CONNECT -1",
        b"CONNECT +1",
        b"CONNECT 1 ",
        b"CONNECT  1",
        b"CONNECT 1\r\r",
        b"CONNECT 4294967296",
        b"CONNECT 00000000001",
        "CONNECT ٥٢".encode(),
        b"connect 52",
    ],
)
def test_what_is_no_connect_line_is_refused(line: bytes) -> None:
    with pytest.raises(HandshakeError):
        parse_connect(line)


@given(st.binary(max_size=100))
def test_any_line_is_a_port_or_a_refusal(line: bytes) -> None:
    try:
        assert 0 <= parse_connect(line) < 2**32
    except HandshakeError:
        assert not line.startswith(b"CONNECT 52\n")


@given(st.binary(max_size=200))
def test_a_line_is_never_longer_than_agreed(received: bytes) -> None:
    try:
        split = take_line(received)
    except HandshakeError:
        assert b"\n" not in received[:MAX_LINE_BYTES]
    else:
        assert split is None or len(split[0]) < MAX_LINE_BYTES
        assert split is not None or len(received) < MAX_LINE_BYTES


@pytest.mark.parametrize("line", [b"OK 52", b"OK 1073741824", b"OK \r", b"OK 7 and more"])
def test_a_reply_need_only_begin_with_ok(line: bytes) -> None:
    check_ok(line)


@pytest.mark.parametrize("line", [b"", b"OK", b"ok 52", b"KO 52", b" OK 52", b"OKAY 52"])
def test_any_other_reply_is_refused(line: bytes) -> None:
    with pytest.raises(HandshakeError):
        check_ok(line)


def test_the_word_to_look_for_ends_with_its_blank() -> None:
    assert CONNECT == b"CONNECT "
