"""A tab's last snapshots: frozen, so that paging, search and comparing are about one and the same page. Pure."""

import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cloche.browser.contract.common import ActionError, Failure

MAX_SNAPSHOTS: Final = 4
MAX_VIEWS: Final = 4
MAX_CHARS: Final = 16 << 20
"""Of all snapshots of a tab together, the newest not counted."""

_CURSOR: Final = re.compile(r"(snap_[0-9A-Z]{26})\.([0-9]{1,4})\.([0-9]{1,9})", re.ASCII)


@dataclass(slots=True)
class Snapshot:
    id: str
    url: str
    title: str
    lines: Sequence[str]
    views: dict[int, "View"] = field(default_factory=dict)
    """What was made of it: all of it, a search, a comparison; by number, the last few."""
    views_made: int = 0

    def add(self, view: "View") -> int:
        """Return the view's number."""
        self.views_made += 1
        self.views[self.views_made] = view
        while len(self.views) > MAX_VIEWS:
            del self.views[next(iter(self.views))]
        return self.views_made


@dataclass(frozen=True, slots=True)
class View:
    lines: Sequence[str]
    is_diff: bool = False
    matched: int = 0


class SnapshotStore:
    """One for each tab, in `tab.notes["snapshots"]`."""

    def __init__(self) -> None:
        self._snapshots: OrderedDict[str, Snapshot] = OrderedDict()

    def add(self, snapshot: Snapshot) -> None:
        """Keep it; the oldest ones go."""
        sizes = {known.id: _size(known) for known in self._snapshots.values()}
        while self._snapshots and (len(self._snapshots) >= MAX_SNAPSHOTS or sum(sizes.values()) > MAX_CHARS):
            sizes.pop(self._snapshots.popitem(last=False)[0])
        self._snapshots[snapshot.id] = snapshot

    def get(self, snapshot_id: str) -> Snapshot:
        """Raises: ActionError (`snapshot_not_found`)."""
        if (snapshot := self._snapshots.get(snapshot_id)) is None:
            raise ActionError(
                Failure.SNAPSHOT_NOT_FOUND,
                f"the snapshot is not kept: a tab's last {MAX_SNAPSHOTS} are; take a new one",
            )
        return snapshot

    def at(self, cursor: str) -> tuple[Snapshot, int, int]:
        """The snapshot, the view's number and the line where a page begins. Raises: ActionError."""
        if not (found := _CURSOR.fullmatch(cursor)):
            raise ActionError(Failure.SNAPSHOT_NOT_FOUND, "this is no cursor of a snapshot")
        snapshot, view, line = self.get(found[1]), int(found[2]), int(found[3])
        if view not in snapshot.views:
            raise ActionError(Failure.SNAPSHOT_NOT_FOUND, "what this cursor goes on with is no longer kept")
        return snapshot, view, line


def cursor_of(snapshot: Snapshot, view: int, line: int) -> str:
    return f"{snapshot.id}.{view}.{line}"


def _size(snapshot: Snapshot) -> int:
    return sum(len(line) for view in snapshot.views.values() for line in view.lines)
