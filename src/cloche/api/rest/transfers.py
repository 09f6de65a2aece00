"""Bytes on their way into a session, and what a session's events say of them."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from cloche.errors import AgentError, InvalidError
from cloche.sessions.interface import MachineRequest, SessionMachine
from cloche.sessions.machine_errors import read_object
from cloche.sessions.model import EventType
from cloche.sessions.principal import Principal
from cloche.wire.machine import MAX_JSON_BYTES
from cloche.wire.messages import Payload

WRITE_ANSWER_S: Final = 60.0


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


async def send_body(
    machine: SessionMachine, request: MachineRequest, body: AsyncGenerator[bytes], *, answer_s: float = WRITE_ANSWER_S
) -> Payload:
    """Send a body as it comes and read the answer. Raises: what `body` raises, and what the machine does."""
    async with aclosing(body), machine.open(request, body, timeout_s=answer_s) as answer:
        return read_object(await _read_small(answer.body))


def note(machine: SessionMachine, caller: Principal, action: str, size: int | None = None) -> None:
    """Tell in the session's events who did what, with how many bytes; never with which file."""
    machine.note(EventType.MACHINE_FILES, {"by": caller.name, "action": action, "bytes": size})


async def _read_small(body: AsyncIterator[bytes]) -> bytes:
    read = bytearray()
    async for piece in body:
        read += piece
        if len(read) > MAX_JSON_BYTES:
            raise AgentError("the agent's answer is too large")
    return bytes(read)
