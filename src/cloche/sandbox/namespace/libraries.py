"""Which shared libraries a set of programs needs, by asking the dynamic loader itself."""

import re
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_LISTED: Final = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x[0-9a-f]+\)$")
_PT_INTERP: Final = 3

# Loaded by name at run time (dlopen), so that no ELF header mentions them: NSS's crypto modules and their
# signatures. They lie beside libnss3 or in `nss/` below it.
_NSS_PATTERNS: Final = ("libsoftokn3.*", "libfreebl*3.*", "libnssckbi.*", "libnssdbm3.*")


def loader_of(program: Path) -> Path:
    """Read the path of the dynamic loader from a 64-bit ELF program (elf(5), PT_INTERP).

    Raises:
        ValueError: not such a program.
    """
    with program.open("rb") as file:
        head = file.read(64)
        if head[:4] != b"\x7fELF" or head[4] != 2:
            raise ValueError("not a 64-bit ELF program")
        offset, size, count = struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head, 54)
        file.seek(offset)
        table = file.read(size * count)
        for index in range(count):
            kind, _flags, start, _vaddr, _paddr, length = struct.unpack_from("<IIQQQQ", table, index * size)
            if kind == _PT_INTERP:
                file.seek(start)
                return Path(file.read(length).rstrip(b"\0").decode())
    raise ValueError("a static program has no loader")


def is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def closure(loader: Path, files: Iterable[Path]) -> set[Path]:
    """Every library that these files load, as the loader finds them on this host; the loader included."""
    found: set[Path] = {loader}
    for file in files:
        found |= _listed_by(loader, file)
    for library in [path for path in found if path.name == "libnss3.so"]:
        modules = [match for pattern in _NSS_PATTERNS for match in _beside(library, pattern)]
        found.update(modules)
        for module in modules:
            if module.suffix == ".so":
                found |= _listed_by(loader, module)
    return found


def _listed_by(loader: Path, file: Path) -> set[Path]:
    # `--list` is what ldd does; it maps the files and runs nothing of them. It fails for a missing library, and then
    # prints what it did find: the sandbox will say which one it misses when it starts.
    done = subprocess.run(
        [str(loader), "--list", str(file)], capture_output=True, text=True, timeout=10, check=False, env={}
    )
    return {Path(match[1]) for line in done.stdout.splitlines() if (match := _LISTED.match(line))}


def _beside(library: Path, pattern: str) -> list[Path]:
    real = library.resolve().parent
    return [*real.glob(pattern), *(real / "nss").glob(pattern)]
