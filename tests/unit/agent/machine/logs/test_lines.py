from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cloche.agent.machine.logs import lines
from cloche.agent.machine.logs.lines import MAX_LINE_BYTES, Line, LineSplitter

LIMIT = 8
"""Instead of 64 KiB, so that long lines are found by chance."""

texts = st.lists(
    st.one_of(st.sampled_from([b"\n", b"\r\n", b"\r", "é".encode(), "€".encode(), "😀".encode(), b"\xff", b"\x80"]),
              st.binary(max_size=12)),
    max_size=30,
).map(b"".join)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def short_lines() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "MAX_LINE_BYTES", LIMIT)
        yield


def split(pieces: list[bytes]) -> list[Line]:
    splitter = LineSplitter()
    return [line for piece in pieces for line in splitter.feed(piece)] + splitter.end()


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
    return [data[begin:end] for begin, end in pairwise(places)]


def joined(told: list[Line]) -> list[str]:
    """Whole lines, put together from their pieces."""
    whole, beginning = [], ""
    for line in told:
        beginning += line.text
        if not line.is_partial:
            whole.append(beginning)
            beginning = ""
    assert not beginning
    return whole


@given(texts, st.lists(st.integers(0, 1000), max_size=12))
@example(b"x" * LIMIT + b"\r\n", [LIMIT])
@example(b"abc\r\n", [4])
def test_the_lines_are_the_same_however_the_bytes_are_cut(data: bytes, at: list[int]) -> None:
    assert split(cut(data, at)) == split([data])


@given(texts)
def test_every_line_ends_where_its_bytes_end_and_nothing_is_lost(data: bytes) -> None:
    told = split([data])
    ends = [0, *(line.end for line in told)]
    assert ends[-1] == len(data)
    for line, begin, end in zip(told, ends, ends[1:], strict=False):
        raw = data[begin:end]
        assert begin < end
        assert line.is_partial or b"\n" not in raw[:-1]
        assert len(raw.removesuffix(b"\n")) <= LIMIT
        expected = raw if line.is_partial else raw.removesuffix(b"\n").removesuffix(b"\r")
        assert line.text == expected.decode("utf-8", "replace")


@given(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=60))
def test_a_character_is_never_cut(text: str) -> None:
    assert joined(split([byte.to_bytes() for byte in text.encode()])) == ([text] if text else [])


@given(texts, st.lists(st.tuples(st.integers(0, 1000), st.booleans()), max_size=12))
def test_a_line_of_which_the_beginning_was_given_early_is_the_same_when_put_together(
    data: bytes, turns: list[tuple[int, bool]]
) -> None:
    splitter, told = LineSplitter(), list[Line]()
    pieces = cut(data, [place for place, _ in turns])
    for piece, (_, gives) in zip(pieces, [*turns, (0, False)], strict=True):
        told += splitter.feed(piece)
        told += splitter.give() if gives else []
    told += splitter.end()
    expected = data.decode("utf-8", "replace").split("\n")
    found = joined(told)
    if data.isascii():
        assert found == [line.removesuffix("\r") for line in expected[: None if expected[-1] else -1]]
    assert len(found) == len(expected) - (not expected[-1])
    assert [line.end for line in told] == sorted(line.end for line in told)


def test_empty_lines_are_lines() -> None:
    assert [line.text for line in split([b"\n\r\na\n\n"])] == ["", "", "a", ""]


def test_only_one_carriage_return_belongs_to_the_line_end() -> None:
    assert [line.text for line in split([b"a\r\r\nb\rc\n"])] == ["a\r", "b\rc"]


def test_an_unfinished_line_is_held_back_until_it_is_asked_for() -> None:
    splitter = LineSplitter(100)
    assert splitter.feed(b"one\ntw") == [Line("one", False, 104)]
    assert splitter.is_waiting
    assert splitter.give() == [Line("tw", True, 106)]
    assert not splitter.is_waiting
    assert splitter.feed(b"o\nthr") == [Line("o", False, 108)]
    assert splitter.end() == [Line("thr", False, 111)]
    assert splitter.end() == []


def test_half_a_character_and_half_a_line_end_are_given_only_when_nothing_will_come() -> None:
    splitter = LineSplitter()
    splitter.feed("a€".encode()[:-1])
    assert splitter.give() == [Line("a", True, 1)]
    assert splitter.give() == []
    splitter.feed("€".encode()[-1:] + b"\r")
    assert splitter.give() == [Line("€", True, 4)]
    assert splitter.give(everything=True) == [Line("\r", True, 5)]


def test_a_line_whose_beginning_was_given_is_ended_by_an_empty_rest() -> None:
    splitter = LineSplitter()
    splitter.feed(b"abc")
    splitter.give()
    assert splitter.end() == [Line("", False, 3)]


def test_no_more_is_held_back_than_one_piece_of_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", MAX_LINE_BYTES)
    splitter = LineSplitter()
    told = [line for _ in range(40) for line in splitter.feed(b"x" * 10_000)]
    assert [(len(line.text), line.is_partial) for line in told] == [(MAX_LINE_BYTES, True)] * 6
    assert len(splitter.end()[0].text) == 400_000 - 6 * MAX_LINE_BYTES
