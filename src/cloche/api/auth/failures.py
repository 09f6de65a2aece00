"""Credentials that were not let in, as they go into the audit journal: few enough that guessing cannot fill it."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from cloche.audit.model import AuditData, AuditRecord
from cloche.clock import Clock
from cloche.sessions.audit import AuditWriter

EVERY_S: Final = 1.0
MOST_AT_ONCE: Final = 20
"""Of all addresses together, in `EVERY_S`: an IPv6 network has more addresses than the journal has room."""
MAX_ADDRESSES: Final = 1024


@dataclass(slots=True)
class AuthFailures:
    """Owned by one door. Each address is written down once a second, with how often it tried since the last time."""

    journal: AuditWriter
    clock: Clock
    door: str
    _told_at: OrderedDict[str, float] = field(default_factory=OrderedDict)
    _held_back: dict[str, int] = field(default_factory=dict)
    _others: int = 0
    """What could not even be counted by address."""

    def note(self, address: str) -> None:
        now = self.clock.monotonic()
        self._forget(now)
        if address in self._told_at or len(self._told_at) >= MOST_AT_ONCE:
            self._count(address)
            return
        self._told_at[address] = now
        count, others, self._others = 1 + self._held_back.pop(address, 0), self._others, 0
        data: AuditData = {"address": address, "door": self.door, "count": count, "others": others}
        self.journal.note(AuditRecord(kind="auth.failed", actor="", outcome="unauthenticated", data=data))

    def _forget(self, now: float) -> None:
        while self._told_at and now - next(iter(self._told_at.values())) >= EVERY_S:
            self._told_at.popitem(last=False)

    def _count(self, address: str) -> None:
        if address in self._held_back or len(self._held_back) < MAX_ADDRESSES:
            self._held_back[address] = self._held_back.get(address, 0) + 1
        else:
            self._others += 1


def denied(caller: str, asked: str) -> AuditRecord:
    """Somebody who is known has asked for what is not allowed. `asked` is the route or RPC, without any ids."""
    return AuditRecord(kind="access.denied", actor=caller, owner=caller, outcome="denied", data={"asked": asked})


def address_of_peer(peer: str) -> str:
    """The address in gRPC's name of a peer: `ipv4:127.0.0.1:4711`, `ipv6:%5B::1%5D:4711`."""
    name = peer.partition(":")[2].rpartition(":")[0] or peer
    return name.replace("%5B", "").replace("%5D", "").strip("[]")
