"""The newest entries of each tab. Pure."""

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

MAX_TABS: Final = 64
"""Of which entries are kept; those of tabs that had none for longest go first."""

T = TypeVar("T")


class Rings(Generic[T]):
    """Numbers grow over all tabs and are never given twice, so a reader can ask for what came after one."""

    def __init__(self, entries_per_tab: int) -> None:
        self._size = max(1, entries_per_tab)
        self._rings: OrderedDict[str, deque[tuple[int, T]]] = OrderedDict()
        self._dropped: dict[str, int] = {}
        self.last_number = 0

    def add(self, tab_id: str, entry: T) -> None:
        ring = self._rings.get(tab_id)
        if ring is None:
            ring = self._rings[tab_id] = deque(maxlen=self._size)
            if len(self._rings) > MAX_TABS:
                gone, _ = self._rings.popitem(last=False)
                self._dropped.pop(gone, None)
        if len(ring) == self._size:
            self._dropped[tab_id] = self._dropped.get(tab_id, 0) + 1
        self._rings.move_to_end(tab_id)
        self.last_number += 1
        ring.append((self.last_number, entry))

    def last(self, tab_id: str) -> T | None:
        ring = self._rings.get(tab_id)
        return ring[-1][1] if ring else None

    def entries(self, tab_id: str, after: int = 0) -> list[tuple[int, T]]:
        """Of one tab, or with an empty id of all, oldest first."""
        rings = self._rings.values() if not tab_id else [self._rings.get(tab_id, deque())]
        found = [item for ring in rings for item in ring if item[0] > after]
        return sorted(found, key=lambda item: item[0]) if not tab_id else found

    def dropped(self, tab_id: str) -> int:
        return self._dropped.get(tab_id, 0) if tab_id else sum(self._dropped.values())

    def __iter__(self) -> Iterator[T]:
        return (entry for ring in self._rings.values() for _, entry in ring)
