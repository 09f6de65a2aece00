"""What has changed between two snapshots of a page. Pure.

Lines are the same if they have the same ref: an element keeps its ref, so one that got another name is changed, not
gone and come. Lines without a ref are known by their text, the ref they are under and their turn among their like.

Common lines at both ends are set aside; what is between is matched by these keys, in the longest order that both sides
share (patience diff). So the time is O(n log n) whatever the pages do, also for one that is rewritten from its first
line to its last, and there are at most as many lines as both have together.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from cloche.browser.snapshot.lines import Path, ref_of

CONTEXT_LINES: Final = 3
"""How many of the lines that a changed one is inside of are shown, the nearest."""

Sign = Literal[" ", "-", "+"]
_Key = str | tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the way from one snapshot to the other: in both, only in the earlier, only in the later."""

    sign: Sign
    line: str


@dataclass(frozen=True, slots=True)
class Diff:
    lines: list[str]
    """Sign and line; empty if nothing has changed."""
    added: int
    removed: int
    """A changed line is both."""


def diff(before: Sequence[str], after: Sequence[str]) -> Diff:
    """Return what has changed, each change with the lines that it is inside of."""
    all_steps = steps(before, after)
    path = Path()
    shown: set[int] = set()
    for index, step in enumerate(all_steps):
        path.enter(index, step.line)
        if step.sign != " ":
            shown.update((index, *path.ancestors()[:CONTEXT_LINES]))
    signs = Counter(step.sign for step in all_steps)
    lines = [f"{all_steps[index].sign}{all_steps[index].line}" for index in sorted(shown)]
    return Diff(lines, added=signs["+"], removed=signs["-"])


def steps(before: Sequence[str], after: Sequence[str]) -> list[Step]:
    """Return every line of both, in an order that makes the one into the other."""
    start = _common(before, after)
    rest = min(len(before), len(after)) - start
    end = _common(before[::-1][:rest], after[::-1][:rest])
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    return [
        *(Step(" ", line) for line in before[:start]),
        *_middle(old, new),
        *(Step(" ", line) for line in before[len(before) - end :]),
    ]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many lines at the beginning are the same."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _middle(old: Sequence[str], new: Sequence[str]) -> Iterator[Step]:
    old_at = new_at = 0
    for old_index, new_index in [*_matches(old, new), (len(old), len(new))]:
        yield from (Step("-", line) for line in old[old_at:old_index])
        yield from (Step("+", line) for line in new[new_at:new_index])
        if old_index < len(old):
            if old[old_index] == new[new_index]:
                yield Step(" ", old[old_index])
            else:
                yield Step("-", old[old_index])
                yield Step("+", new[new_index])
        old_at, new_at = old_index + 1, new_index + 1


def _matches(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of indexes with the same key, rising on both sides."""
    where = {key: index for index, key in enumerate(_keys(new))}
    pairs = [(index, where[key]) for index, key in enumerate(_keys(old)) if key in where]
    return _longest_rising(pairs)


def _keys(lines: Sequence[str]) -> Iterator[_Key]:
    """One for each line, all different."""
    path = Path()
    refs: list[str] = []
    turns: Counter[_Key] = Counter()
    for index, line in enumerate(lines):
        path.enter(index, line)
        ref = ref_of(line)
        refs.append(ref or "")
        under = "" if ref else next((refs[above] for above in path.ancestors() if refs[above]), "")
        # A ref that is there twice would be the page script's mistake; it must not lose lines here.
        kind = (ref, "", 0) if ref else (under, line, 0)
        turns[kind] += 1
        yield ref if ref and turns[kind] == 1 else (under, line, turns[kind])


def _longest_rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of `pairs` whose second numbers rise, as the first ones do (patience sorting)."""
    tails: list[int] = []  # the smallest last number of a rising row of each length
    rows: list[int] = []  # which pair that is
    before: list[int] = []  # for each pair, the one ahead of it in its row
    for index, (_, number) in enumerate(pairs):
        length = bisect_left(tails, number)
        before.append(rows[length - 1] if length else -1)
        tails[length : length + 1] = [number]
        rows[length : length + 1] = [index]
    found = []
    index = rows[-1] if rows else -1
    while index >= 0:
        found.append(pairs[index])
        index = before[index]
    return found[::-1]
