from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.snapshot.diff import Diff, diff, steps

from .trees import snapshots

CART = [
    "- main [ref=abcd1]:",
    '  - heading "Cart" [ref=abcd2]',
    "  - list [ref=abcd3]:",
    '    - button "Remove" [ref=abcd4]',
    "    - text: Tea",
    "  - text: Total 3",
]


def test_no_change_is_no_lines() -> None:
    assert diff(CART, list(CART)) == Diff([], 0, 0)
    assert diff([], []) == Diff([], 0, 0)


def test_a_change_is_shown_with_what_it_is_in() -> None:
    after = [line.replace('"Remove"', '"Remove" [disabled]') for line in CART]
    assert diff(CART, after) == Diff(
        [
            " - main [ref=abcd1]:",
            "   - list [ref=abcd3]:",
            '-    - button "Remove" [ref=abcd4]',
            '+    - button "Remove" [disabled] [ref=abcd4]',
        ],
        added=1,
        removed=1,
    )


def test_an_element_with_a_ref_is_found_again_among_others_that_look_alike() -> None:
    row = '  - button "Buy" [ref=abcd{}]'
    before = ["- list", *(row.format(number) for number in range(9))]
    after = ["- list", row.format(99), *(row.format(number) for number in range(9) if number != 4)]
    assert diff(before, after).lines == [" - list", f"+{row.format(99)}", f"-{row.format(4)}"]


def test_only_the_nearest_lines_around_a_change_are_shown() -> None:
    deep = [f"{'  ' * depth}- group {depth}" for depth in range(10)]
    assert diff(deep, [*deep, "  " * 10 + "- text: a"]).lines == [
        *(f" {line}" for line in deep[-3:]),
        f"+{'  ' * 10}- text: a",
    ]


def test_a_large_page_that_changes_wholly_or_a_little_is_compared() -> None:
    # A comparison of each line with each would take hours here.
    before = [f'- button "{number}" [ref=abcd{number}]' for number in range(20_000)]
    rewritten = [f'- button "{number}" [ref=efgh{number}]' for number in range(20_000)]
    assert diff(before, rewritten).added == 20_000
    assert diff(before, before[::-1]).added == 19_999
    changed = [line.replace('"', '"!', 1) if number % 1000 == 0 else line for number, line in enumerate(before)]
    assert diff(before, changed).removed == 20


@st.composite
def edited(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """A snapshot and what became of it: lines gone, moved and new."""
    before = draw(snapshots())
    after = [line for line in before if draw(st.integers(0, 4))]
    for _ in range(draw(st.integers(0, 3))):
        after.insert(
            draw(st.integers(0, len(after))), draw(st.sampled_from([*before, "- text: new", "- x [ref=abcd1]"]))
        )
    return before, after


@given(edited() | st.tuples(snapshots(), snapshots()))
def test_the_way_leads_from_one_to_the_other(both: tuple[list[str], list[str]]) -> None:
    before, after = both
    way = steps(before, after)
    assert [step.line for step in way if step.sign != "+"] == before
    assert [step.line for step in way if step.sign != "-"] == after


@given(edited())
def test_every_line_that_came_or_went_is_shown(both: tuple[list[str], list[str]]) -> None:
    before, after = both
    result = diff(before, after)
    assert (result.lines == []) == (before == after)
    assert {line for line in after if line not in before} <= {line[1:] for line in result.lines if line[0] == "+"}
    assert {line for line in before if line not in after} <= {line[1:] for line in result.lines if line[0] == "-"}
    assert sum(line[0] == "+" for line in result.lines) == result.added
    assert sum(line[0] == "-" for line in result.lines) == result.removed
