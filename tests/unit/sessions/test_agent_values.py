import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.sessions.agent_values import MAX_AMOUNT, MAX_WHOLE, amount, count, slug, text, whole

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def test_plain_values_stay_as_they_are() -> None:
    assert (text("Chrome/1 é", 20), slug("over_memory"), whole(-3), count(4), amount(1.5)) == (
        "Chrome/1 é",
        "over_memory",
        -3,
        4,
        1.5,
    )


def test_what_a_terminal_would_obey_becomes_a_space_and_what_is_too_long_is_cut() -> None:
    assert text("a\x1b[2J\n\u202eb", 100) == "a [2J  b"
    assert text("x" * 100, 7) == "x" * 7
    assert slug("<b>Ünder_1</b>") == "bnder_1b"


@pytest.mark.parametrize("value", [None, True, "3", [], {}, float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_counts_as_none_or_nothing(value: object) -> None:
    assert whole(value) is None
    assert (count(value), amount(value)) == (0, 0.0)


def test_numbers_are_bounded_however_long_they_are() -> None:
    assert (whole(10**400), whole(-(10**400)), count(-1)) == (MAX_WHOLE, -MAX_WHOLE, 0)
    assert (amount(10**400), amount(1e308), amount(-0.5), amount(250, 100)) == (MAX_AMOUNT, MAX_AMOUNT, 0.0, 100.0)


@given(ANYTHING, st.integers(0, 50))
def test_nothing_gets_out_of_bounds(value: object, limit: int) -> None:
    assert len(text(value, limit)) <= limit and text(value, limit).isprintable()
    assert slug(value).isascii() and len(slug(value)) <= 48
    assert 0 <= count(value) <= MAX_WHOLE
    assert 0.0 <= amount(value) <= MAX_AMOUNT and math.isfinite(amount(value))
