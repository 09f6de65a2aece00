"""The manager's way to the rows: one transaction a call."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cloche.errors import InvalidError, NotFoundError
from cloche.ids import PrincipalName, SessionId, parse_session_id
from cloche.sessions import rows
from cloche.sessions.model import Session, SessionPage, SessionStatus
from cloche.storage.database import Database
from cloche.storage.sqlite_thread import Connection

MAX_PAGE: Final = 200
MAX_COUNTED: Final = 5_000
"""Sessions that one report adds up."""


class SessionStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        session: Session,
        *,
        agent_token_hash: str,
        upstream_sealed: str | None,
        sandbox: Mapping[str, Any] | None = None,
    ) -> None:
        """`sandbox`: where that is found again, of a session that has one already."""
        await self._database.write(
            lambda connection: rows.add(
                connection, session, agent_token_hash=agent_token_hash, upstream_sealed=upstream_sealed, sandbox=sandbox
            )
        )

    async def save(self, session: Session, *, sandbox: Mapping[str, Any] | None = None) -> None:
        """Write what can change of a session, and with it where its sandbox is found again."""
        await self._database.write(lambda connection: rows.save(connection, session, sandbox=sandbox))

    async def lay_down(self, session: Session) -> None:
        """Write that it is hibernated. On the disk once this returns."""
        await self._database.write(lambda connection: rows.save(connection, session), durable=True)

    async def bring_back(self, session: Session, *, sandbox: Mapping[str, Any], agent_token_hash: str) -> None:
        """Write that it is up again, in another sandbox."""

        async def steps(connection: Connection) -> None:
            await rows.save(connection, session)
            await rows.hand_over(connection, session.id, sandbox, agent_token_hash)

        await self._database.write(steps)

    async def upstream_sealed(self, session_id: SessionId) -> str | None:
        async with self._database.read() as connection:
            return await rows.upstream_of(connection, session_id)

    async def load(self, session_id: SessionId) -> Session:
        """Raises: NotFoundError."""
        session = await self._database.look(lambda connection: rows.get(connection, session_id))
        if session is None:
            raise NotFoundError("there is no such session")
        return session

    async def page(
        self,
        *,
        owner: PrincipalName | None,
        status: SessionStatus | None,
        labels: Mapping[str, str],
        limit: int,
        cursor: str | None,
    ) -> SessionPage:
        """Raises: InvalidError for a limit outside 1–`MAX_PAGE` or a cursor that is none."""
        if not 1 <= limit <= MAX_PAGE:
            raise InvalidError(f"must be from 1 to {MAX_PAGE}", field="limit")
        async with self._database.read() as connection:
            found = await rows.page(
                connection,
                owner=owner,
                status=status,
                wanted_labels=labels,
                before=_read_cursor(cursor),
                limit=limit + 1,
            )
        return SessionPage(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)

    async def made_since(self, since: datetime, *, owner: PrincipalName | None) -> tuple[list[Session], bool]:
        """Newest first; and whether there were more than are counted."""
        found: list[Session] = []
        cursor: str | None = None
        while len(found) < MAX_COUNTED:
            page = await self.page(owner=owner, status=None, labels={}, limit=MAX_PAGE, cursor=cursor)
            young = [session for session in page.sessions if session.created_at >= since]
            found += young
            cursor = page.next_cursor
            if cursor is None or len(young) < len(page.sessions):
                return found, False
        return found, True


def _read_cursor(cursor: str | None) -> SessionId | None:
    if cursor is None:
        return None
    try:
        return parse_session_id(cursor)
    except InvalidError:
        raise InvalidError("is not a cursor of this listing", field="cursor") from None
