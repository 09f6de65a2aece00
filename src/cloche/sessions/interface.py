"""What the doors may ask of sessions: the use cases, and a client's place in a session. `manager` is the real thing."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from cloche.ids import EventId, SessionId
from cloche.sessions.model import (
    Session,
    SessionEvent,
    SessionPage,
    SessionRequest,
    SessionStatus,
)
from cloche.sessions.principal import Principal


class Attachment(Protocol):
    """A DevTools client's place in a session, from `SessionManager.attach`; while held, the session is not idle."""

    browser_path: str
    """The path of the browser endpoint, `/devtools/browser/<uuid>`: of the browser that the last `dial` reached."""
    ended: "asyncio.Future[str]"
    """Done when the session or its browser ends; the result is the reason, fit for a WebSocket close frame."""

    async def dial(self) -> socket.socket:
        """Open a connection to Chromium's DevTools port: non-blocking, connected, the caller's to close.

        While the browser is starting again this waits, bounded. Raises: AgentError, DeadlineError, GoneError.
        """
        ...


class SessionManager(Protocol):
    async def create(self, principal: Principal, request: SessionRequest, *, wait: bool = True) -> Session:
        """Admit, build and start a session. With `wait` it returns `ready`; without, `pending` at once.

        Raises: InvalidError, DeniedError (private_hosts above the ceiling), QuotaError, BusyError, StartError.
        """
        ...

    async def get(self, principal: Principal, session_id: SessionId) -> Session:
        """Raises NotFoundError for unknown and foreign ids alike."""
        ...

    async def list(
        self,
        principal: Principal,
        *,
        status: SessionStatus | None = None,
        labels: Mapping[str, str] | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> SessionPage:
        """Newest first; a user sees the own ones, an admin all. `limit` 1–200. InvalidError for a bad cursor."""
        ...

    async def close(self, principal: Principal, session_id: SessionId) -> Session:
        """End it and wait until nothing of it runs. Closing a closed session returns it as it is."""
        ...

    async def extend(self, principal: Principal, session_id: SessionId, *, lifetime_s: int) -> Session:
        """Set the end to `lifetime_s` from now, under the server's ceiling. GoneError when it has ended."""
        ...

    def events(
        self, principal: Principal, session_id: SessionId, *, after: EventId | None = None
    ) -> AsyncIterator[SessionEvent]:
        """Stored events after `after` (None: from the first), then live ones, until the session has ended."""
        ...

    def attach(
        self, principal: Principal | None, session_id: SessionId, *, quiet: bool = False
    ) -> AbstractAsyncContextManager[Attachment]:
        """Enter as a DevTools client. `principal` None: the door has already checked a token bound to this session.

        `quiet` leaves no events behind, for a single question such as `/json/version`.

        Raises: NotFoundError, GoneError (with the end's reason), ConflictError (not ready).
        """
        ...

    async def agent_get(self, principal: Principal, session_id: SessionId, path: str) -> tuple[int, bytes]:
        """GET `path` from the agent's own HTTP API: status and JSON body (at most 1 MiB)."""
        ...

    async def readiness(self) -> Mapping[str, str]:
        """Say what stands in the way of a new session, as check → reason. Empty: a session can be made now."""
        ...
