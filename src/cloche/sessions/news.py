"""What has changed, told to lists that keep themselves up to date: which thing of what kind, never what is in it.

What comes here has been written down elsewhere; who misses some of it looks again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from cloche.audit.model import AuditRecord
from cloche.concurrency.event_bus import EventBus, Subscription
from cloche.sessions.audit import AuditWriter
from cloche.sessions.principal import Principal, Role

BOUND: Final = 1024
"""Of what one listener has not read: it is then told to look at everything again."""
EVERYBODY: Final = "*"
OF_SESSIONS: Final = ("session", "live", "recording", "devtools", "browser", "agent", "machine", "budget", "memory")
OF_THINGS: Final = ("profile", "artifact", "key")


@dataclass(frozen=True, slots=True)
class Change:
    """`kind`: `session`, `profile`, `artifact`, `key` or `audit`. `id`: which, where it is one."""

    kind: str
    id: str
    type: str
    """What happened: an event's type, or a kind of the audit journal."""


class News:
    """Owned by the composition root. To publish is cheap and never waits."""

    def __init__(self) -> None:
        self._bus: EventBus[Change] = EventBus(BOUND)

    def publish(self, owner: str, change: Change) -> None:
        if owner:
            self._bus.publish(f"owner:{owner}", change)
        self._bus.publish(EVERYBODY, change)

    @contextmanager
    def follow(self, principal: Principal) -> Iterator[Subscription[Change]]:
        """Listen for as long as the block lasts: an admin to everything, a user to the own things."""
        topic = EVERYBODY if principal.role is Role.ADMIN else f"owner:{principal.name}"
        subscription = self._bus.subscribe(topic)
        try:
            yield subscription
        finally:
            self._bus.unsubscribe(topic, subscription)


class OverheardAudit(AuditWriter):
    """Stands before the journal, and tells of each record that there is one."""

    def __init__(self, journal: AuditWriter, news: News) -> None:
        self._journal = journal
        self._news = news

    def require(self) -> None:
        self._journal.require()

    def note(self, record: AuditRecord) -> None:
        self._journal.note(record)
        for change in changes_of(record):
            self._news.publish(record.owner, change)

    async def settled(self) -> None:
        await self._journal.settled()


def changes_of(record: AuditRecord) -> Iterator[Change]:
    """What a record of the journal means for lists."""
    word = record.kind.partition(".")[0]
    if word in OF_SESSIONS:
        yield Change("session", record.session_id, record.kind)
    elif word in OF_THINGS:
        yield Change(word, record.subject, record.kind)
    yield Change("audit", "", record.kind)
