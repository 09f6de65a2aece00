"""What integrations and probes there are: JSON files in `integrations.d` and `probes.d`, read with suspicion.

They hold shell text that is run with the agent's rights, so nobody else may have had a hand in them: see `_distrust`.
What will not do is left out with a notice that says why, and never keeps another file from being read.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from cloche.agent.checks.definitions import (
    INTEGRATION_KEYS,
    PROBE_KEYS,
    Definition,
    DropInError,
    Fields,
    Integration,
    Probe,
    parse_integration,
    parse_object,
    parse_probe,
)

MAX_FILE_BYTES: Final = 64 * 1024
MAX_FILES: Final = 128
"""Of one kind in one directory."""
MAX_DEFINITIONS: Final = 128
"""Of one kind, from all directories: their report must fit into one frame."""

INTEGRATIONS: Final = "integrations.d"
PROBES: Final = "probes.d"

_SHOWN_KEYS: Final = 8
_SHOWN_CHARACTERS: Final = 64


class Notice(NamedTuple):
    """What an operator should hear of one file or directory."""

    path: str
    reason: str
    is_skipped: bool = True


class DropIns(NamedTuple):
    """What was read: the first of each name, in the order of directories, then of file names."""

    integrations: tuple[Integration, ...] = ()
    probes: tuple[Probe, ...] = ()
    notices: tuple[Notice, ...] = ()


def read_drop_ins(dirs: Sequence[str]) -> DropIns:
    """Read the drop-ins of these directories; what is not there is no mistake."""
    notices: list[Notice] = []
    integrations = _read_kind(dirs, INTEGRATIONS, parse_integration, INTEGRATION_KEYS, notices)
    probes = _read_kind(dirs, PROBES, parse_probe, PROBE_KEYS, notices)
    return DropIns(integrations, probes, tuple(notices))


def _read_kind(
    dirs: Sequence[str],
    folder: str,
    parse: Callable[[Fields], Definition],
    keys: frozenset[str],
    notices: list[Notice],
) -> tuple[Definition, ...]:
    found: dict[str, Definition] = {}
    for directory in dirs:
        for path, data in _files(directory, folder, notices):
            try:
                fields = parse_object(data)
                definition = parse(fields)
                _check_place(definition.name, found)
            except DropInError as error:
                notices.append(Notice(path, str(error)))
                continue
            found[definition.name] = definition
            if unknown := sorted(fields.keys() - keys):
                named = ", ".join(key[:_SHOWN_CHARACTERS] for key in unknown[:_SHOWN_KEYS])
                notices.append(Notice(path, f"unknown keys: {named}", is_skipped=False))
    return tuple(found.values())


def _check_place(name: str, found: Mapping[str, object]) -> None:
    if name in found:
        raise DropInError(f"{name} is there already")
    if len(found) >= MAX_DEFINITIONS:
        raise DropInError(f"there are {MAX_DEFINITIONS} already")


def _files(directory: str, folder: str, notices: list[Notice]) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of what may be read in one folder, by name."""
    path = f"{directory}/{folder}"
    try:
        with _opened(directory, os.O_DIRECTORY) as base, _opened(folder, os.O_DIRECTORY, base) as fd:
            names = sorted(name for name in os.listdir(fd) if name.endswith(".json") and name != ".json")
            if len(names) > MAX_FILES:
                notices.append(Notice(path, f"more than {MAX_FILES} files: the first by name are read"))
            for name in names[:MAX_FILES]:
                try:
                    data = _read(name, fd)
                except (OSError, DropInError) as error:
                    notices.append(Notice(f"{path}/{name}", _reason(error)))
                else:
                    yield f"{path}/{name}", data
    except FileNotFoundError:
        return
    except (OSError, DropInError) as error:
        notices.append(Notice(path, _reason(error)))


def _read(name: str, folder_fd: int) -> bytes:
    with _opened(name, os.O_NONBLOCK | os.O_NOCTTY, folder_fd) as fd:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise DropInError("not a plain file")
        data = b""
        while len(data) <= MAX_FILE_BYTES and (piece := os.read(fd, MAX_FILE_BYTES + 1)):
            data += piece
    if len(data) > MAX_FILE_BYTES:
        raise DropInError(f"larger than {MAX_FILE_BYTES} bytes")
    return data


@contextmanager
def _opened(name: str, flags: int, folder_fd: int | None = None) -> Iterator[int]:
    """Open what may be trusted. The configured directory itself may be a link, nothing in it.

    Raises:
        OSError, DropInError: it cannot be opened; others could have written it.
    """
    follow = os.O_NOFOLLOW if folder_fd is not None else 0
    fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC | follow | flags, dir_fd=folder_fd)
    try:
        if reason := _distrust(os.fstat(fd)):
            raise DropInError(reason)
        yield fd
    finally:
        os.close(fd)


def _distrust(status: os.stat_result) -> str:
    """Return why a file or directory may hold someone else's words, or nothing."""
    if status.st_uid not in (0, os.geteuid()):
        return f"belongs to user {status.st_uid}, who is neither root nor the agent's"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "others than its owner may write to it"
    return ""


def _reason(error: OSError | DropInError) -> str:
    if not isinstance(error, OSError):
        return str(error)
    told = {errno.ELOOP: "a symbolic link", errno.ENOTDIR: "a symbolic link, or not a directory"}
    return told.get(error.errno or 0) or error.strerror or "cannot be read"
