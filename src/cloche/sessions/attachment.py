"""A client's place in a running session: what the doors hold while they serve someone."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from cloche.agent_link import streams
from cloche.errors import AgentError, ClocheError, ConflictError, GoneError, SandboxError
from cloche.sessions.resting import HIBERNATED

BROWSER_RESTARTING: Final = "browser_restarting"
BROWSER_STOPPED: Final = streams.BROWSER_STOPPED
"""These end an attachment whose session goes on."""


@dataclass(eq=False, slots=True)
class RunnerAttachment:
    """See `sessions.interface.Attachment`. Made by the runner, which ends it with `finish`."""

    dial_devtools: Callable[[], Awaitable[tuple[socket.socket, str]]]
    browser_path: str = ""
    ended: "asyncio.Future[str]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def dial(self) -> socket.socket:
        try:
            connection, self.browser_path = await self.dial_devtools()
        except SandboxError:
            raise
        except OSError as error:
            raise AgentError("the session could not be reached") from error
        if self.ended.done() and self.ended.result() in (BROWSER_RESTARTING, BROWSER_STOPPED):
            # That was the browser before, perhaps while this dial waited for the next. Should it be this one after
            # all, its connection ends by itself.
            self.ended = asyncio.get_running_loop().create_future()
        return connection

    def finish(self, reason: str) -> None:
        if not self.ended.done():
            self.ended.set_result(reason)


def gone(reason: str) -> ClocheError:
    """What is told to whoever asks something of a runner that has been left."""
    if reason == HIBERNATED:
        return ConflictError("the session has just been hibernated: ask again", reason="session_hibernated")
    return GoneError("the session has ended", reason=reason)


class Changed(Protocol):
    def __call__(self, change: int, *, quiet: bool) -> None:
        """Someone came (1) or went (-1)."""
        ...


class Attachments:
    """Who is in one session. Owned by its runner."""

    def __init__(self, dial_devtools: Callable[[], Awaitable[tuple[socket.socket, str]]], changed: Changed) -> None:
        self._dial_devtools = dial_devtools
        self._changed = changed
        self._inside: set[RunnerAttachment] = set()

    def __len__(self) -> int:
        return len(self._inside)

    @asynccontextmanager
    async def enter(self, *, quiet: bool) -> AsyncIterator[RunnerAttachment]:
        attachment = RunnerAttachment(self._dial_devtools)
        self._inside.add(attachment)
        self._changed(1, quiet=quiet)
        try:
            yield attachment
        finally:
            self._inside.discard(attachment)
            self._changed(-1, quiet=quiet)

    def finish(self, reason: str) -> None:
        """Tell everyone inside why it is over."""
        for attachment in tuple(self._inside):
            attachment.finish(reason)
