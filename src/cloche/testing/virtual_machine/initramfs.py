"""What the virtual machine boots into: one cpio archive with this host's Python, a shell, the agent and an `/init`.

The format is "newc" of cpio(5), which is what the kernel unpacks (Documentation/driver-api/early-userspace).
"""

import stat
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from cloche.sandbox.agent_bundle import build_agent_zipapp
from cloche.sandbox.namespace import places, python_files
from cloche.sandbox.namespace.libraries import closure, is_elf, loader_of

PROGRAMS: Final = {name: Path("/", name).resolve() for name in ("bin/sh", "bin/cat", "bin/sleep")}
DIRECTORIES: Final = ("proc", "sys", "dev", "run", "tmp", "data", "root")

_LIBRARY_HOME: Final = "usr/lib"


class Archive:
    """A cpio archive in the making. Directories above a file are made as they are needed."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._names: set[str] = set()

    def add(self, name: str, data: bytes, *, mode: int = 0o644, mtime: int = 0) -> None:
        """Add a plain file. Bytecode is valid only for the time its source had: the kernel keeps `mtime`."""
        self._add_parents(name)
        self._entry(name, stat.S_IFREG | mode, data, mtime)

    def add_copy(self, name: str, source: Path) -> None:
        status = source.stat()
        self.add(name, source.read_bytes(), mode=0o755 if status.st_mode & 0o111 else 0o644, mtime=int(status.st_mtime))

    def add_directory(self, name: str) -> None:
        self._add_parents(name)
        if name not in self._names:
            self._entry(name, stat.S_IFDIR | 0o755, b"", 0)

    def finish(self) -> bytes:
        self._entry("TRAILER!!!", 0, b"", 0)
        return bytes(self._data)

    def _add_parents(self, name: str) -> None:
        for parent in reversed(PurePosixPath(name).parents[:-1]):
            if str(parent) not in self._names:
                self._entry(str(parent), stat.S_IFDIR | 0o755, b"", 0)

    def _entry(self, name: str, mode: int, data: bytes, mtime: int) -> None:
        self._names.add(name)
        encoded = name.encode() + b"\0"
        # ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
        numbers = (len(self._names), mode, 0, 0, 1, mtime, len(data), 0, 0, 0, 0, len(encoded), 0)
        self._data += b"070701" + b"".join(b"%08X" % number for number in numbers) + encoded
        self._pad()
        self._data += data
        self._pad()

    def _pad(self) -> None:
        self._data += bytes(-len(self._data) % 4)


def build(init: Path, modules: Iterable[Path]) -> bytes:
    """Render the archive: `init` is the first process's program, `modules` what it is to load, in this order."""
    archive = Archive()
    for directory in DIRECTORIES:
        archive.add_directory(directory)
    for name, source in _programs():
        archive.add_copy(name, source)
    archive.add(places.AGENT.lstrip("/"), build_agent_zipapp())
    modules = list(modules)
    for module in modules:
        archive.add(f"modules/{module.name}", module.read_bytes())
    archive.add("modules/order", "\n".join(module.name for module in modules).encode())
    archive.add("init", init.read_bytes(), mode=0o755)
    return archive.finish()


def _programs() -> Iterator[tuple[str, Path]]:
    """Each file of the host that goes in: Python with its library, some programs, and the libraries of all of them."""
    python = python_files.interpreter()
    files = [(places.PYTHON.lstrip("/"), python), *PROGRAMS.items()]
    files += [(name, path) for path, name in python_files.library_files()]
    yield from files
    loader = loader_of(python)
    # The loader at the path that every program names, the rest where it looks first of all.
    yield str(loader).lstrip("/"), loader
    needing = {path.resolve() for _name, path in files if path.suffix in (".so", "") or path == python}
    for library in sorted(closure(loader, sorted(path for path in needing if is_elf(path)))):
        if library != loader:
            yield f"{_LIBRARY_HOME}/{library.name}", library
