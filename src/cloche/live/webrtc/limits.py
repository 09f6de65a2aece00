"""How many peers there may be, and how many at once on their way to being one."""

from collections import Counter
from typing import Final

from cloche.errors import BusyError

MAX_PEERS: Final = 64
MAX_PEERS_OF_OWNER: Final = 48
"""Of the sessions of one owner together: the others' viewers still find a place."""
MAX_NEGOTIATING: Final = 4


class PeerSlot:
    """One peer's place. Made by `PeerLimits.take`; `release`, any number of times, gives it back."""

    def __init__(self, limits: "PeerLimits", session: str, owner: str) -> None:
        self._limits = limits
        self._session = session
        self._owner = owner
        self._is_negotiating = True
        self._is_held = True

    def connected(self) -> None:
        """It is no longer on its way."""
        if self._is_negotiating:
            self._is_negotiating = False
            self._limits.settled(self._session)

    def release(self) -> None:
        self.connected()
        if self._is_held:
            self._is_held = False
            self._limits.left(self._owner)


class PeerLimits:
    """One for the daemon. Offers cost little to make and some to answer (sockets, a key, a handshake), so whoever makes
    hundreds gets BusyError; others are not kept waiting behind them."""

    def __init__(
        self,
        *,
        max_peers: int = MAX_PEERS,
        max_of_owner: int = MAX_PEERS_OF_OWNER,
        max_negotiating: int = MAX_NEGOTIATING,
    ) -> None:
        self._max_peers = max_peers
        self._max_of_owner = max_of_owner
        self._max_negotiating = max_negotiating
        self._peers: Counter[str] = Counter()
        """By owner."""
        self._negotiating: Counter[str] = Counter()

    @property
    def peers(self) -> int:
        return self._peers.total()

    def take(self, session: str, owner: str = "") -> PeerSlot:
        """Have a place for one peer of this session, which is `owner`'s; empty: not known. Raises: BusyError
        (`peers_full`, `negotiating`)."""
        if self.peers >= self._max_peers or (owner and self._peers[owner] >= self._max_of_owner):
            raise BusyError("too many viewers over WebRTC", reason="peers_full")
        if self._negotiating[session] >= self._max_negotiating:
            raise BusyError("too many offers at once", retry_after_s=2, reason="negotiating")
        self._peers[owner] += 1
        self._negotiating[session] += 1
        return PeerSlot(self, session, owner)

    def settled(self, session: str) -> None:
        """For `PeerSlot`."""
        self._negotiating[session] -= 1
        if not self._negotiating[session]:
            del self._negotiating[session]

    def left(self, owner: str) -> None:
        """For `PeerSlot`."""
        self._peers[owner] -= 1
        if not self._peers[owner]:
            del self._peers[owner]
