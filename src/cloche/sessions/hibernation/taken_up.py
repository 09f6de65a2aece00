"""A browser that an earlier daemon stopped for a snapshot, and did not get back: it died in between."""

import socket
from typing import Protocol

import structlog

from cloche.errors import AgentError, ClocheError, ConflictError, DeadlineError
from cloche.sessions.attachment import BROWSER_STOPPED
from cloche.sessions.interface import SessionMachine
from cloche.sessions.keeping import Kept
from cloche.sessions.model import Session
from cloche.sessions.profiles import pouring

_log = structlog.get_logger(__name__)


class TakenUpOwner(Protocol):
    """What a runner does for it."""

    @property
    def session(self) -> Session: ...

    @property
    def machine(self) -> SessionMachine: ...

    def browser_returns(self, *, is_expected: bool) -> None: ...


class TakenUpRunner(TakenUpOwner, Protocol):
    async def dial_devtools(self, *, is_own: bool = False) -> tuple[socket.socket, str]:
        """Raises: ConflictError (`browser_stopped`), and whatever dialling raises."""
        ...


class TakenUp(Kept):
    """Of a session in which nobody but the daemon stops the browser: an adopted one has it started, if it is not."""

    def __init__(self, owner: TakenUpRunner) -> None:
        self._owner, self._is_new = owner, False

    async def furnish(self) -> None:
        self._is_new = True

    async def begin(self) -> None:
        if self._is_new:
            return
        try:  # an agent that is not asked to start a browser need not load what it takes
            connection, _ = await self._owner.dial_devtools(is_own=True)
            connection.close()
        except ConflictError as error:
            if error.fields.get("reason") == BROWSER_STOPPED:
                await take_up(self._owner)
        except ClocheError as error:  # whoever comes finds out
            _log.warning("browser_not_reached", session=self._owner.session.id, error=error.code)

    def browser_came(self) -> None:
        """Nothing."""

    def browser_went(self) -> None:
        """Nothing."""

    async def save(self, reason: str) -> None:
        """Nothing."""

    async def close(self) -> None:
        """Nothing."""


async def take_up(owner: TakenUpOwner) -> None:
    """Start the browser with the tabs that its agent has noted; nothing happens to one that runs."""
    owner.browser_returns(is_expected=True)
    try:
        await pouring.start_browser(owner.machine, opens_left_tabs=True)
        _log.warning("browser_started_after_a_save_broke_off", session=owner.session.id)
    except (ConflictError, AgentError, DeadlineError) as error:
        if error.fields.get("reason") != "browser_running":
            # It can still be started by whoever wants it: no reason to give the session up.
            _log.warning("browser_not_started", session=owner.session.id, exc_info=error)
    finally:
        owner.browser_returns(is_expected=False)
