"""Bytes on their way into a session, and what a session's events say of them."""

from collections.abc import AsyncGenerator

from fastapi import Request
from starlette.requests import ClientDisconnect

from cloche.errors import InvalidError
from cloche.sessions.interface import SessionMachine
from cloche.sessions.model import EventType
from cloche.sessions.principal import Principal


class IncomingBody:
    """A request's body, read as it is asked for and never ahead."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.bytes = 0
        """What has come of it."""

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Raises: InvalidError, TooLargeError (see `api.limits`)."""
        try:
            async for piece in self._request.stream():
                self.bytes += len(piece)
                if piece:
                    yield piece
        except ClientDisconnect:
            raise InvalidError("the body was broken off") from None


def note(machine: SessionMachine, caller: Principal, action: str, size: int | None = None) -> None:
    """Tell in the session's events who did what, with how many bytes; never with which file."""
    machine.note(EventType.MACHINE_FILES, {"by": caller.name, "action": action, "bytes": size})
