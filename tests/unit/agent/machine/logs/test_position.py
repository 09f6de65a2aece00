import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.machine.logs.position import CHECKED_BYTES, Position, check_of, parse_position

positions = st.builds(
    Position,
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**32 - 1),
)


@given(positions)
def test_a_position_is_read_as_it_was_told(position: Position) -> None:
    assert parse_position(str(position)) == position


@given(st.one_of(st.text(max_size=80), st.text("0123456789abcdef-", max_size=80)))
def test_anything_else_is_none_or_within_bounds(text: str) -> None:
    position = parse_position(text)
    if position is not None:
        assert all(0 <= number < 2**64 for number in position)
        assert 0 <= position.offset < 2**63


@pytest.mark.parametrize(
    "text",
    ["", "1-2-3", "1-2-3-4-5", "1-2-3-", "-1-2-3-4", "1-2-+3-4", "1-2-0x3-4", "1-2- 3-4", "1-2-3-4\n", "A-2-3-4",
     "1-2-8000000000000000-4", "1-2-3-100000000", "1-2-" + "0" * 99 + "-4", "١-2-3-4"],
)  # fmt: skip
def test_what_is_malformed_or_too_large_is_none(text: str) -> None:
    assert parse_position(text) is None


@given(st.binary(max_size=300))
def test_the_check_is_of_the_last_bytes_alone(before: bytes) -> None:
    assert check_of(before) == check_of(before[-CHECKED_BYTES:])
    if before:
        assert check_of(before) != check_of(before[:-1] + bytes([before[-1] ^ 1]))
