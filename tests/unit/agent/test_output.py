import itertools

from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.output import KEPT_BYTES, MAX_LINE_BYTES, MAX_LINES, TAIL_BYTES, Output


@given(st.lists(st.binary(max_size=3000), max_size=30))
def test_the_tail_is_short_printable_and_from_the_end(pieces: list[bytes]) -> None:
    output = Output()
    for piece in pieces:
        output.add(piece)
    tail = output.tail()
    assert len(tail.encode()) <= TAIL_BYTES
    assert all(character.isprintable() or character == "\n" for character in tail)


def test_whole_lines_are_kept_where_there_are_any() -> None:
    output = Output()
    output.add(b"x" * (KEPT_BYTES * 2))
    output.add(b"\nfirst\nlast\n")
    assert output.tail() == "first\nlast"


def test_one_endless_line_is_cut() -> None:
    output = Output()
    output.add("ü".encode() * 5000)
    assert output.tail() == "ü" * (TAIL_BYTES // 2)


def told(*pieces: bytes) -> list[str]:
    lines: list[str] = []
    output = Output(lines.append)
    for piece in pieces:
        output.add(piece)
    output.close()
    return lines


@given(st.binary(max_size=2000), st.lists(st.integers(0, 2000), max_size=8))
def test_lines_are_told_however_they_are_cut_up(text: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(edges)]
    expected = text.decode("utf-8", "replace").split("\n") if text else []
    if len(expected) <= MAX_LINES:
        assert told(*pieces) == (expected[:-1] if expected and not expected[-1] else expected)


def test_a_flood_of_lines_is_told_by_its_end() -> None:
    lines = told(b"\n" * 10_000 + b"last\n")
    assert lines[0] == f"({10_001 - MAX_LINES} lines left out)"
    assert (len(lines), lines[-1]) == (MAX_LINES + 1, "last")


def test_an_endless_line_is_told_in_pieces() -> None:
    lines = told(b"a" * 10_000, b"b" * 10_000)
    assert "".join(lines) == "a" * 10_000 + "b" * 10_000
    assert max(map(len, lines)) <= MAX_LINE_BYTES
