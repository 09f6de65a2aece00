"""What the doors may ask of sessions: the use cases, and a client's place in a session. `manager` is the real thing."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cloche.agent_link.guest_report import ExecResult
from cloche.browser.contract.common import BrowserRequest, BrowserResponse
from cloche.browser.contract.common import Usage as BrowserUsage
from cloche.ids import EventId, SessionId
from cloche.sessions.agent_readings import Figures, Health, Observed
from cloche.sessions.exec_request import ExecRequest
from cloche.sessions.live.interface import SessionLive
from cloche.sessions.model import (
    EventType,
    Session,
    SessionEvent,
    SessionPage,
    SessionRequest,
    SessionStatus,
)
from cloche.sessions.principal import Principal
from cloche.sessions.usage_report import UsageLine
from cloche.wire.messages import Payload


class Attachment(Protocol):
    """A DevTools client's place in a session, from `SessionManager.attach`; while held, the session is not idle."""

    browser_path: str
    """The path of the browser endpoint, `/devtools/browser/<uuid>`: of the browser that the last `dial` reached."""
    ended: "asyncio.Future[str]"
    """Done when the session or its browser ends; the result is the reason, fit for a WebSocket close frame."""

    async def dial(self) -> socket.socket:
        """Open a connection to Chromium's DevTools port: non-blocking, connected, the caller's to close.

        While the browser is starting again this waits, bounded. Raises: AgentError, DeadlineError, GoneError,
        ConflictError (`browser_stopped`: somebody stopped it, and nobody has started it).
        """
        ...


class SessionAgent(Protocol):
    """A session's agent, from `SessionManager.agent`. What it answers is the sandbox's word, checked and bounded.

    Nothing but `execute` keeps a session from idling. Everything raises GoneError (the session has ended meanwhile),
    AgentError (it cannot be reached or answers nonsense), DeadlineError, and BusyError (too much is asked at once).
    """

    async def health(self, *, fresh: bool = False) -> Observed[Health]:
        """Its last heartbeat. With `fresh`, and where there is none since its browser last changed, it is asked."""
        ...

    async def figures(self, *, fresh: bool = False) -> Observed[Figures]:
        """Its last metrics. With `fresh`, and before the first, it is asked."""
        ...

    async def status(self) -> Payload:
        """Whether it is at work, and its checks: the document of `agent_link.guest_report.read_report`."""
        ...

    async def ping(self) -> float:
        """Ask for a sign of life; return the seconds it took."""
        ...

    async def execute(self, principal: Principal, request: ExecRequest) -> ExecResult:
        """Run a program in the sandbox to its end. Cancelled, it is killed. An event tells that it ran, not what.

        Raises: InvalidError, DeniedError (`exec_off`: the session was not made with `machine`; `machine_not_allowed`:
        the key may not; `exec_refused`: the agent will not), BusyError (as many run as may), TooLargeError.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineRequest:
    """One request to the agent's machine API (`cloche.wire.machine`)."""

    method: str
    path: str
    """Below the session's address: `/fs/read_file`. Made of constants and checked ids, never of a user's text."""
    query: Mapping[str, str | bytes | int] = field(default_factory=dict)
    """Bytes and texts are percent-encoded on the way."""
    fields: Payload | None = None
    """A JSON body."""


@dataclass(frozen=True, slots=True)
class MachineAnswer:
    """An answer that is read as it comes, from `SessionMachine.open`. Nothing of it has been checked but its form."""

    status: int
    """200–299; what failed is raised."""
    length: int | None
    """Of the body, in bytes, where it is known."""
    fields: Mapping[str, str]
    """Header fields of ours, names in lower case."""
    body: AsyncIterator[bytes]
    """Raises AgentError when it breaks off before its end."""


class MachineTunnel(Protocol):
    """A place in a session for a connection that is spliced, from `SessionMachine.tunnel`."""

    ended: "asyncio.Future[str]"
    """Done when the session ends; the result is the reason, fit for a WebSocket close frame."""

    async def dial(self) -> socket.socket:
        """Open a stream on which the agent's HTTP API answers: non-blocking, the caller's to close.

        Raises: AgentError, DeadlineError, GoneError.
        """
        ...


