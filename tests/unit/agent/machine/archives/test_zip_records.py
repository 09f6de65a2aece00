from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.machine.archives.zip_records import dos_time, extra_fields, seconds_of


@given(st.integers(315532800, (1 << 32) - 1))
def test_a_time_comes_back_to_the_two_seconds(seconds: int) -> None:
    assert seconds_of(*dos_time(seconds)) == seconds // 2 * 2


@given(st.integers(-(1 << 40), 1 << 40))
def test_what_dos_knows_no_time_for_becomes_the_first_or_the_last(seconds: int) -> None:
    assert 315532800 <= seconds_of(*dos_time(seconds)) < 1 << 32


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_any_time_is_some_time(time: int, date: int) -> None:
    assert seconds_of(time, date) >= 315532800


@given(st.binary(max_size=60))
def test_extra_fields_of_random_bytes_are_pieces_of_them(extra: bytes) -> None:
    assert all(value in extra for value in extra_fields(extra).values())


def test_of_two_extra_fields_with_one_number_the_first_counts() -> None:
    assert extra_fields(b"\1\0\1\0a\1\0\1\0b\2\0\0\0") == {1: b"a", 2: b""}


def test_only_so_many_extra_fields_are_looked_at() -> None:
    many = b"".join(number.to_bytes(2, "little") + b"\0\0" for number in range(16_000))
    assert len(extra_fields(many)) == 64
