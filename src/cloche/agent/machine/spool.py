"""What the browser has downloaded, until the host has taken it.

GET    /spool/{name}     the bytes; `cloche-size`
GET    /spool            path; likewise, of a file that a DevTools client had the browser put elsewhere
DELETE /spool/{name}     204, also where there is none; with what there is of one that was never complete
DELETE /spool            204: all of it

The browser writes here, and so might whatever has broken into it. So nothing but a regular file is opened, by one name
only: a second could be that of a file which is still written to, or of one that belongs to the session's owner.
"""

import os
import re
import stat
from contextlib import suppress
from typing import Final

from cloche.agent.machine.api import Routes, Surroundings
from cloche.agent.machine.beneath import Place, open_beneath
from cloche.agent.machine.exchange import Exchange
from cloche.agent.machine.files.removal import remove_directory
from cloche.agent.machine.problem import Problem, invalid
from cloche.wire.machine import MAX_PATH_BYTES, SIZE_FIELD

_NAME: Final = re.compile(r"[0-9a-f-]{1,64}")
"""Chromium names what it downloads by a GUID where it was told to (CDP Browser.setDownloadBehavior, allowAndName)."""
_UNFINISHED: Final = ".crdownload"
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class SpoolApi:
    """Owned by `MachineApi`."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._path = surroundings.config.spool_dir
        self._loop = surroundings.loop

    def routes(self) -> Routes:
        return {
            "GET /spool/{name}": self._take,
            "GET /spool": self._take_elsewhere,
            "DELETE /spool/{name}": self._remove,
            "DELETE /spool": self._clear,
        }

    async def _take(self, exchange: Exchange) -> None:
        name = _named(exchange)
        directory = os.open(self._path, _DIRECTORY)
        try:
            found = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        finally:
            os.close(directory)
        await _send(exchange, found)

    async def _take_elsewhere(self, exchange: Exchange) -> None:
        path = exchange.head.query.get("path", b"")
        if not path.startswith(b"/") or b"\0" in path or len(path) > MAX_PATH_BYTES:
            raise invalid("must be an absolute path", "path")
        parts = tuple(part for part in path.split(b"/") if part not in (b"", b"."))
        found = open_beneath(Place("/", path, parts), os.O_PATH, follows=False)
        try:
            # What the kernel and the image have to tell is no download.
            if os.fstat(found).st_dev != os.stat(self._path, follow_symlinks=False).st_dev:
                raise Problem(400, "not_in_session", "it is not among the session's own files")
        except BaseException:
            os.close(found)
            raise
        await _send(exchange, found)

    async def _remove(self, exchange: Exchange) -> None:
        name = _named(exchange)
        directory = os.open(self._path, _DIRECTORY)
        try:
            for one in (name, name + _UNFINISHED):
                with suppress(FileNotFoundError):
                    os.unlink(one, dir_fd=directory)
        finally:
            os.close(directory)
        await exchange.answer_nothing()

    async def _clear(self, exchange: Exchange) -> None:
        directory = os.open(self._path, _DIRECTORY)
        try:
            for name in os.listdir(directory):
                try:
                    os.unlink(name, dir_fd=directory)
                except IsADirectoryError:
                    await remove_directory(self._loop, directory, os.fsencode(name))
        finally:
            os.close(directory)
        await exchange.answer_nothing()


def _named(exchange: Exchange) -> str:
    name = exchange.params["name"]
    if not _NAME.fullmatch(name):
        raise Problem(404, "not_found", "there is no such download")
    return name


async def _send(exchange: Exchange, found: int) -> None:
    """Answer with what `found`, a descriptor of O_PATH, stands for, and close it."""
    try:
        status = os.fstat(found)
        if not stat.S_ISREG(status.st_mode):
            raise Problem(400, "not_a_file", "it is no regular file")
        if status.st_nlink != 1:
            raise Problem(400, "not_a_file", "it has more names than this one")
        fd = os.open(f"/proc/self/fd/{found}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    finally:
        os.close(found)
    try:
        size = os.fstat(fd).st_size
        await exchange.begin("application/octet-stream", length=size, fields={SIZE_FIELD: str(size)})
        await exchange.write_from(fd, 0, size)
    finally:
        os.close(fd)
