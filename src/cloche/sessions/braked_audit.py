"""Keeps what anybody can cause at will from filling the audit journal, which stops the work of all when it is full.

A page whose requests are refused, a caller that looks again and again, a guesser of keys: of such kinds each owner has
so many at once and then so many in an hour. What is beyond is counted, and the count is written down in its place.
What must stand before it is answered is never held back.
"""

import math
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from cloche.audit.model import AuditData, AuditRecord
from cloche.clock import Clock
from cloche.sessions.audit import AuditWriter
from cloche.sessions.auditing import SERVER
from cloche.sessions.browsing.auditing import SECRET_READS


class Rate(NamedTuple):
    at_once: int
    an_hour: int


RATES: Final = {
    "access.": Rate(200, 60),
    "artifact.rejected": Rate(500, 60),
    "auth.": Rate(200, 60),
    "devtools.": Rate(2000, 3600),
    "egress.": Rate(500, 360),
    "live.control": Rate(1000, 600),
    "live.link": Rate(1000, 600),
    "live.": Rate(1000, 600),
    "memory.": Rate(500, 60),
    "read.": Rate(5000, 3600),
}
"""By the beginning of the kind; the first that fits: who comes and goes with a link takes nothing from what is written
of control and of links. A year of guessing keys at this rate is a twentieth of the journal's default size."""
TELL_EVERY_S: Final = 60.0
MAX_OWNERS: Final = 4096
_MUST_STAND: Final = frozenset(f"read.{method}" for method in SECRET_READS)


class FullableJournal(AuditWriter, Protocol):
    @property
    def has_room(self) -> bool:
        """False: what is noted now takes from what is kept for the ends of what was begun."""
        ...


@dataclass(slots=True)
class _Bucket:
    left: float
    filled_at: float
    held_back: int = 0
    told_at: float = -math.inf


class BrakedAudit(AuditWriter):
    """Stands before the journal, for all who write to it. See `braked`."""

    def __init__(self, journal: FullableJournal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()
        self._holding: dict[tuple[str, str], _Bucket] = {}

    def require(self) -> None:
        self._journal.require()

    def note(self, record: AuditRecord) -> None:
        if self._holding:
            self._tell(self._clock.monotonic())
        if (begins := _braked_as(record.kind)) is None or self._passes(record.owner, begins):
            self._journal.note(record)

    async def settled(self) -> None:
        await self._journal.settled()

    def close(self) -> None:
        """Tell what was held back and is not told yet."""
        self._tell(math.inf)

    def _passes(self, owner: str, begins: str) -> bool:
        rate, key, now = RATES[begins], (owner, begins), self._clock.monotonic()
        bucket = self._buckets.setdefault(key, _Bucket(rate.at_once, now))
        self._buckets.move_to_end(key)
        if len(self._buckets) > MAX_OWNERS * len(RATES):
            self._buckets.popitem(last=False)
        bucket.left = min(bucket.left + (now - bucket.filled_at) * rate.an_hour / 3600, rate.at_once)
        bucket.filled_at = now
        if bucket.left < 1 or not self._journal.has_room:
            if not bucket.held_back:
                bucket.told_at = now
            bucket.held_back += 1
            self._holding[key] = bucket
            return False
        bucket.left -= 1
        return True

    def _tell(self, now: float) -> None:
        if not self._journal.has_room:
            return
        for (owner, begins), bucket in tuple(self._holding.items()):
            if now - bucket.told_at >= TELL_EVERY_S:
                del self._holding[owner, begins]
                data: AuditData = {"kinds": begins, "count": bucket.held_back}
                bucket.held_back = 0
                self._journal.note(AuditRecord(kind="audit.held_back", actor=SERVER, owner=owner, data=data))


@contextmanager
def braked(journal: FullableJournal, clock: Clock) -> Iterator[BrakedAudit]:
    """For as long as the block lasts."""
    audit = BrakedAudit(journal, clock)
    try:
        yield audit
    finally:
        audit.close()


def _braked_as(kind: str) -> str | None:
    if kind in _MUST_STAND:
        return None
    return next((begins for begins in RATES if kind.startswith(begins)), None)
