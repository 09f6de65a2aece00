"""What a watch tells, and how much of it is kept for those who read it later. Pure."""

from collections import deque
from itertools import islice
from typing import Any, Final, NamedTuple

from cloche.agent.machine.files.labels import labelled
from cloche.wire.messages import Payload

MAX_KEPT: Final = 4096
MAX_KEPT_BYTES: Final = 1024 * 1024
"""Of the paths in them: one may be 4 KB long."""
_COST_BYTES: Final = 200
"""What a happening takes besides its paths."""

RESCAN: Final = "RESCAN"
"""Happenings were lost: whoever wants to know what is there must look."""
_TYPES: Final = {"create": "CREATE", "modify": "WRITE", "delete": "DELETE", "rename": "RENAME"}


class Happening(NamedTuple):
    type: str
    path: bytes = b""
    """Relative to the watched directory, and empty for that itself."""
    is_dir: bool = True
    old_path: bytes | None = None
    """Of a RENAME."""

    def described(self, shown: bytes) -> dict[str, Any]:
        """As it is told; `shown` is the watched directory's path."""
        path = _joined(shown, self.path)
        fields = {"type": self.type, **labelled("name", path.rpartition(b"/")[2]), **labelled("path", path)}
        if self.old_path is not None:
            fields |= labelled("old_path", _joined(shown, self.old_path))
        return {**fields, "is_dir": self.is_dir}


def happening_of(event: Payload, *, is_recursive: bool, hidden: bytes) -> Happening | None:
    """Translate an `fs_event`, or return None for one that is not told.

    Without `is_recursive` only what is in the watched directory itself is told. Names that begin with `hidden` are not
    told: what is renamed from one of them to another name is made, as far as anybody else can see.
    """
    if event.get("rescan"):
        return Happening(RESCAN)
    path, old_path = _bytes(event["path"]), _bytes(event["old_path"]) if "old_path" in event else None
    type_, is_dir = _TYPES[event["operation"]], event["is_dir"]
    is_told = _is_told(path, is_recursive, hidden)
    if old_path is None:
        return Happening(type_, path, is_dir) if is_told else None
    if not _is_told(old_path, is_recursive, hidden):
        return Happening("CREATE", path, is_dir) if is_told else None
    return Happening(type_, path, is_dir, old_path) if is_told else Happening("DELETE", old_path, is_dir)


def _is_told(path: bytes, is_recursive: bool, hidden: bytes) -> bool:
    names = path.split(b"/")
    return (is_recursive or len(names) == 1) and not any(name.startswith(hidden) for name in names)


class Kept:
    """The latest happenings, numbered from 1 on."""

    def __init__(self) -> None:
        self._kept: deque[Happening] = deque()
        self._size_bytes = 0
        self.last = 0
        """The number of the newest; 0 before the first."""

    def add(self, happening: Happening) -> None:
        self._kept.append(happening)
        self.last += 1
        self._size_bytes += _cost(happening)
        while len(self._kept) > MAX_KEPT or self._size_bytes > MAX_KEPT_BYTES:
            self._size_bytes -= _cost(self._kept.popleft())

    def after(self, number: int, limit: int = 256) -> list[tuple[int, Happening]]:
        """Return what came after this number, oldest first, at most `limit`, each with its own number.

        Where some of it is not kept any more, a RESCAN stands for that, with the number of the last that is missing.
        """
        missing = self.last - len(self._kept)
        found = [(missing, Happening(RESCAN))] if number < missing else []
        first = max(0, number - missing)
        found += enumerate(islice(self._kept, first, first + limit), missing + first + 1)
        return found


def _cost(happening: Happening) -> int:
    return _COST_BYTES + len(happening.path) + len(happening.old_path or b"")


def _joined(shown: bytes, path: bytes) -> bytes:
    return shown + b"/" + path if path else shown


def _bytes(path: str) -> bytes:
    """A path in an `fs_event` is text with lone surrogates in it where it is not UTF-8."""
    return b"" if path == "." else path.encode("utf-8", "surrogateescape")
