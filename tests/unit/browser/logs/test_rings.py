"""The newest entries of each tab."""

from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.logs.rings import MAX_TABS, Rings

TABS = st.sampled_from(["a", "b", "c"])


@given(st.lists(TABS, max_size=60), st.integers(1, 5), st.integers(0, 60))
def test_each_tab_keeps_its_newest_and_a_reader_gets_what_came_after(order: list[str], size: int, after: int) -> None:
    rings: Rings[int] = Rings(size)
    for number, tab in enumerate(order, 1):
        rings.add(tab, number)
    for tab in ("a", "b", "c"):
        all_of_tab = [number for number, name in enumerate(order, 1) if name == tab]
        kept = all_of_tab[-size:]
        assert rings.entries(tab, after) == [(number, number) for number in kept if number > after]
        assert rings.dropped(tab) == len(all_of_tab) - len(kept)
        assert rings.last(tab) == (kept[-1] if kept else None)
    assert [number for number, _ in rings.entries("")] == sorted(rings)
    assert rings.last_number == len(order)


def test_tabs_that_had_nothing_for_longest_are_forgotten() -> None:
    rings: Rings[int] = Rings(2)
    for number in range(MAX_TABS + 10):
        rings.add(f"tab{number}", number)
        rings.add("lively", number)
    assert rings.entries("tab0") == []
    assert len(rings.entries("lively")) == 2
    assert len({number for number, _ in rings.entries("")}) == MAX_TABS - 1 + 2
