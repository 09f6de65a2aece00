"""Which files of this Python go into the root image: the interpreter and the standard library an agent can use."""

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cloche.sandbox.namespace import places

# Not needed inside, and some of it would be of use to an intruder: installers, GUI, tests, TLS, databases.
_LEFT_OUT_PACKAGES: Final = frozenset(
    {
        "test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "pydoc_data", "distutils", "venv",
        "site-packages", "dist-packages", "sqlite3", "curses", "dbm", "unittest", "wsgiref", "xmlrpc", "msilib",
    }
)  # fmt: skip
_LEFT_OUT_MODULES: Final = (
    "_tkinter", "_sqlite3", "_curses", "_dbm", "_gdbm", "readline", "nis", "ossaudiodev", "_crypt", "_test", "xx",
    "_ctypes_test", "_ssl", "_hashlib", "_xxtestfuzz", "_codecs_",
)  # fmt: skip


def interpreter() -> Path:
    """The Python that runs the daemon: there is one for sure, and it is new enough for the agent."""
    return Path(sys.executable).resolve()


def standard_library() -> Path:
    return Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix, "base": sys.base_prefix}))


def library_files() -> Iterator[tuple[Path, str]]:
    """Each file to copy, with its path inside the image: sources, their bytecode, extension modules."""
    root = standard_library()
    base = f"{places.PYTHON_HOME.lstrip('/')}/lib/python{sys.version_info.major}.{sys.version_info.minor}"
    for path in _walk(root):
        yield path, f"{base}/{path.relative_to(root)}"


def _walk(directory: Path) -> Iterator[Path]:
    for entry in sorted(directory.iterdir()):
        if entry.is_dir():
            if entry.name not in _LEFT_OUT_PACKAGES and not entry.name.startswith("config-"):
                yield from _walk(entry)
        elif _is_wanted(entry):
            yield entry


def _is_wanted(file: Path) -> bool:
    if file.suffix == ".pyc":
        # Only what this interpreter, unoptimized, would load: `os.cpython-311.pyc`.
        return file.name.endswith(f".{sys.implementation.cache_tag}.pyc")
    if file.suffix == ".so":
        return not file.name.startswith(_LEFT_OUT_MODULES)
    return file.suffix == ".py"
