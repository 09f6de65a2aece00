"""What is told of a file, and the list of a directory."""

import json
import os
import stat
from typing import Any, Final

from cloche.agent.loop import Loop
from cloche.agent.machine.beneath import Place, open_beneath
from cloche.agent.machine.exchange import Exchange
from cloche.agent.machine.files.labels import labelled, timestamp
from cloche.agent.machine.turns import Turns

MAX_LISTED: Final = 10_000
"""Entries of one list."""
MAX_LIST_BYTES: Final = 8 * 1024 * 1024
"""Of one list in JSON: each entry says its whole path, which may be 4 KB long."""

_PIECE_BYTES: Final = 64 * 1024


def describe(shown: bytes, status: os.stat_result, target: bytes | None) -> dict[str, Any]:
    """Build an entry. `target` is what a link points to, None for anything else."""
    is_dir = stat.S_ISDIR(status.st_mode)
    entry: dict[str, Any] = {
        **labelled("name", shown.rpartition(b"/")[2]),
        **labelled("path", shown),
        "size_bytes": 0 if is_dir else status.st_size,
        "is_dir": is_dir,
        "is_link": target is not None,
        "mod_time": timestamp(status.st_mtime_ns),
        "mode": stat.filemode(status.st_mode),
    }
    if target is not None:
        entry |= labelled("link_target", target)
    return entry


def look_at(place: Place, *, follows: bool) -> dict[str, Any]:
    """Describe what is there. Raises: Problem; OSError."""
    return _describe_open(place.shown, open_beneath(place, os.O_PATH, follows=follows))


def _describe_open(shown: bytes, fd: int) -> dict[str, Any]:
    """Describe what was opened with O_PATH, and close it."""
    try:
        status = os.fstat(fd)
        return describe(shown, status, os.readlink(b"", dir_fd=fd) if stat.S_ISLNK(status.st_mode) else None)
    finally:
        os.close(fd)


async def send_list(exchange: Exchange, place: Place) -> None:
    """Answer with a directory's entries, sorted by name, as they are found. Raises: Problem; OSError."""
    fd = open_beneath(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        await _send_list(exchange, place.shown, fd)
    finally:
        os.close(fd)


async def _send_list(exchange: Exchange, shown: bytes, fd: int) -> None:
    names, is_cut = await _first_names(exchange.loop, fd)
    turns = Turns(exchange.loop)
    piece, total = bytearray(b'{"entries":['), 0
    for name in names:
        await turns.take()
        entry = _look_in(fd, shown, name)
        if entry is None:
            continue
        encoded = json.dumps(entry, separators=(",", ":")).encode()
        if total + len(encoded) > MAX_LIST_BYTES:
            is_cut = True
            break
        piece += (b"," if total else b"") + encoded
        total += len(encoded)
        if len(piece) >= _PIECE_BYTES:
            await _send(exchange, piece)
    piece += b'],"truncated":%b}' % (b"true" if is_cut else b"false")
    await _send(exchange, piece)
    await exchange.finish()


async def _send(exchange: Exchange, piece: bytearray) -> None:
    # Not before there is something to send: a directory that cannot be looked into is an answer of its own.
    if not exchange.has_begun:
        await exchange.begin("application/json")
    await exchange.write(piece)
    piece.clear()


async def _first_names(loop: Loop, fd: int) -> tuple[list[bytes], bool]:
    """Return the first names in order, at most `MAX_LISTED`, and whether there are more.

    Never holds more than twice as many: a directory may have millions.
    """
    turns, is_cut = Turns(loop), False
    kept: list[bytes] = []
    with os.scandir(fd) as found:
        for entry in found:
            await turns.take()
            name = os.fsencode(entry.name)
            if not is_cut or name < kept[MAX_LISTED - 1]:
                kept.append(name)
            if len(kept) >= 2 * MAX_LISTED:
                kept, is_cut = sorted(kept)[:MAX_LISTED], True
    kept.sort()
    return kept[:MAX_LISTED], is_cut or len(kept) > MAX_LISTED


def _look_in(fd: int, shown: bytes, name: bytes) -> dict[str, Any] | None:
    """Describe an entry of an open directory; None for one that has gone meanwhile."""
    path = shown + b"/" + name
    try:
        status = os.stat(name, dir_fd=fd, follow_symlinks=False)
        if not stat.S_ISLNK(status.st_mode):
            return describe(path, status, None)
        # Opened, and not read by its name: a file may have taken the link's place.
        return _describe_open(path, os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd))
    except FileNotFoundError:
        return None
