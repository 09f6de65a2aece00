"""Whose turn it is: principals in rotation, and within one whoever came first. Pure."""

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from cloche.ids import PrincipalName

T = TypeVar("T")


class WaitingLine(Generic[T]):
    """Those who wait, each for one place. One that asks for a hundred places holds up nobody who asks for one.

    Who was served goes to the end of the rotation. So does who comes anew: whoever leaves and comes back gains nothing.
    """

    def __init__(self) -> None:
        self._lines: dict[PrincipalName, deque[T]] = {}
        """In the order of the rotation. Of those who wait only, and so never larger than the line."""

    def __len__(self) -> int:
        return sum(len(line) for line in self._lines.values())

    def count(self, principal: PrincipalName) -> int:
        return len(self._lines.get(principal, ()))

    def add(self, principal: PrincipalName, item: T) -> None:
        self._lines.setdefault(principal, deque()).append(item)

    def remove(self, principal: PrincipalName, item: T) -> None:
        """Let one leave before its turn. Raises ValueError: it does not wait."""
        line = self._lines.get(principal, deque())
        line.remove(item)
        if not line:
            del self._lines[principal]

    def pop(self) -> T:
        """Take out whose turn it is. Raises IndexError: nobody waits."""
        for principal, line in self._lines.items():
            item = line.popleft()
            del self._lines[principal]
            if line:
                self._lines[principal] = line
            return item
        raise IndexError("nobody waits")

    def in_turn(self) -> Iterator[T]:
        """All who wait, in the order in which they are served if nobody comes or goes."""
        lines = [tuple(line) for line in self._lines.values()]
        for turn in range(max(map(len, lines), default=0)):
            yield from (line[turn] for line in lines if turn < len(line))
