"""The modules of the live view as they are served: named in a list, read once, of one version."""

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

_IMPORT: Final = re.compile(rb"""(?m)^((?:import|\}|export)[^"';]*?["']\.{1,2}/[A-Za-z0-9_./-]+\.js)(["'];?)$""")
"""A static import of one of our modules. `tests/unit/api/pages/test_live_modules.py` holds that none is missed."""


@dataclass(frozen=True, slots=True)
class LiveModules:
    """`content` by name, as `transports/jpeg.js`: all that may be asked for."""

    content: dict[str, bytes]
    version: str
    """Of all of them together."""

    @property
    def needed(self) -> frozenset[str]:
        """What the page loads: all but those that hold only types, which are nowhere imported."""
        return frozenset(self.content) - {"transports/port.js"}

    def current(self, name: str) -> str:
        """Its address below `/live/`, under which it may be kept for good."""
        return f"{name}?v={self.version}"


def load_live_modules() -> LiveModules:
    """Read them from the package.

    Each import names the version too: a page that was opened before an upgrade never gets half of the one and half of
    the other from a cache.
    """
    read = dict(_scripts(files(__package__) / "live", ""))
    version = hashlib.sha256(b"\0".join(name.encode() + b"\0" + read[name] for name in sorted(read))).hexdigest()[:16]
    suffix = f"?v={version}".encode()
    stamped = {name: _IMPORT.sub(lambda found: found[1] + suffix + found[2], text) for name, text in read.items()}
    return LiveModules(stamped, version)


def _scripts(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _scripts(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".js"):
            found.append((f"{prefix}{entry.name}", entry.read_bytes()))
    return found


MODULES: Final = load_live_modules()
