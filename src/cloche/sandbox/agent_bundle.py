"""The agent as one file: a zip that Python runs (zipapp), holding sources and their bytecode.

It carries `cloche/__init__`, `cloche/agent` and `cloche/wire` and nothing else of the daemon; the agent may import
no more than those and the standard library. The same bundle goes into container images and guests of other drivers;
with a first line in front it is a program.
"""

import importlib.util
import io
import marshal
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cloche

_PACKAGES: Final = ("agent", "wire")
# -I: no environment, no user site; -S: no site at all. What is installed or said in PYTHON… changes nothing.
_FIRST_LINE: Final = b"#!/usr/bin/env -S python3 -IS\n"
_MAIN: Final = """\
import sys
if sys.version_info < (3, 11):
    sys.exit("cloche-agent needs Python 3.11 or newer, and this is %d.%d" % sys.version_info[:2])
from cloche.agent.main import main
sys.exit(main())
"""

_HASH_BASED: Final = 0b01
# A fixed time (the oldest a zip can tell) keeps the bundle the same for the same sources.
_TIME: Final = (1980, 1, 1, 0, 0, 0)


def agent_sources() -> list[Path]:
    """The files that go in, for a check of freshness."""
    return [path for path, _name in _members()]


def build_agent_bundle() -> bytes:
    """Render the zip, uncompressed: it is read once, by a process somebody waits for."""
    return _render(b"")


def build_agent_zipapp() -> bytes:
    """Render the bundle as a file that can be executed where there is a `python3` of 3.11 or newer (zipapp)."""
    return _render(_FIRST_LINE)


def _render(first_line: bytes) -> bytes:
    buffer = io.BytesIO()
    # Positions in the archive count from the beginning of the file, with this line in it.
    buffer.write(first_line)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, "__main__.py", _MAIN)
        for path, name in _members():
            _add(archive, name, path.read_text(encoding="utf-8"))
    return buffer.getvalue()


def _members() -> Iterator[tuple[Path, str]]:
    root = Path(cloche.__file__).parent
    yield root / "__init__.py", "cloche/__init__.py"
    for package in _PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            yield path, f"cloche/{path.relative_to(root)}"


def _add(archive: zipfile.ZipFile, name: str, source: str) -> None:
    archive.writestr(zipfile.ZipInfo(name, _TIME), source)
    code = compile(source, f"agent.pyz/{name}", "exec", dont_inherit=True, optimize=0)
    # An unchecked hash-based .pyc (PEP 552) is valid whatever the times in the zip say.
    flags = _HASH_BASED.to_bytes(4, "little")
    head = importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(source.encode())
    archive.writestr(zipfile.ZipInfo(f"{name}c", _TIME), head + marshal.dumps(code))
