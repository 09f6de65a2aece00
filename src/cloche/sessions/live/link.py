"""Keeps the view's connection while it is wanted: made when somebody comes, anew with each browser, ended after."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Protocol

import structlog

from cloche.browser.devtools.errors import DevToolsError
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import ClocheError, ConflictError, GoneError
from cloche.sessions.live.view import BrowserView, ViewOwner

LINGER_S: Final = 6.0
"""From the last who wanted it to its end: thumbnails are asked for every few seconds."""
RETRY_S: Final = 1.0
DIALOG_S: Final = 30.0
"""How much longer it is kept for a dialog, which would be closed with it."""
UP: Final = "up"
STARTING: Final = "starting"
STOPPED: Final = "stopped"

_log = structlog.get_logger(__name__)


class Dials(Protocol):
    async def dial_devtools(self, *, is_own: bool = False) -> tuple[socket.socket, str]:
        """`is_own`: also to a browser that is not whole, see `entrance`.

        Raises: GoneError, ConflictError (`browser_stopped`), AgentError, DeadlineError.
        """
        ...


class LinkOwner(ViewOwner, Protocol):
    def browser_is(self, state: str) -> None:
        """`up`, `starting` or `stopped`. With `up` there is a view."""
        ...


class LiveLink:
    """Owned by the live service."""

    def __init__(self, dials: Dials, owner: LinkOwner) -> None:
        self.view: BrowserView | None = None
        self.state = STARTING
        self._dials = dials
        self._owner = owner
        self._wanted = 0
        self._came = asyncio.Event()
        self._settled: asyncio.Future[ClocheError | None] = asyncio.get_running_loop().create_future()
        """Done when it is known whether there is a view; with why there is none."""
        self._task: asyncio.Task[None] | None = None
        self._previous: asyncio.Task[None] | None = None
        self._end: asyncio.TimerHandle | None = None
        self._is_closed = self._goes_ahead = False

    @contextmanager
    def ahead(self) -> Iterator[None]:
        """In the block a connection need not wait until the session is up: that waits for what is done in it."""
        self._goes_ahead = True
        try:
            yield
        finally:
            self._goes_ahead = False

    @contextmanager
    def wanted(self) -> Iterator[None]:
        """Have a connection for as long as the block lasts, whenever there is a browser."""
        self._wanted += 1
        if self._end is not None:
            self._end.cancel()
            self._end = None
        if not self._is_closed and (self._task is None or self._task.done()):
            self._unsettle()
            self._task = spawn(self._keep(), name="live-link")
        try:
            yield
        finally:
            self._wanted -= 1
            self._end_later(LINGER_S)

    async def settled_view(self) -> BrowserView:
        """Wait for it, inside of `wanted`. Raises: ClocheError: why there is none."""
        failure = await asyncio.shield(self._settled)
        if failure is not None:
            raise failure.with_traceback(None)
        if self.view is None:
            raise ConflictError("the browser went away; try again", reason="browser_stopped")
        return self.view

    def browser_came(self) -> None:
        self._came.set()

    def browser_went(self) -> None:
        if self.view is not None:
            self.view.connection.close()

    async def close(self) -> None:
        self._is_closed = True
        if self._end is not None:
            self._end.cancel()
            self._end = None
        await cancel_and_wait(self._task, self._previous)
        self._settle(GoneError("the session has ended"))

    # --- the connection ---------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        if self._previous is not None:
            await asyncio.wait([self._previous])
        while True:
            self._came.clear()
            patience_s: float | None = RETRY_S
            try:
                await self._once()
                self._unsettle()
                self._becomes(STARTING)
            except GoneError as error:
                self._settle(error)
                return
            except ConflictError as error:
                self._becomes(STOPPED)
                self._settle(error)
                patience_s = None  # it stays so until somebody starts it
            except ClocheError as error:
                self._becomes(STARTING)
                self._settle(error)
            except (DevToolsError, OSError) as error:
                _log.info("live_link_failed", error=type(error).__name__)
                self._becomes(STARTING)
            with suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._came.wait()

    async def _once(self) -> None:
        """From a connection's making to its end."""
        view = await BrowserView.open(*await self._dials.dial_devtools(is_own=self._goes_ahead), self._owner)
        try:
            self.view = view
            self._becomes(UP)
            self._settle(None)
            await view.connection.ended
        finally:
            self.view = None
            await view.close()

    def _becomes(self, state: str) -> None:
        self.state = state
        if state != UP or self.view is not None:
            self._owner.browser_is(state)

    def _settle(self, failure: ClocheError | None) -> None:
        if self._settled.done():
            self._unsettle()
        self._settled.set_result(failure)

    def _unsettle(self) -> None:
        if self._settled.done():
            self._settled = asyncio.get_running_loop().create_future()

    def _end_later(self, delay_s: float, waited_s: float = 0.0) -> None:
        if self._wanted == 0 and not self._is_closed and self._task is not None:
            loop = asyncio.get_running_loop()
            if self._end is not None:
                self._end.cancel()
            self._end = loop.call_later(delay_s, self._end_now, waited_s)

    def _end_now(self, waited_s: float) -> None:
        self._end = None
        if self.view is not None and self.view.holds_dialog and waited_s < DIALOG_S:
            self._end_later(RETRY_S, waited_s + RETRY_S)
        elif self._task is not None:
            self._task.cancel()
            self._task, self._previous = None, self._task
