"""How many peers may be here at once, and who makes room for a newcomer."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socket import SHUT_RD, SHUT_RDWR, socket
from typing import Final

MAX_PEERS: Final = 64
MAX_LEAVING: Final = 32

MADE_ROOM: Final = "another peer has taken this connection's place"


class Peer:
    """One connection of the guest protocol. Whoever serves it owns the socket."""

    def __init__(self, connection: socket) -> None:
        self.connection = connection
        self.dismissal: str | None = None
        """Why it has to go; empty when there is nothing to tell it. Its next read finds the end of the stream."""

    def dismiss(self, why: str, how: int = SHUT_RD) -> None:
        self.dismissal = why
        with suppress(OSError):  # it has hung up in the meantime
            self.connection.shutdown(how)


class Places:
    """The peers by what they are about: sending a request, having it answered, reading the answer, leaving.

    All but the leaving ones share `MAX_PEERS` places. A newcomer takes the place of the one that has let us wait
    longest: for its request, or where none does that, for its reading of an answer. A peer whose request is being
    worked on keeps its place.
    """

    def __init__(self, most: int = MAX_PEERS) -> None:
        self._most = most
        # In the order in which they began to.
        self._asking: dict[Peer, None] = {}
        self._reading: dict[Peer, None] = {}
        self._leaving: dict[Peer, None] = {}
        self._served = 0

    @contextmanager
    def taken(self, peer: Peer) -> Iterator[bool]:
        """Give the peer a place for as long as the block lasts; False when there is none."""
        if self._served + len(self._asking) + len(self._reading) >= self._most and not self._make_room():
            yield False
            return
        self._asking[peer] = None
        try:
            yield True
        finally:
            self._asking.pop(peer, None)

    @contextmanager
    def answering(self, peer: Peer) -> Iterator[None]:
        """Its request is being worked on for as long as the block lasts."""
        self._asking.pop(peer, None)
        self._served += 1
        try:
            yield
        finally:
            self._served -= 1
            self._asking[peer] = None

    @contextmanager
    def reading(self, peer: Peer) -> Iterator[None]:
        """It is given an answer for as long as the block lasts."""
        self._asking.pop(peer, None)
        self._reading[peer] = None
        try:
            yield
        finally:
            self._reading.pop(peer, None)
            if peer.dismissal is None:
                self._asking[peer] = None

    @contextmanager
    def leaving(self, peer: Peer) -> Iterator[None]:
        """It is told why for as long as the block lasts; when too many are, the first of them is cut off."""
        if len(self._leaving) >= MAX_LEAVING:
            first = next(iter(self._leaving))
            del self._leaving[first]
            first.dismiss("", SHUT_RDWR)
        self._leaving[peer] = None
        try:
            yield
        finally:
            self._leaving.pop(peer, None)

    def clear(self) -> None:
        """Dismiss everyone but those whose requests are being worked on, without a word."""
        for peers in (self._asking, self._reading, self._leaving):
            for peer in peers:
                peer.dismiss("", SHUT_RDWR)

    def _make_room(self) -> bool:
        for peers, how in ((self._asking, SHUT_RD), (self._reading, SHUT_RDWR)):
            if peers:
                longest = next(iter(peers))
                del peers[longest]
                longest.dismiss(MADE_ROOM, how)
                return True
        return False
