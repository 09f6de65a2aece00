"""A client's place in a running session: what the doors hold while they serve someone."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from cloche.errors import AgentError, SandboxError


@dataclass(eq=False, slots=True)
class RunnerAttachment:
    """See `sessions.interface.Attachment`. Made by the runner, which ends it with `finish`."""

    dial_devtools: Callable[[], Awaitable[tuple[socket.socket, str]]]
    browser_path: str = ""
    ended: "asyncio.Future[str]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def dial(self) -> socket.socket:
        if self.ended.done():
            # The browser this client was attached to is gone; what it dials now is the next one.
            self.ended = asyncio.get_running_loop().create_future()
        try:
            connection, self.browser_path = await self.dial_devtools()
        except SandboxError:
            raise
        except OSError as error:
            raise AgentError("the session could not be reached") from error
        return connection

    def finish(self, reason: str) -> None:
        if not self.ended.done():
            self.ended.set_result(reason)
