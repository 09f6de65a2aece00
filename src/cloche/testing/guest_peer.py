"""An agent of the published guest protocol behind a unix socket, byte by byte, good or bad as a test wants it.

Written without `cloche.wire`: what both ends get wrong alike would look right.
"""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

from cloche.concurrency.tasks import cancel_and_wait, spawn

WAIT_S: Final = 5.0
WORKING: Final[dict[str, Any]] = {
    "Ping": "Pong",
    "WorkerStatus": {"WorkerStatus": {"status": "busy", "last_busy_at": "2026-03-14T10:00:00Z"}},
    "ProbeStatus": {
        "ProbeStatusReport": {
            "probes": [
                {"name": "disk", "healthy": True, "detail": "ok", "output": {"used": 42}, "checked_at": "10:00:01Z"},
                {"name": "swap", "healthy": False, "detail": "exit code 1", "checked_at": "10:00:02Z"},
            ]
        }
    },
    "IntegrationStatus": {
        "IntegrationStatusReport": {
            "integrations": [
                {
                    "name": "db",
                    "status": "active",
                    "last_checkpoint_at": None,
                    "state_size_bytes": 0,
                    "health": {"healthy": True, "detail": "ok", "checked_at": "10:00:03Z"},
                },
                {"name": "new", "status": "pending", "last_checkpoint_at": None, "health": None},
            ]
        }
    },
}
"""By verb, what one says in whose machine a probe fails and an integration has not been checked yet."""


class Silence:
    """In place of an answer or of a monitor's line: nothing comes, and the connection stays."""


SILENCE: Final = Silence()

Reply = Any
"""A JSON value, bytes as they are, None to hang up without a word, or SILENCE."""


def frame(value: object) -> bytes:
    body = json.dumps(value, separators=(",", ":")).encode()
    return struct.pack(">I", len(body)) + body


def answer_from(answers: dict[str, Any]) -> Callable[[Any], Reply]:
    """Answer by the request's name; hang up on what is not in `answers`, as the published agent does."""
    return lambda request: answers.get(request if isinstance(request, str) else next(iter(request)))


class GuestPeer:
    """Answers one request on each connection and hangs up. An async context manager.

    With `monitor` a connection begins with `CONNECT n`, and each of its replies is used once, the last for good.
    """

    def __init__(
        self, path: Path, answer: Callable[[Any], Reply] | None = None, *, monitor: tuple[Reply, ...] = ()
    ) -> None:
        self.path = path
        self.requests: list[Any] = []
        self.connects: list[bytes] = []
        self.connections = 0
        self._answer = answer or answer_from(WORKING)
        self._monitor = list(monitor)
        self._accepting: asyncio.Task[None] | None = None
        self._conversations: set[asyncio.Task[None]] = set()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)

    async def __aenter__(self) -> Self:
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._accepting = spawn(self._accept(), name="guest-peer-accept")
        return self

    async def __aexit__(self, *_: object) -> None:
        await cancel_and_wait(self._accepting, *self._conversations)
        self._listener.close()

    async def until_left(self) -> None:
        """Wait until everyone who was connected has hung up."""
        async with asyncio.timeout(WAIT_S):
            await asyncio.gather(*self._conversations)

    async def _accept(self) -> None:
        while True:
            connection, _ = await asyncio.get_running_loop().sock_accept(self._listener)
            self.connections += 1
            task = spawn(self._converse(connection), name="guest-peer")
            self._conversations.add(task)
            task.add_done_callback(self._conversations.discard)
            # A task that is cancelled before its first step never gets to close what it was given.
            task.add_done_callback(partial(_close, connection))

    async def _converse(self, connection: socket.socket) -> None:
        with contextlib.suppress(ConnectionError, EOFError):
            if self._monitor:
                self.connects.append(await self._line(connection))
                await self._reply(connection, self._monitor.pop(0) if len(self._monitor) > 1 else self._monitor[0])
            request = None
            while request is None or _is_greeting(request):
                (length,) = struct.unpack(">I", await _exactly(connection, 4))
                request = json.loads(await _exactly(connection, length))
                self.requests.append(request)
                await self._reply(connection, self._answer(request))

    async def _line(self, connection: socket.socket) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            line += await _exactly(connection, 1)
        return line

    async def _reply(self, connection: socket.socket, reply: Reply) -> None:
        """Send it. Raises EOFError where the conversation is over."""
        loop = asyncio.get_running_loop()
        if reply is SILENCE:
            while await loop.sock_recv(connection, 4096):
                pass
        if reply is None or reply is SILENCE:
            raise EOFError
        await loop.sock_sendall(connection, reply if isinstance(reply, bytes) else frame(reply))


def _close(connection: socket.socket, _: asyncio.Task[None]) -> None:
    connection.close()


def _is_greeting(request: Any) -> bool:
    return isinstance(request, dict) and "ProtocolHello" in request


async def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = await asyncio.get_running_loop().sock_recv(connection, size - len(data))
        if not more:
            raise EOFError
        data += more
    return data
