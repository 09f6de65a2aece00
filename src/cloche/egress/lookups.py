"""Where a resolver's answers come from: the system's resolver, and a hosts file in front of another lookup."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import structlog

from cloche.egress.addresses import IPAddress

MAX_LOOKUPS: Final = 16
"""At once, over all sessions."""
MAX_HOSTS_FILE_BYTES: Final = 1 << 20

_NOT_FOUND: Final = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})
_log = structlog.get_logger(__name__)


Lookup = Callable[[str], Awaitable[Sequence[IPAddress]]]
"""Resolve one A-label name, uncached. Raises NameNotFoundError or NameServiceError."""


class ResolveError(Exception):
    """A name could not be turned into addresses."""


class NameNotFoundError(ResolveError):
    """There is no such name, or it has no address. Worth remembering."""


class NameServiceError(ResolveError):
    """The resolver failed, was too slow, or is too busy. Not remembered: the next attempt may work."""


class SystemLookup:
    """getaddrinfo(3) in threads of its own: with it come /etc/hosts, nsswitch and the host's DNS settings.

    A call that is given up on keeps its thread until libc gives up too, which is why the threads are not the event
    loop's. `close` does not wait for such calls.
    """

    def __init__(self, *, threads: int = MAX_LOOKUPS) -> None:
        self._executor = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="resolve")

    async def __call__(self, name: str) -> Sequence[IPAddress]:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, _getaddrinfo, name)
        except socket.gaierror as error:
            if error.errno in _NOT_FOUND:
                raise NameNotFoundError(name) from None
            raise NameServiceError(error.strerror or "the system resolver failed") from None
        except OSError as error:
            raise NameServiceError(error.strerror or "the system resolver failed") from None

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)


def hosts_file_lookup(path: Path, fallback: Lookup | None) -> Lookup:
    """Answer from a hosts(5) file, else from `fallback` (None: everything else does not exist).

    For split DNS and closed networks. A name may stand on several lines; all its addresses count. The file is read
    again when its modification time or size changes. While it cannot be read, no name resolves: falling through
    to another resolver would quietly change what names mean.
    """
    return _HostsFile(path, fallback)


class _HostsFile:
    def __init__(self, path: Path, fallback: Lookup | None) -> None:
        self._path = path
        self._fallback = fallback
        self._stamp: tuple[int, int] | None = None
        self._names: dict[str, list[IPAddress]] = {}

    async def __call__(self, name: str) -> Sequence[IPAddress]:
        try:
            names = await asyncio.to_thread(self._current)
        except OSError as error:
            _log.warning("hosts_file_unreadable", path=str(self._path), error=error.strerror)
            raise NameServiceError("the hosts file cannot be read") from None
        if (found := names.get(name)) is not None:
            return found
        if self._fallback is None:
            raise NameNotFoundError(name)
        return await self._fallback(name)

    def _current(self) -> dict[str, list[IPAddress]]:
        status = self._path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        if stamp != self._stamp:
            with self._path.open(encoding="utf-8", errors="replace") as file:
                self._names = parse_hosts(file.read(MAX_HOSTS_FILE_BYTES))
            self._stamp = stamp
        return self._names


def parse_hosts(text: str) -> dict[str, list[IPAddress]]:
    """Read hosts(5): `address name…` per line, `#` starts a comment; lines that are neither are passed over."""
    names: dict[str, list[IPAddress]] = {}
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        try:
            address = ip_address(words[0])
        except (IndexError, ValueError):
            continue
        for name in words[1:]:
            names.setdefault(name.lower().removesuffix("."), []).append(address)
    return names


def _getaddrinfo(name: str) -> list[IPAddress]:
    # As bytes, because Python would pass text through its IDNA 2003 codec first.
    answers = socket.getaddrinfo(name.encode("ascii"), None, type=socket.SOCK_STREAM)
    # A zone id after a link-local address is of no use: such an address is refused anyway.
    return [ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers]
