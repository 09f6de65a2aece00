import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.guest_http import BadRequest, Request, parse_request, render


@given(st.integers(0, 60))
def test_a_request_is_read_when_its_head_is_whole(cut: int) -> None:
    head = b"GET /health?fresh=1 HTTP/1.1\r\nHost: agent\r\n\r\n"
    assert parse_request(head[:cut]) == (Request("GET", "/health") if cut >= len(head) else None)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_request_unfinished_or_refused(data: bytes) -> None:
    try:
        request = parse_request(data + b"\r\n\r\n")
    except BadRequest as error:
        assert error.status == 400
    else:
        assert request is not None
        assert request.path.startswith("/")


def test_a_head_without_end_is_refused_at_eight_kilobytes() -> None:
    assert parse_request(b"x" * 8192) is None
    with pytest.raises(BadRequest) as refusal:
        parse_request(b"x" * 8193)
    assert refusal.value.status == 431


def test_a_response_says_how_long_it_is_and_that_it_is_the_last() -> None:
    head, _, body = render(405, {"error": "ü"}).partition(b"\r\n\r\n")
    assert json.loads(body) == {"error": "ü"}
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 405 Method Not Allowed",
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
        b"Connection: close",
        b"Allow: GET",
    ]
