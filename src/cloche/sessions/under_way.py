"""What is being asked of one session's agent: all of it ends with the session, and says that it did."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol

from cloche.errors import AgentError, SandboxError


class Staying(Protocol):
    def require_staying(self) -> None:
        """Raises: GoneError when the session ends."""
        ...


class UnderWay:
    """Owned by a session's runner, through those who ask its agent."""

    def __init__(self, owner: Staying) -> None:
        self._owner = owner
        self._questions: set[asyncio.Timeout] = set()
        self._streams: set[socket.socket] = set()

    def give_up(self) -> None:
        """The session is left: nobody waits for its agent any longer. Everything under way raises GoneError."""
        for question in self._questions:
            if not question.expired():
                question.reschedule(asyncio.get_running_loop().time())
        for stream in self._streams:
            with contextlib.suppress(OSError):  # the agent may have ended it
                stream.shutdown(socket.SHUT_RDWR)

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """Whatever a question fails of: when the session is ending that is the reason. For one task."""
        with self.telling():
            async with asyncio.timeout(None) as question:
                self._questions.add(question)
                try:
                    yield
                finally:
                    self._questions.remove(question)

    @contextmanager
    def reading(self, stream: socket.socket) -> Iterator[None]:
        """Read on from `stream`, in whichever task, until this block or the session ends."""
        with self.telling():
            self._streams.add(stream)
            try:
                yield
            finally:
                self._streams.remove(stream)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Raise the session's end in place of what came of it."""
        try:
            yield
        except SandboxError:
            self._owner.require_staying()
            raise
        except OSError as error:
            self._owner.require_staying()
            raise AgentError("the session could not be reached") from error
