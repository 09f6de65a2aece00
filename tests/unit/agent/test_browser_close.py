import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloche.agent.browser_close import ask_to_close
from cloche.wire.websocket import Opcode, encode_close, encode_frame

from .devtools_peer import http, meet, upgraded

ANSWER = encode_frame(Opcode.TEXT, json.dumps({"id": 1, "result": {}}).encode())


def close(*pieces: bytes, within_s: float = 5.0) -> None:
    """Ask a browser to close that takes the upgrade and then says this."""
    answer = meet(
        lambda head: [upgraded(head), *pieces],
        lambda loop, found: ask_to_close(loop, found, time.monotonic() + within_s),
    )
    assert answer is None


def test_a_browser_that_says_it_will_close_is_believed() -> None:
    close(ANSWER)
    close(*(bytes((byte,)) for byte in ANSWER))
    close(encode_frame(Opcode.PING, b"x") + encode_frame(Opcode.TEXT, b'{"method":"Some.event"}') + ANSWER)


def test_a_browser_that_is_gone_before_it_answers_has_closed() -> None:
    close()
    close(encode_close(1000, ""))
    close(encode_frame(Opcode.TEXT, b"half")[:3])


@pytest.mark.parametrize(
    "message",
    [
        encode_frame(Opcode.TEXT, b'{"id":1,"error":{"code":-32601}}'),
        encode_frame(Opcode.TEXT, b"no JSON"),
        encode_frame(Opcode.TEXT, b"[" * 60_000),
        encode_frame(Opcode.TEXT, ANSWER, b"mask"),
        b"\x81\x7f" + b"\xff" * 8,
        encode_frame(Opcode.PING, b"") * 100,
    ],
    ids=["refused", "no JSON", "too deep", "masked", "endless", "chatty"],
)
def test_a_browser_that_says_something_else_does_not(message: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        close(message)


@pytest.mark.parametrize(
    "response",
    [
        b"",
        http(b"{}"),
        b"HTTP/1.1 403 No\r\n\r\n",
        b"HTTP/1.1 101 Yes\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
        b"HTTP/1.1 101 Yes\r\n\r\n",
        b"a" * 20_000,
    ],
)
def test_what_is_no_websocket_is_not_asked(response: bytes) -> None:
    with pytest.raises((ValueError, OSError)):
        meet(lambda _head: [response], lambda loop, found: ask_to_close(loop, found, time.monotonic() + 5))


def test_nobody_there_and_no_time_left_are_errors() -> None:
    with pytest.raises(OSError, match="refused"):
        meet(lambda _head: [], lambda loop, found: ask_to_close(loop, found._replace(port=1), time.monotonic() + 5))
    with pytest.raises(TimeoutError):
        close(ANSWER, within_s=0)


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=200), max_size=5))
def test_no_bytes_of_a_browser_do_more_than_fail(pieces: list[bytes]) -> None:
    try:
        close(*pieces)
    except (ValueError, OSError) as error:
        assert not isinstance(error, RecursionError)
