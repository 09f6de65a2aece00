"""Asking somebody who knows about malware: what may be answered, and which scanner a setting names."""

import re
import shlex
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from cloche.errors import InvalidError

MAX_NAME_CHARS: Final = 64
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Clean:
    """It knows nothing against the file."""


@dataclass(frozen=True, slots=True)
class Found:
    name: str
    """What it calls it, in a form that may be shown."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """It did not say. The file is not let through then."""

    reason: str
    """For the log."""


ScanResult = Clean | Found | Unavailable


class Scanner(Protocol):
    async def scan(self, stream: AsyncIterator[bytes]) -> ScanResult:
        """Tell what is known of the file that `stream` yields. Bounded in time. Errors of the stream are raised."""
        ...


@dataclass(frozen=True, slots=True)
class ClamdSetting:
    socket: Path


@dataclass(frozen=True, slots=True)
class CommandSetting:
    argv: tuple[str, ...]


def parse_scanner(text: str) -> ClamdSetting | CommandSetting:
    """Read the setting: `clamd:/run/clamav/clamd.ctl` or `command:/usr/bin/scan --stdin`. Raises: InvalidError."""
    kind, _, rest = text.partition(":")
    if kind == "clamd" and rest.startswith("/"):
        return ClamdSetting(Path(rest))
    if kind == "command":
        try:
            argv = tuple(shlex.split(rest))
        except ValueError:
            raise InvalidError("the scanner's quotes do not match", field="CLOCHE_SCANNER") from None
        if argv and argv[0].startswith("/"):
            return CommandSetting(argv)
    raise InvalidError("a scanner is clamd:/path/of/socket or command:/path/of/program …", field="CLOCHE_SCANNER")


def finding(name: str) -> Found:
    """What a scanner calls its find, without what has no place in a reason. It may have been written by the file."""
    plain = _NOT_IN_NAMES.sub("_", name.strip()[: 4 * MAX_NAME_CHARS]).strip("_")
    return Found(plain[:MAX_NAME_CHARS] or "unnamed")
