from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.snapshot.paging import MIN_BYTES, Page, cut

from .trees import snapshots


def pages_of(lines: list[str], max_bytes: int) -> list[Page]:
    pages = []
    start: int | None = 0
    while start is not None:
        pages.append(cut(lines, start, max_bytes))
        following = pages[-1].next_start
        assert following is None or following > start, "no progress"
        start = following
    return pages


def test_a_later_page_begins_with_what_it_continues_in() -> None:
    lines = ["- main", "  - list [ref=abcd1]:", *(f"    - text: line number {number}" for number in range(12))]
    page = cut(lines, 5, 200)
    assert page.text.split("\n")[:3] == ["# - main", "  # - list [ref=abcd1]:", "    - text: line number 3"]
    assert page.context_lines == 2
    assert page.truncated
    assert page.next_start == 5 + len(page.text.split("\n")) - 2


def test_a_line_larger_than_a_page_is_cut_but_keeps_its_ref() -> None:
    page = cut([f'- button "{"é" * 500}" [ref=abcd12]', "- text: b"], 0, 64)
    assert page.text.startswith('- button "éé')
    assert page.text.endswith("é… [ref=abcd12]")
    assert page.next_start == 1
    assert page.truncated
    assert cut([f"- text: {'a' * 500}"], 0, 64) == Page("- text: " + "a" * 52 + "…", None, truncated=True)


def test_nothing_is_one_empty_page() -> None:
    assert cut([], 0, 100) == cut(["- a"], 1, 100) == cut(["- a"], -1, 100) == Page("", None, truncated=False)


@given(snapshots(), st.integers(256, 1000))
def test_all_pages_joined_are_the_snapshot(lines: list[str], max_bytes: int) -> None:
    joined = []
    for page in pages_of(lines, max_bytes):
        shown = page.text.split("\n") if page.text else []
        assert all(line.lstrip(" ").startswith("# - ") for line in shown[: page.context_lines])
        joined += shown[page.context_lines :]
    assert joined == lines


@given(st.lists(st.text(st.characters(blacklist_characters="\n"), max_size=120)), st.integers(-1, 300))
def test_no_page_is_larger_than_asked_for(lines: list[str], max_bytes: int) -> None:
    for page in pages_of(lines, max_bytes):
        assert len(page.text.encode("utf-8", "surrogatepass")) <= max(max_bytes, MIN_BYTES)
