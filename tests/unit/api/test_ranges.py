import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.api.ranges import Span, Tail, etag_of, is_still, parse_range


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("bytes=0-0", Span(0, 0)),
        ("bytes=5-", Span(5, None)),
        ("bytes=5-7", Span(5, 7)),
        ("Bytes= 5-7 ", Span(5, 7)),
        ("bytes=-3", Tail(3)),
        ("bytes=-0", Tail(0)),
        (None, None),
        ("", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=7-5", None),
        ("bytes=1-2,4-5", None),
        ("bytes=a-b", None),
        ("bytes=+1-2", None),
        ("bytes=²-", None),
        ("items=0-1", None),
        ("bytes=0-" + "9" * 30, None),
    ],
)
def test_one_range_is_read_and_everything_else_is_the_whole(text: str | None, wanted: Span | Tail | None) -> None:
    assert parse_range(text) == wanted


@given(st.binary(max_size=50), st.integers(0, 60), st.none() | st.integers(0, 60))
def test_a_span_covers_what_a_slice_does(data: bytes, first: int, last: int | None) -> None:
    if last is not None and last < first:
        return
    assert Span(first, last).bytes_of(len(data)) == len(data[first : None if last is None else last + 1])


@given(st.binary(max_size=50), st.integers(0, 60))
def test_a_tail_covers_the_last_bytes(data: bytes, length: int) -> None:
    span = Tail(length).within(len(data))
    assert data[span.first :] == (data[-length:] if length else b"")


@given(st.text(max_size=20))
def test_any_text_is_read_or_not_understood(text: str) -> None:
    wanted = parse_range("bytes=" + text)
    assert wanted is None or isinstance(wanted, Span | Tail)


def test_a_range_is_sent_only_for_the_very_same_file() -> None:
    etag = etag_of(10, 1.5)
    assert is_still(None, etag) and is_still(etag, etag)
    for other in (etag_of(11, 1.5), etag_of(10, 1.500001), f"W/{etag}", "Sun, 22 Nov 2026 10:00:00 GMT", ""):
        assert not is_still(other, etag)
