from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cloche.wire.http_head import (
    MAX_FIELDS,
    MAX_HEAD_BYTES,
    MAX_QUERY_FIELDS,
    HeadError,
    RequestHead,
    chunk_size,
    parse_head,
    unquote,
)

HEAD = b"GET /fs/read_file?path=a%2Fb&x= HTTP/1.1\r\nHost: agent\r\nLast-Event-ID:  7 \r\n\r\n"


def head(*lines: str, first: str = "GET / HTTP/1.1") -> RequestHead:
    found = parse_head("\r\n".join((first, *lines)).encode("latin-1") + b"\r\n\r\n")
    assert found is not None
    return found


def refused(data: bytes) -> int:
    with pytest.raises(HeadError) as refusal:
        parse_head(data)
    return refusal.value.status


@given(st.integers(0, len(HEAD) + 10))
def test_a_request_is_read_when_its_head_is_whole(cut: int) -> None:
    wanted = RequestHead("GET", "/fs/read_file", {"path": b"a/b", "x": b""}, {"host": "agent", "last-event-id": "7"})
    assert parse_head((HEAD + b"body")[:cut]) == (wanted if cut >= len(HEAD) else None)


@given(st.binary(max_size=400))
@example(b"GET / HTTP/1.1\r\nContent-Length: \xb2")
@example(b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1")
def test_any_bytes_are_a_request_unfinished_or_refused(data: bytes) -> None:
    try:
        found = parse_head(data + b"\r\n\r\n")
        assert found is not None
        assert found.path.startswith("/")
        assert found.is_chunked in (True, False)
        assert (found.content_length or 0) >= 0
    except HeadError as error:
        assert error.status in (400, 431, 505)


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), st.binary(max_size=40), max_size=8)
)
def test_query_fields_of_any_bytes_come_through(query: dict[str, bytes]) -> None:
    pairs = (f"{quote_from_bytes(name.encode())}={quote_from_bytes(value, safe='')}" for name, value in query.items())
    assert head(first=f"GET /x?{'&'.join(pairs)} HTTP/1.1").query == query


@given(st.binary(max_size=60))
@example(b"%")
@example(b"%4")
@example(b"%%41%4g")
def test_percent_escapes_are_decoded_as_the_standard_library_does(data: bytes) -> None:
    assert unquote(data) == unquote_to_bytes(data)
    assert unquote(quote_from_bytes(data).encode()) == data


def test_a_path_that_is_not_utf_8_does_not_fail() -> None:
    assert head(first="GET /a%ff/%C3%BC HTTP/1.1").path == "/a\ufffd/ü"


def test_a_head_without_end_is_refused_when_it_is_too_large() -> None:
    assert parse_head(b"x" * MAX_HEAD_BYTES) is None
    assert refused(b"x" * (MAX_HEAD_BYTES + 1)) == 431
    assert refused(b"GET / HTTP/1.1\r\nx: " + b"y" * MAX_HEAD_BYTES + b"\r\n\r\n") == 431


def test_there_may_be_only_so_many_fields_and_query_fields() -> None:
    assert len(head(*(f"x{number}: " for number in range(MAX_FIELDS))).fields) == MAX_FIELDS
    assert refused(b"GET / HTTP/1.1" + b"\r\nx: " * (MAX_FIELDS + 1) + b"\r\n\r\n") == 431
    assert len(head(first=f"GET /?{'&'.join(map(str, range(MAX_QUERY_FIELDS)))} HTTP/1.1").query) == MAX_QUERY_FIELDS
    assert refused(b"GET /?" + b"&" * MAX_QUERY_FIELDS + b" HTTP/1.1\r\n\r\n") == 400


def test_of_a_query_field_that_stands_twice_the_last_counts() -> None:
    assert head(first="GET /?a=1&a=2 HTTP/1.1").query == {"a": b"2"}


@pytest.mark.parametrize("first", ["", "GET", "GET /", "GET  / HTTP/1.1", "GET x HTTP/1.1", "G=T / HTTP/1.1", "/ / /"])
def test_what_is_no_request_line_is_refused(first: str) -> None:
    assert refused(first.encode() + b"\r\n\r\n") == 400


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/2.0", "HTTP/1.1x"])
def test_another_version_is_refused_as_such(version: str) -> None:
    assert refused(f"GET / {version}\r\n\r\n".encode()) == 505


@pytest.mark.parametrize(
    "line",
    [b"x", b": y", b" x: y", b"x : y", b"a b: y", b"x: a\0b", b"x: a\nb: c", b"x: a\rb", b"x: \x1b[1m", b"\xfc: y"],
)
def test_a_malformed_field_is_refused(line: bytes) -> None:
    assert refused(b"GET / HTTP/1.1\r\n" + line + b"\r\n\r\n") == 400


def test_a_field_that_stands_twice_is_refused_however_it_is_written() -> None:
    assert refused(b"GET / HTTP/1.1\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\n") == 400


@pytest.mark.parametrize("text", ["", "-1", "+1", "1,1", "0x1", "1 1", "9" * 19, "\xb2"])
def test_a_length_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(HeadError):
        _ = head(f"Content-Length: {text}").content_length


def test_a_length_may_be_there_or_not() -> None:
    assert head().content_length is None
    assert head("Content-Length: 042").content_length == 42


def test_only_one_coding_is_understood_and_no_length_beside_it() -> None:
    assert not head().is_chunked
    assert head("Transfer-Encoding: Chunked").is_chunked
    for lines in (["Transfer-Encoding: gzip, chunked"], ["Transfer-Encoding: chunked", "Content-Length: 3"]):
        with pytest.raises(HeadError):
            _ = head(*lines).is_chunked


@given(st.integers(0, (1 << 32) - 1))
def test_the_size_of_a_chunk_is_hexadecimal(size: int) -> None:
    assert chunk_size(b"%x" % size) == chunk_size(b"%X ;name=value" % size) == size


@pytest.mark.parametrize("line", [b"", b" ", b"g", b"-1", b"+1", b"0x1", b"1_0", b"1" * 9, b";x", b"1 1"])
def test_what_is_no_size_of_a_chunk_is_refused(line: bytes) -> None:
    with pytest.raises(HeadError):
        chunk_size(line)


@given(st.binary(max_size=12))
def test_any_line_is_the_size_of_a_chunk_or_refused(line: bytes) -> None:
    try:
        assert 0 <= chunk_size(line) < 1 << 32
    except HeadError as error:
        assert error.status == 400
