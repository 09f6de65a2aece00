from hypothesis import given
from hypothesis import strategies as st

from cloche.artifacts.sniff.sample import Sample


@given(st.binary(max_size=60), st.integers(0, 60), st.integers(0, 60), st.integers(-70, 70), st.integers(-5, 70))
def test_what_is_read_is_what_the_file_has_there(data: bytes, first: int, last: int, start: int, most: int) -> None:
    sample = Sample.of(data[:first], data[len(data) - min(last, len(data)) :], len(data))

    got = sample.read(start, most)

    assert got == data[max(start, 0) : max(start, 0) + len(got)] and len(got) <= max(most, 0)
    if sample.is_whole and start >= 0:
        assert got == data[start : start + max(most, 0)]
    assert sample.ending == data[sample.ending_start :]


@given(st.binary(max_size=20), st.binary(max_size=20), st.integers(-5, 60))
def test_a_size_that_does_not_fit_is_set_right(head: bytes, tail: bytes, size: int) -> None:
    sample = Sample.of(head, tail, size)
    assert sample.size == max(size, 0)
    assert len(sample.head) + len(sample.tail) <= sample.size
    assert sample.is_whole == (len(head) + len(tail) >= size)
