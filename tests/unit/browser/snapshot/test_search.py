from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.snapshot.lines import ancestors_of
from cloche.browser.snapshot.search import search

from .trees import snapshots

LINES = ["- banner", "  - text: Shop", "- main", "  - list", "    - text: Tea", "    - text: Milk", "  - text: STRASSE"]


def test_what_is_found_comes_with_what_it_is_in_and_marks_for_the_rest() -> None:
    found = search(LINES, "milk")
    assert found.lines == ["…", "- main", "  - list", "    …", "    - text: Milk", "  …"]
    assert found.matched == 1


def test_case_is_folded_as_unicode_does() -> None:
    assert search(LINES, "straße").matched == 1


def test_what_is_not_there_is_no_lines() -> None:
    assert search(LINES, "coffee").lines == []
    assert search([], "").lines == []


@given(snapshots(), st.sampled_from(["a", "button", "1", " ", ""]) | st.text(max_size=2))
def test_no_line_with_the_text_is_missed_nor_what_it_is_in(lines: list[str], text: str) -> None:
    found = search(lines, text)
    hits = [index for index, line in enumerate(lines) if text.casefold() in line.casefold()]
    kept = sorted({*hits, *(above for index in hits for above in ancestors_of(lines, index))})
    assert found.matched == len(hits)
    assert [line for line in found.lines if line.strip() != "…"] == [lines[index] for index in kept]
