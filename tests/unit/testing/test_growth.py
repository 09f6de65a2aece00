from collections import deque
from dataclasses import dataclass, field
from typing import Any

import pytest

from cloche.testing.growth import below, grown


@dataclass(slots=True)
class Slotted:
    held: set[int] = field(default_factory=set)


class Owner:
    def __init__(self) -> None:
        self.book: dict[str, Any] = {"one": []}
        self.line: deque[int] = deque()
        self.recent: deque[int] = deque(maxlen=50)
        self.part = Slotted()
        self.bound = self.part.held.add
        counted: list[int] = []
        self.count = lambda: counted.append(1)
        self.me = self


@pytest.mark.parametrize(
    ("grow", "told"),
    [
        (lambda owner: owner.book.update(two=2), "Owner.book: 1 → 2"),
        (lambda owner: owner.book["one"].append(1), "Owner.book[one]: 0 → 1"),
        (lambda owner: owner.line.append(1), "Owner.line: 0 → 1"),
        (lambda owner: owner.part.held.add(1), "Owner.part.held: 0 → 1"),
        (lambda owner: owner.count(), "Owner.count(<lambda>): 0 → 1"),
    ],
)
def test_what_holds_more_than_it_did_is_told_by_the_way_to_it(grow: Any, told: str) -> None:
    owner = Owner()
    before = below(owner)
    grow(owner)

    assert grown(before, below(owner)) == [told]


def test_what_bounds_itself_shrinks_or_was_not_there_is_not_told() -> None:
    owner = Owner()
    owner.line.extend(range(5))
    before = below(owner)
    owner.recent.extend(range(50))
    owner.line.popleft()
    owner.book["one"] = [1, 2, 3]

    assert grown(before, below(owner)) == []
