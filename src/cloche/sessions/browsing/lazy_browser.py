"""The one DevTools connection of a session's browser service: made by the first call, and anew after it has ended."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Protocol

from cloche.browser.contract.common import ActionError
from cloche.browser.session_browser import Browser
from cloche.concurrency.tasks import cancel_and_wait, spawn


class LetsIn(Protocol):
    """See `entrance.Entrance`."""

    async def let_in(self, reach: Callable[[], Awaitable[Browser]]) -> Browser:
        """Raises: DeadlineError, and what `reach` raises."""
        ...


class Dials(Protocol):
    @property
    def entrance(self) -> LetsIn: ...

    async def dial_devtools(self, *, is_own: bool = False) -> tuple[socket.socket, str]:
        """Connect to Chromium, waiting for one that is starting. Returns the socket and the browser's path.

        `is_own`: also to one that is not whole, see `entrance`. Those for whom this is done wait there.

        Raises: GoneError, ConflictError (`browser_stopped`), AgentError, DeadlineError.
        """
        ...

    def require_staying(self) -> None:
        """Raises: GoneError when the session ends."""
        ...


class LazyBrowser:
    """Owned by the session's browser service. However many ask at once, one connection is made."""

    def __init__(
        self, owner: Dials, open_browser: Callable[[socket.socket, str], Awaitable[Browser]], *, name: str
    ) -> None:
        """`open_browser` owns the socket it is given, also when it fails."""
        self._owner = owner
        self._open_browser = open_browser
        self._name = name
        self._browser: Browser | None = None
        self._opening: asyncio.Task[Browser | ActionError] | None = None

    @property
    def current(self) -> Browser | None:
        return self._browser if self._browser is not None and not self._browser.is_closed else None

    async def get(self) -> Browser:
        """One that is whole. Raises: as `at_once`, and DeadlineError."""
        return await self._owner.entrance.let_in(self.at_once)

    async def at_once(self) -> Browser:
        """Also one whose tabs are still to be put back.

        Raises: ActionError (`browser_restarted`), and what `dial_devtools` raises.
        """
        if (browser := self.current) is not None:
            return browser
        if self._opening is None:
            self._opening = spawn(self._open(), name=self._name)
        opening = self._opening
        try:
            # Shielded: whoever asked first may hang up while others wait for the same.
            opened = await asyncio.shield(opening)
        except asyncio.CancelledError:
            if opening.cancelled():
                self._owner.require_staying()
            raise
        if isinstance(opened, ActionError):
            raise ActionError(opened.code, opened.detail, rule=opened.rule)
        return opened

    def drop(self) -> None:
        """End the connection, as its browser has ended; the next call makes another."""
        browser, self._browser = self._browser, None
        if browser is not None:
            browser.close()

    async def close(self) -> None:
        """End the connection, or what is about to become one."""
        await cancel_and_wait(self._opening)
        self.drop()

    async def _open(self) -> Browser | ActionError:
        try:
            self.drop()
            self._browser = await self._open_browser(*await self._owner.dial_devtools(is_own=True))
            return self._browser
        except ActionError as error:
            # Returned, for it is an answer and no failure of the task, and every waiter raises its own.
            return error
        finally:
            self._opening = None
