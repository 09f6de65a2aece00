"""`client.audit` of the asynchronous client."""

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Unpack

from cloche.client import audit_calls
from cloche.client.audit_answers import AuditEvent, AuditPage, Verified
from cloche.client.audit_calls import AuditFilter

if TYPE_CHECKING:
    from cloche.client.aio import Client


class Audit:
    """What was done. An admin's key reads all of it, another what concerns the own things."""

    def __init__(self, client: "Client") -> None:
        self._client = client

    async def list(
        self,
        *,
        limit: int = 100,
        cursor: str | None = None,
        after: int | None = None,
        **wanted: Unpack[AuditFilter],
    ) -> AuditPage:
        """One page, newest first; with `after`, the number of an event, oldest first from the next one on."""
        return await self._client.send(audit_calls.list_events(wanted, limit=limit, cursor=cursor, after=after))

    async def iterate(self, **wanted: Unpack[AuditFilter]) -> AsyncGenerator[AuditEvent]:
        """All of it, newest first, page by page."""
        cursor: str | None = None
        while True:
            page = await self.list(limit=1000, cursor=cursor, **wanted)
            for event in page.events:
                yield event
            if (cursor := page.next_cursor) is None:
                return

    def export(self, **wanted: Unpack[AuditFilter]) -> AsyncGenerator[bytes]:
        """All of it as JSON Lines, oldest first, in pieces that end anywhere. Needs an admin's key."""
        return self._client.stream_bytes(audit_calls.export(wanted))

    async def verify(self) -> Verified:
        """Follow the whole chain. Needs an admin's key."""
        return await self._client.send(audit_calls.verify())
