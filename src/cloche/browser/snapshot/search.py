"""The lines of a snapshot that hold a text. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from cloche.browser.snapshot.lines import Path, depth_of


@dataclass(frozen=True, slots=True)
class Found:
    lines: list[str]
    matched: int
    """How many hold the text; the others are what these are in, and marks for what is left out."""


def search(lines: Sequence[str], text: str) -> Found:
    """Keep the lines that hold the text, upper and lower case alike, and what they are in; `…` is left out."""
    wanted = text.casefold()
    path = Path()
    kept: set[int] = set()
    matched = 0
    for index, line in enumerate(lines):
        path.enter(index, line)
        if wanted not in line.casefold():
            continue
        matched += 1
        kept.add(index)
        for ancestor in path.ancestors():
            if ancestor in kept:  # and so are those around it
                break
            kept.add(ancestor)
    return Found(_with_gaps(lines, sorted(kept)), matched)


def _with_gaps(lines: Sequence[str], kept: list[int]) -> list[str]:
    if not kept:
        return []
    shown = []
    expected = 0
    for index in [*kept, len(lines)]:
        if index > expected:
            shown.append("  " * depth_of(lines[expected]) + "…")
        if index < len(lines):
            shown.append(lines[index])
        expected = index + 1
    return shown
