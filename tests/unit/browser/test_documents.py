"""Names of documents: given once, and told apart from those never given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.documents import NAMES, DocumentNames, document_of

STARTS = st.integers(0, NAMES - 1)


@given(STARTS, st.integers(1, 200))
def test_no_name_is_given_twice_and_each_is_known_afterwards(start: int, count: int) -> None:
    names = DocumentNames(start)
    given_ = [names.next() for _ in range(count)]
    assert len(set(given_)) == count
    assert all(names.was_given(name) for name in given_)
    assert all(document_of(f"{name}{number}") == name for number, name in enumerate(given_, 1))


@given(STARTS)
def test_a_name_to_come_was_not_given(start: int) -> None:
    names, other = DocumentNames(start), DocumentNames(start)
    ahead = [other.next() for _ in range(5)]
    assert [names.was_given(name) for name in ahead] == [False] * 5
    names.next()
    assert [names.was_given(name) for name in ahead] == [True, False, False, False, False]


@pytest.mark.parametrize(
    "ref", ["", "e12", "abcd", "abcd0", "abcd012", "ABCD1", "abcde1", "abcd1x", "abcd-1", "abcd１"]
)
def test_what_is_no_ref_is_unknown(ref: str) -> None:
    with pytest.raises(ActionError) as refused:
        document_of(ref)
    assert refused.value.code is Failure.UNKNOWN_REF
