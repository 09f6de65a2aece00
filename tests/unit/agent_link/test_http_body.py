from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent_link.http_body import MAX_TRAILER_BYTES, ChunkedFraming, Framing, LengthFraming
from cloche.errors import AgentError


def read(framing: Framing, data: bytes, cuts: list[int]) -> bytes:
    """Feed `data` cut at `cuts`; return the body."""
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return b"".join(framing.feed(data[start:end]) for start, end in pairwise(places))


CUTS = st.lists(st.integers(0, 400), max_size=12)


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=8), CUTS, st.binary(max_size=20))
def test_a_chunked_body_is_read_however_it_is_cut(pieces: list[bytes], cuts: list[int], behind: bytes) -> None:
    data = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    framing = ChunkedFraming()

    assert read(framing, data + behind, cuts) == b"".join(pieces)
    assert framing.is_finished


@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=8), st.integers(1, 500))
def test_a_chunked_body_is_not_finished_before_its_last_byte(pieces: list[bytes], missing: int) -> None:
    data = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    framing = ChunkedFraming()

    body = framing.feed(data[: max(0, len(data) - missing)])
    assert not framing.is_finished
    assert b"".join(pieces).startswith(body)


@given(st.binary(max_size=300), CUTS)
def test_bytes_that_are_no_chunks_are_refused_or_waited_on_and_never_more_than_came(
    data: bytes, cuts: list[int]
) -> None:
    try:
        assert len(read(ChunkedFraming(), data, cuts)) <= len(data)
    except AgentError:
        return


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"x\r\n",
        b"-1\r\n",
        b"0x2\r\nab\r\n",
        b"2\nab\r\n",
        b"2\r\nabc\r\n",
        b"2\r\nab\n",
        b"123456789\r\n",
        b"1;" + b"x" * 80,
        b"0\r\nA: " + b"b" * 80,
        b"0\r\n" + b"A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n" * (MAX_TRAILER_BYTES // 30),
    ],
)
def test_broken_chunks_are_the_agents_fault(data: bytes) -> None:
    with pytest.raises(AgentError):
        ChunkedFraming().feed(data)


def test_extensions_and_trailers_are_skipped() -> None:
    framing = ChunkedFraming()
    assert framing.feed(b"2;name=value\r\nab\r\n0\r\nDigest: x\r\n\r\n") == b"ab"
    assert framing.is_finished


def test_a_piece_within_one_chunk_is_handed_on_without_copying_it() -> None:
    framing, piece = ChunkedFraming(), b"x" * 1000
    framing.feed(b"fffff\r\n")
    assert framing.feed(piece) is piece


@given(st.binary(max_size=200), st.integers(0, 250), CUTS)
def test_a_body_of_a_known_length_is_exactly_so_long(data: bytes, length: int, cuts: list[int]) -> None:
    framing = LengthFraming(length)
    assert read(framing, data, cuts) == data[:length]
    assert framing.is_finished == (len(data) >= length)
