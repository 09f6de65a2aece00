import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.audit.bounds import MAX_FIELDS, MAX_VALUE_CHARS, bounded_data, bounded_text
from cloche.audit.chain import data_text


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("a\nb\x1b[31m", "a\\u{a}b\\u{1b}[31m"),
        ("\u202egnp.exe", "\\u{202e}gnp.exe"),
        ("\ud800", "\\u{d800}"),
        (0.25, "0.25"),
        (math.inf, "inf"),
        (math.nan, "nan"),
        (2**53, str(2**53)),
        (2**53 - 1, 2**53 - 1),
        (True, True),
        (None, None),
    ],
)
def test_a_value_is_kept_in_a_form_that_every_program_reads_alike(value: object, kept: object) -> None:
    assert bounded_data({"value": value}) == {"value": kept}  # type: ignore[dict-item]


def test_no_more_fields_and_characters_are_kept_than_are_allowed() -> None:
    data = bounded_data({f"n{number}": "x" * 10_000 for number in range(100)})
    assert len(data) == MAX_FIELDS
    assert all(len(str(value)) == MAX_VALUE_CHARS and str(value).endswith("…") for value in data.values())


@given(st.text(st.characters()), st.integers(1, 40))
def test_a_bounded_text_prints_and_is_short_enough_and_stays_as_it_is_when_bounded_again(text: str, most: int) -> None:
    bounded = bounded_text(text, most)
    assert len(bounded) <= most and bounded.isprintable()
    assert bounded_text(bounded, most) == bounded


@given(st.dictionaries(st.text(st.characters()), st.one_of(st.floats(), st.integers(), st.text(st.characters()))))
def test_whatever_is_given_can_be_written_down(data: dict[str, float | int | str]) -> None:
    data_text(bounded_data(data)).encode("ascii")
