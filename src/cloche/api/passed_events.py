"""An agent's server-sent events, passed on as they come (WHATWG HTML, section 9.2)."""

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from typing import Final

from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cloche.api.rest.events import until_stream_ends
from cloche.api.taking import send_piece
from cloche.api.while_connected import while_connected
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import BusyError, ClocheError, UnauthenticatedError
from cloche.sessions.interface import MachineAnswer

_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
"""The last keeps a proxy in front from collecting events before it passes them on."""


class PassedEvents(Response):
    """Opens the agent's answer when it is called, so that a refusal is still a problem; ends with it, with the client,
    with the key it was asked for with, and when the server stops.

    An answer that breaks off between two events is ended with one more, `{"event": "error", "code", …}`, without an
    id: whoever comes back goes on after the last it has. Within an event, and when the client takes no more, the
    connection is closed before the stream's end.
    """

    media_type = "text/event-stream"

    def __init__(self, opening: AbstractAsyncContextManager[MachineAnswer], request: Request) -> None:
        super().__init__()
        self._opening = opening
        self._request = request
        self._has_begun = False
        self._last = b"\n\n"
        """The last bytes that were sent."""
        self._is_sending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await while_connected(self._request, self._serve(send))

    async def _serve(self, send: Send) -> None:
        passing = spawn(self._pass(send), name="events-pass")
        stop = spawn(until_stream_ends(self._request), name="events-stop")
        try:
            await asyncio.wait({passing, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not passing.done():
                if self._request.app.state.stopping.is_set():
                    raise BusyError("the server is stopping")
                raise UnauthenticatedError("the key is no longer valid")
            passing.result()
        except ClocheError as error:
            if not self._has_begun:
                raise
            if self._is_sending or self._last != b"\n\n":
                return  # without the last message: the server closes the connection
            await cancel_and_wait(passing)
            await send_piece(send, _error_event(error))
        finally:
            await cancel_and_wait(passing, stop)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pass(self, send: Send) -> None:
        async with self._opening as answer:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            self._has_begun = True
            async for piece in answer.body:
                await self._send(send, piece)

    async def _send(self, send: Send, piece: bytes) -> None:
        self._is_sending = True
        await send_piece(send, piece)
        self._last = (self._last + piece)[-2:]
        self._is_sending = False


def _error_event(error: ClocheError) -> bytes:
    told = {"event": "error", "code": error.code, "message": error.detail, "reason": error.fields.get("reason")}
    return f"data: {json.dumps(told, separators=(',', ':'))}\n\n".encode()
