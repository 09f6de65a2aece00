"""What the host has been told of the workspace: its directories and what is in them. Pure.

A file is one number: its inode above a digest of all that shows a change. So a hundred thousand of them take 14 MB
(measured, names of 20 bytes). Names are bytes as the kernel has them. Above the limit only the directories are kept:
they are what the watching itself needs.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

MAX_ENTRIES: Final = 100_000

_S_IFDIR: Final = 0o040000
_DIGEST_BITS: Final = 64
_DIGEST_MASK: Final = (1 << _DIGEST_BITS) - 1


class Status(NamedTuple):
    """An entry as lstat(2) shows it. `kind` is the file type part of its mode."""

    device: int
    inode: int
    kind: int
    mtime_ns: int
    size: int

    @property
    def is_directory(self) -> bool:
        return self.kind == _S_IFDIR

    @property
    def identity(self) -> tuple[int, int]:
        return self.device, self.inode


def stamp(status: Status) -> int:
    """Return a number that changes when the file does, or when another takes its place."""
    digest = hash((status.device, status.kind, status.mtime_ns, status.size)) & _DIGEST_MASK
    return status.inode << _DIGEST_BITS | digest


def inode(stamp_: int) -> int:
    return stamp_ >> _DIGEST_BITS


class Directory:
    """One directory. It stays the same object when it is renamed, so what is said about it still finds it."""

    __slots__ = ("children", "identity", "is_alias", "is_gone", "is_stale", "mtime_ns", "name", "parent", "watch")

    def __init__(self, parent: "Directory | None", name: bytes, status: Status) -> None:
        self.parent, self.name = parent, name
        self.identity = status.identity
        self.mtime_ns = status.mtime_ns
        """When it was last listed."""
        self.children: dict[bytes, Entry] = {}
        self.watch = -1
        self.is_gone = False
        self.is_alias = False
        """It is a second mount of one that is watched under another name: it is told, and not looked into."""
        self.is_stale = False
        """It could not be looked into when there was reason to: it must be listed once it can be."""

    @property
    def path(self) -> bytes:
        """Relative to the workspace; empty for the workspace itself."""
        names = []
        node = self
        while node.parent is not None:
            names.append(node.name)
            node = node.parent
        return b"/".join(reversed(names))

    @property
    def depth(self) -> int:
        depth, node = 0, self
        while node.parent is not None:
            depth, node = depth + 1, node.parent
        return depth

    def path_of(self, name: bytes) -> bytes:
        path = self.path
        return path + b"/" + name if path else name


Entry: TypeAlias = int | Directory


class Tree:
    def __init__(self, limit: int = MAX_ENTRIES) -> None:
        self._limit = limit
        self.root: Directory | None = None
        self.count = 0
        """Of entries, the root among them."""
        self.is_sparse = False
        """Only directories are kept, and no more of them than the limit."""

    @property
    def is_full(self) -> bool:
        return self.count >= self._limit

    def plant(self, status: Status) -> Directory:
        """Set the root."""
        self.root = Directory(None, b"", status)
        self.count = 1
        return self.root

    def add_directory(self, parent: Directory, name: bytes, status: Status) -> Directory:
        """Add one where there is nothing. The caller has seen to it that the tree is not full."""
        directory = Directory(parent, name, status)
        parent.children[name] = directory
        self.count += 1
        return directory

    def put_file(self, parent: Directory, name: bytes, status: Status) -> None:
        """Add or replace a file. The caller has seen to it that the tree is not full, and not sparse."""
        if name not in parent.children:
            self.count += 1
        parent.children[name] = stamp(status)

    def remove(self, parent: Directory, name: bytes) -> None:
        """Take away a file, or a directory that nothing is left in."""
        entry = parent.children.pop(name)
        if isinstance(entry, Directory):
            entry.is_gone = True
        self.count -= 1

    def move(self, parent: Directory, name: bytes, to: Directory, to_name: bytes) -> None:
        """Move an entry with everything below it to where there is nothing."""
        entry = parent.children.pop(name)
        to.children[to_name] = entry
        if isinstance(entry, Directory):
            entry.parent, entry.name = to, to_name

    def forget_files(self) -> None:
        """Become sparse."""
        self.is_sparse = True
        if self.root is None:
            return
        for directory in self.directories(self.root):
            # A new dict: one that has shrunk keeps its size.
            directory.children = {n: e for n, e in directory.children.items() if isinstance(e, Directory)}
        self.count = sum(1 for _ in self.directories(self.root))

    def clear(self) -> None:
        """Forget everything, and give its memory back now: parents and children hold each other."""
        for directory in self.directories(self.root) if self.root is not None else ():
            for child in (entry for entry in directory.children.values() if isinstance(entry, Directory)):
                child.parent = None
        self.root, self.count = None, 0

    def directories(self, first: Directory) -> Iterator[Directory]:
        """Yield this directory and those below it, each before what is in it. It may change meanwhile."""
        waiting = [first]
        while waiting:
            directory = waiting.pop()
            if directory.is_gone:
                continue
            yield directory
            waiting += [entry for entry in directory.children.values() if isinstance(entry, Directory)]

    def leaves_first(self, first: Directory) -> Iterator[tuple[Directory, bytes]]:
        """Yield everything below a directory, each directory after what was in it. Each must be removed when it is."""
        node = first
        while True:
            name = next(reversed(node.children), None)
            if name is None:
                if node is first or node.parent is None:
                    return
                node, name = node.parent, node.name
            elif isinstance(child := node.children[name], Directory) and child.children:
                node = child
                continue
            yield node, name
