"""`client.audit` of the synchronous client."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Unpack

from cloche.client import audit_calls
from cloche.client.audit_answers import AuditEvent, AuditPage, Verified
from cloche.client.audit_calls import AuditFilter

if TYPE_CHECKING:
    from cloche.client.sync import SyncClient


class Audit:
    """What was done. An admin's key reads all of it, another what concerns the own things."""

    def __init__(self, client: "SyncClient") -> None:
        self._client = client

    def list(
        self,
        *,
        limit: int = 100,
        cursor: str | None = None,
        after: int | None = None,
        **wanted: Unpack[AuditFilter],
    ) -> AuditPage:
        """One page, newest first; with `after`, the number of an event, oldest first from the next one on."""
        return self._client.send(audit_calls.list_events(wanted, limit=limit, cursor=cursor, after=after))

    def iterate(self, **wanted: Unpack[AuditFilter]) -> Iterator[AuditEvent]:
        """All of it, newest first, page by page."""
        cursor: str | None = None
        while True:
            page = self.list(limit=1000, cursor=cursor, **wanted)
            yield from page.events
            if (cursor := page.next_cursor) is None:
                return

    def export(self, **wanted: Unpack[AuditFilter]) -> Iterator[bytes]:
        """All of it as JSON Lines, oldest first, in pieces that end anywhere. Needs an admin's key."""
        return self._client.stream_bytes(audit_calls.export(wanted))

    def verify(self) -> Verified:
        """Follow the whole chain. Needs an admin's key."""
        return self._client.send(audit_calls.verify())
