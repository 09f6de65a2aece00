"""Who may read what of the audit journal."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from cloche.audit import rows
from cloche.audit.model import AuditEvent, AuditFilter, AuditPage, Verified
from cloche.errors import DeniedError, InvalidError
from cloche.sessions.audit import AuditReader
from cloche.sessions.principal import Principal, Role
from cloche.storage.database import Database

MAX_PAGE: Final = 1000


class JournalReader(AuditReader):
    """Reads what the journal has written; `verify` is the journal's own, which knows where its chain ends."""

    def __init__(self, database: Database, verify: Callable[[], Awaitable[Verified]]) -> None:
        self._database = database
        self._verify = verify

    async def list(
        self,
        principal: Principal,
        wanted: AuditFilter,
        *,
        limit: int = 100,
        cursor: str | None = None,
        after: int | None = None,
    ) -> AuditPage:
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidError(f"limit must be from 1 to {MAX_PAGE}", field="limit")
        if cursor is not None and after is not None:
            raise InvalidError("give a cursor or `after`, not both", field="cursor")
        owner = None if principal.role is Role.ADMIN else principal.name
        before = _number(cursor) if cursor is not None else None
        async with self._database.read() as connection:
            found = await rows.page(connection, wanted, owner=owner, limit=limit + 1, before=before, after=after)
        page = tuple(found[:limit])
        return AuditPage(page, str(page[-1].seq) if len(found) > limit else None)

    async def export(self, principal: Principal, wanted: AuditFilter) -> AsyncIterator[AuditEvent]:
        self._require_admin(principal)
        after, is_last = 0, False
        while not is_last:
            # A connection for each page: a slow reader must not hold one, nor keep SQLite from clearing its log.
            async with self._database.read() as connection:
                page = await rows.page(connection, wanted, owner=None, limit=MAX_PAGE, after=after)
            for event in page:
                after = event.seq
                yield event
            is_last = len(page) < MAX_PAGE

    async def verify(self, principal: Principal) -> Verified:
        self._require_admin(principal)
        return await self._verify()

    def _require_admin(self, principal: Principal) -> None:
        if principal.role is not Role.ADMIN:
            raise DeniedError("this needs an admin's key")


def _number(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
        raise InvalidError("the cursor is not one of this listing", field="cursor")
    return int(cursor)