class SessionMachine(Protocol):
    """A session as a small machine, from `SessionManager.machine`. What it answers is the sandbox's word.

    Every request counts as use of the session; a stream does for as long as it is open. Both raise GoneError,
    AgentError, DeadlineError, BusyError (too many at once), and what the agent refuses: InvalidError, DeniedError,
    NotFoundError, ConflictError, TooLargeError, RangeError, StorageFullError, with its code as `reason`.
    """

    async def ask(self, request: MachineRequest, *, timeout_s: float = 30.0) -> Payload:
        """Send a request and read its whole answer, a JSON object."""
        ...

    def open(
        self, request: MachineRequest, body: AsyncIterator[bytes] | None = None, *, timeout_s: float = 30.0
    ) -> AbstractAsyncContextManager[MachineAnswer]:
        """Send a request, with a body if there is one, and read its answer as it comes.

        `timeout_s` is for the answer's head, counted from the end of the body. Leaving the block ends the exchange.
        """
        ...

    def tunnel(self) -> AbstractAsyncContextManager[MachineTunnel]:
        """Take a place for a conversation that leaves HTTP behind; the session does not idle meanwhile."""
        ...

    def note(self, type_: EventType, data: Mapping[str, str | int | float | bool | None]) -> None:
        """Publish an event of this session: who did what, never contents."""
        ...


class SessionBrowser(Protocol):
    """A session's browser, from `SessionManager.browser`: navigation, actions, observation, logs, state.

    Every call counts as use of the session. What fails in the page, at a policy or of a budget is a response with
    `success` false and its code. Raised is only what concerns the session: GoneError, ConflictError
    (`browser_stopped`), InvalidError, AgentError, DeadlineError, BusyError (too many calls at once).
    """

    async def perform(self, principal: Principal, request: BrowserRequest) -> BrowserResponse:
        """Carry out one use case of `browser.contract.use_cases`, chosen by the request's type.

        The response is of the type that stands beside it in that table.
        """
        ...

    def usage(self) -> BrowserUsage:
        """What of the budget is taken and left."""
        ...


class SessionManager(Protocol):
    async def create(self, principal: Principal, request: SessionRequest, *, wait: bool = True) -> Session:
        """Admit, build and start a session. With `wait` it returns `ready`; without, `pending` at once.

        Where there is no place, or the machine is short, it waits for up to `request.queue_timeout_s`.

        Raises: InvalidError, DeniedError (private_hosts above the ceiling; `machine_not_allowed`: asked for `machine`
        with a key that may not), QuotaError, NoRoomError, StartError. Cancelled while it waits for a place, it leaves
        the queue; later the session goes on without whoever asked.
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

    async def sleep(self, principal: Principal, session_id: SessionId) -> Session:
        """Stop it where it stands until somebody comes. Nothing happens to one that sleeps.

        Raises: NotFoundError, GoneError, ConflictError (not ready; `session_in_use`: somebody uses it).
        """
        ...

    async def hibernate(self, principal: Principal, session_id: SessionId) -> Session:
        """Seal its state on the disk and free everything, until somebody comes. Nothing happens to one that is so.

        Raises: NotFoundError, GoneError, ConflictError (not ready; `session_in_use`; `private_session`;
        `machine_session`; `profiles_off`), and what saving a profile raises; then it goes on.
        """
        ...

    async def wake(self, principal: Principal, session_id: SessionId) -> Session:
        """Let one that sleeps go on, or bring one back that is hibernated. Whoever comes does the same.

        Raises: NotFoundError, GoneError (`snapshot_lost`), ConflictError (not ready), BusyError (no room for one that
        was hibernated), and what restoring a profile raises; it stays hibernated then.
        """
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

    async def agent(self, principal: Principal, session_id: SessionId) -> SessionAgent:
        """Raises: NotFoundError, GoneError (with the end's reason), ConflictError (not ready)."""
        ...

    async def machine(self, principal: Principal, session_id: SessionId, *, whole: bool = True) -> SessionMachine:
        """`whole`: also what only a session made with `machine` has, for those who may (an admin, or a key's scope).

        Raises: as `agent`; DeniedError (`machine_off`: the session was not made with it; `machine_not_allowed`).
        """
        ...

    async def browser(self, principal: Principal, session_id: SessionId) -> SessionBrowser:
        """Raises: NotFoundError, GoneError (with the end's reason), ConflictError (not ready)."""
        ...

    async def live(self, principal: Principal | None, session_id: SessionId) -> SessionLive:
        """`principal` None: the door has already checked a token bound to this session.

        Raises: NotFoundError, GoneError (with the end's reason), ConflictError (not ready).
        """
        ...

    async def usage(self, principal: Principal, *, since: datetime) -> tuple[Sequence[UsageLine], bool]:
        """What sessions made since then have taken, an admin's answer for everybody; and whether some were left out."""
        ...

    async def readiness(self) -> Mapping[str, str]:
        """Say what stands in the way of a new session, as check → reason. Empty: a session can be made now."""
        ...
