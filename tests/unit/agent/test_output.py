from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.output import KEPT_BYTES, TAIL_BYTES, Output


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
