"""The way in to a session's browser. Whoever comes waits until there is one, and until it is whole.

It is not whole while somebody of ours has it in hand: stopped to save what it holds, and started again without its
tabs, which are put back one after the other. In between it has a blank page, or none, and looks to everybody else like
the session's browser. What is done for the saving and the putting back passes all the same: the others wait for that.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from cloche.agent_link import streams
from cloche.agent_link.streams import close_foreign
from cloche.errors import DeadlineError
from cloche.sessions.browser_side import BrowserSide

ATTACH_WAIT_S: Final = 10.0
"""How long a client waits for a browser that is starting again, or for an adopted session to be whole."""

T = TypeVar("T")


class Entrance:
    """Owned by the runner. Everybody who gets at the browser does so through this."""

    def __init__(
        self,
        browser: BrowserSide,
        client_comes: Callable[[], Awaitable[None]],
        dial_agent: Callable[[], Awaitable[socket.socket]],
    ) -> None:
        """`client_comes`: see `keeping.Kept`. `dial_agent` raises GoneError when the session ends, and AgentError."""
        self._browser, self._client_comes, self._dial_agent = browser, client_comes, dial_agent

    async def whole(self) -> None:
        """Wait, however long, until nobody of ours has the browser in hand, or the session ends."""
        await self._browser.whole()

    async def let_in(self, reach: Callable[[], Awaitable[T]]) -> T:
        """Return what `reach` makes of a browser that is whole, and was so all the time that it took.

        Raises: DeadlineError, and what `reach` raises.
        """
        return await self._in_time(self._let_in(reach), asyncio.get_running_loop().time() + ATTACH_WAIT_S)

    async def dial(self, *, is_own: bool) -> tuple[socket.socket, str]:
        """See `SessionRunner.dial_devtools`."""
        deadline = asyncio.get_running_loop().time() + ATTACH_WAIT_S
        while True:
            guest = await self._in_time(self._guest(is_own=is_own), deadline)
            left_s = deadline - asyncio.get_running_loop().time()
            connection, path = await streams.open_devtools(guest, wait_s=max(0.1, left_s))
            if is_own or self._browser.is_whole:
                return connection, path
            close_foreign(connection)  # it was taken in hand meanwhile, and this may be the one that comes after

    async def _guest(self, *, is_own: bool) -> socket.socket:
        if not is_own:
            await self._browser.whole()
        await self._browser.ready()
        if not is_own:
            await self._client_comes()
        return await self._dial_agent()

    async def _let_in(self, reach: Callable[[], Awaitable[T]]) -> T:
        while True:
            await self._browser.whole()
            reached = await reach()
            await self._client_comes()
            if self._browser.is_whole:
                return reached

    async def _in_time(self, steps: Awaitable[T], deadline: float) -> T:
        try:
            async with asyncio.timeout_at(deadline):
                return await steps
        except TimeoutError:
            raise DeadlineError("the browser is not ready; try again") from None
