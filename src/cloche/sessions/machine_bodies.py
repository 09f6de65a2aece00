"""Bodies on their way into a session's machine API, whoever sends them: a door, or the daemon a profile."""

import base64
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Final

from cloche.errors import AgentError
from cloche.sessions.interface import MachineRequest, SessionMachine
from cloche.sessions.machine_errors import read_object
from cloche.wire.machine import MAX_JSON_BYTES
from cloche.wire.messages import Payload
from cloche.wire.upload import encode_begin, encode_data, encode_finish

WRITE_ANSWER_S: Final = 60.0


async def send_body(
    machine: SessionMachine, request: MachineRequest, body: AsyncGenerator[bytes], *, answer_s: float = WRITE_ANSWER_S
) -> Payload:
    """Send a body as it comes and read the answer. Raises: what `body` raises, and what the machine does."""
    async with aclosing(body), machine.open(request, body, timeout_s=answer_s) as answer:
        return read_object(await _read_small(answer.body))


async def archive_records(pieces: AsyncIterator[bytes], fields: dict[str, Any]) -> AsyncGenerator[bytes]:
    """One archive as the records that the agent takes, and at the end what is to be done with it."""
    yield encode_begin(0)
    async for piece in pieces:
        yield encode_data(piece)
    yield encode_finish(fields)


def archive_fields(dest: bytes, *, strip_components: int = 0, replace: bool = False) -> dict[str, Any]:
    """Where an archive goes, and how."""
    return {
        "dest_b64": base64.b64encode(dest).decode(),
        "strip_components": strip_components,
        "replace": replace,
    }


async def _read_small(body: AsyncIterator[bytes]) -> bytes:
    read = bytearray()
    async for piece in body:
        read += piece
        if len(read) > MAX_JSON_BYTES:
            raise AgentError("the agent's answer is too large")
    return bytes(read)
