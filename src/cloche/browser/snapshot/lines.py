"""One line of a snapshot, and where it stands. Pure."""

import re
from collections.abc import Sequence
from typing import Final

# Role, quoted name, attributes in brackets; what follows a colon is the page's text and may look like anything.
_HEAD: Final = re.compile(r' *- [^"\[:]*+(?:"(?:[^"\\]|\\.)*")?((?: ?\[[^\]]*\])*)')
_REF: Final = re.compile(r"\[ref=([a-z]{4}[0-9]{1,10})\]", re.ASCII)


def depth_of(line: str) -> int:
    return (len(line) - len(line.lstrip(" "))) // 2


def ref_of(line: str) -> str | None:
    """The element's ref, never one that stands in its name or text."""
    head = _HEAD.match(line)
    ref = _REF.search(head[1]) if head else None
    return ref[1] if ref else None


class Path:
    """The lines that the one just entered is inside of, while a snapshot is walked from its top."""

    def __init__(self) -> None:
        self._open: list[tuple[int, int]] = []

    def enter(self, index: int, line: str) -> None:
        depth = depth_of(line)
        while self._open and self._open[-1][0] >= depth:
            self._open.pop()
        self._open.append((depth, index))

    def ancestors(self) -> list[int]:
        """Indexes, the nearest first."""
        return [index for _, index in self._open[-2::-1]]


def ancestors_of(lines: Sequence[str], index: int) -> list[int]:
    """Indexes of the lines that one line is inside of, the nearest first."""
    found = []
    depth = depth_of(lines[index])
    while index > 0 and depth > 0:
        index -= 1
        if depth_of(lines[index]) < depth:
            depth = depth_of(lines[index])
            found.append(index)
    return found
