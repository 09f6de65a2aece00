"""What may have changed, and what did: hints, how long they wait, and the verdict on each. Pure.

A hint names an entry about which the kernel said something. It is never passed on as it is: when its time comes the
entry is looked at and compared with what the host has been told. So whatever happened in between becomes one change:
what was created and written is created, what was created and deleted is nothing, and an event that was read twice or
late does no harm.
"""

from enum import Enum
from typing import Final, NamedTuple

from cloche.agent.watch.tree import Directory, Entry, Status, inode, stamp
from cloche.wire.messages import Payload

MAX_HINTS: Final = 10_000

MAX_PATH_BYTES: Final = 4096 + 255
"""Of what an event names: two paths, each byte of them six in JSON at worst, still fit into a line of the link."""

EXCLUDED: Final = frozenset({b".git", b"node_modules", b"__pycache__"})
"""Names of directories that are left out at any depth."""

# What a hint says; none of them: look.
CREATED: Final = 1
REMOVED: Final = 2
WRITTEN: Final = 4
LEFT: Final = 8  # renamed away (with REMOVED)
ARRIVED: Final = 16  # renamed hither (with CREATED)
IS_DIRECTORY: Final = 32
LEFT_WRITTEN: Final = 64  # written, and renamed away after that; added by `Hints`

ITSELF: Final = b""
"""The name in a hint that is about the directory itself."""


class Hint(NamedTuple):
    directory: Directory
    name: bytes
    flags: int = 0


class Timing(NamedTuple):
    quiet_s: float = 0.05
    """A change is told when nothing more has been heard for this long…"""
    longest_s: float = 0.5
    """…and at the latest after this."""
    poll_s: float = 2.0
    """Between two looks through the workspace, where the kernel tells nothing."""

    def settle_at(self, first: float, last: float) -> float:
        """Return when hints should be settled, the first of which came at `first` and the newest at `last`."""
        return min(last + self.quiet_s, first + self.longest_s)


class Hints:
    """The hints that wait, one for each entry, in order of arrival. Beyond the limit they give way to a rescan."""

    def __init__(self, limit: int = MAX_HINTS) -> None:
        self._limit = limit
        self._waiting: dict[tuple[Directory, bytes], int] = {}
        self._reasons: dict[str, None] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting or self._reasons)

    @property
    def is_crowded(self) -> bool:
        """So many wait that it is better to settle them now."""
        return len(self._waiting) >= self._limit // 2 or bool(self._reasons)

    @property
    def reasons(self) -> list[str]:
        """Why a rescan is due; empty where none is."""
        return list(self._reasons)

    def add(self, hint: Hint) -> None:
        if self._reasons:
            return  # a rescan will see it
        key = hint.directory, hint.name
        before = self._waiting.get(key, 0)
        if hint.flags & ARRIVED:
            # Of a chain of renames (b to c, then a to b) the last one to arrive must be settled last.
            self._waiting.pop(key, None)
        flags = LEFT_WRITTEN if hint.flags & LEFT and before & WRITTEN else 0
        self._waiting[key] = before | hint.flags | flags
        if len(self._waiting) > self._limit:
            self.ask_rescan("backlog")

    def ask_rescan(self, reason: str) -> None:
        """Drop all hints for a comparison of everything."""
        self._waiting.clear()
        self._reasons[reason] = None

    def take(self) -> tuple[list[str], list[Hint]]:
        """Return and forget why a rescan is due, if one is, and the hints otherwise."""
        reasons, waiting = list(self._reasons), self._waiting
        self._reasons, self._waiting = {}, {}
        return reasons, [Hint(directory, name, flags) for (directory, name), flags in waiting.items()]


class Verdict(Enum):
    NOTHING = "nothing"
    CREATE = "create"
    MODIFY = "modify"
    DELETE = "delete"
    REPLACE = "replace"
    """Something else is there now: it is deleted, then created."""
    STAYS = "stays"
    """A directory is where it was. What is in it is another question."""


def judge(known: Entry | None, found: Status | None, flags: int) -> Verdict:
    """Compare what the host knows of an entry with what is there."""
    if found is None:
        return Verdict.NOTHING if known is None else Verdict.DELETE
    if known is None:
        return Verdict.CREATE
    if isinstance(known, Directory):
        return Verdict.STAYS if found.is_directory and found.identity == known.identity else Verdict.REPLACE
    if found.is_directory:
        return Verdict.REPLACE
    # A file that was deleted and made again may have got the same inode, and within one tick of the clock.
    is_another = flags & WRITTEN or (flags & CREATED and flags & REMOVED)
    return Verdict.MODIFY if is_another or stamp(found) != known else Verdict.NOTHING


class Origins:
    """Where entries may have come from: those that hints say were renamed away, by their inodes."""

    def __init__(self, hints: list[Hint]) -> None:
        self._places: dict[int, Hint] = {}
        for hint in hints:
            entry = hint.directory.children.get(hint.name)
            if hint.flags & LEFT and entry is not None:
                self._places[_inode(entry)] = hint

    def find(self, found: Status, flags: int) -> Hint | None:
        """Return the place that what was found has been renamed from, if that is certain enough.

        An inode alone is not: it may have been given anew. Either the kernel said that this one arrived by a rename,
        or everything else about it is the same.
        """
        place = self._places.get(found.inode)
        if place is None or place.directory.is_gone:
            return None
        entry = place.directory.children.get(place.name)
        if entry is None or isinstance(entry, Directory) != found.is_directory or _inode(entry) != found.inode:
            return None
        return place if flags & ARRIVED or _is_unchanged(entry, found) else None


def _inode(entry: Entry) -> int:
    return entry.identity[1] if isinstance(entry, Directory) else inode(entry)


def _is_unchanged(entry: Entry, found: Status) -> bool:
    if isinstance(entry, Directory):
        return entry.identity == found.identity and entry.mtime_ns == found.mtime_ns
    return entry == stamp(found)


def fs_event(path: bytes, operation: str, *, is_dir: bool, old_path: bytes | None = None) -> Payload:
    """Build the payload of an `fs_event`. A name that is not UTF-8 becomes text with lone surrogates in it."""
    payload: Payload = {"path": _text(path), "operation": operation, "is_dir": is_dir}
    if old_path is not None:
        payload["old_path"] = _text(old_path)
    return payload


def rescan_event(reason: str) -> Payload:
    """Build the event that tells the host to look anew."""
    return fs_event(b"", "modify", is_dir=True) | {"rescan": True, "reason": reason}


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape") or "."
