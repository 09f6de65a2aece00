"""What reached the local web: requests, and datagrams at the canaries. Written in its thread, read in any."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

MAX_ENTRIES: Final = 100_000
"""A benchmark that fetches for hours must not fill memory; past this the oldest are dropped."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request or WebSocket upgrade. `address` is the local one that it came to: it tells which wall it passed.

    `host` is the Host header without its port. `scheme` is `http`, `https`, `ws` or `wss`.
    """

    method: str
    scheme: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    peer: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Datagram:
    """A UDP packet that came to one of the canary ports."""

    port: int
    peer: str
    data: bytes


class WebLog:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._requests: list[Request] = []
        self._datagrams: list[Datagram] = []

    def add(self, entry: Request | Datagram) -> None:
        with self._changed:
            if isinstance(entry, Request):
                self._requests.append(entry)
                del self._requests[:-MAX_ENTRIES]
            else:
                self._datagrams.append(entry)
                del self._datagrams[:-MAX_ENTRIES]
            self._changed.notify_all()

    def clear(self) -> None:
        with self._changed:
            self._requests.clear()
            self._datagrams.clear()

    def requests(self, host: str | None = None, path: str | None = None) -> list[Request]:
        with self._changed:
            return [
                request for request in self._requests if host in (None, request.host) and path in (None, request.path)
            ]

    def datagrams(self) -> list[Datagram]:
        with self._changed:
            return list(self._datagrams)

    def wait_for_request(self, host: str | None, path: str | None, timeout_s: float) -> Request:
        """Block until such a request is in the log, and return the first.

        Raises:
            TimeoutError: none came in time; the message lists what did come.
        """
        found = self._wait_for(lambda: self.requests(host, path), timeout_s)
        if not found:
            seen = sorted({f"{request.host}{request.path}" for request in self.requests()})
            raise TimeoutError(f"no request for {host or 'any host'}{path or ''} in {timeout_s} s; seen: {seen}")
        return found[0]

    def _wait_for(self, look: Callable[[], list[Request]], timeout_s: float) -> list[Request]:
        # Condition's lock is re-entrant (RLock), so `look` may take it again.
        with self._changed:
            self._changed.wait_for(look, timeout_s)
            return look()
