"""The far end of an agent link, byte by byte: what a test holds to be a good or a bad agent."""

import asyncio
import contextlib
import json
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.wire import ndjson
from cloche.wire.messages import Command, FromAgent, agent_message, parse_command

WAIT_S = 5.0


class LinkPeer:
    """Dials a link socket when entered and hangs up when left. Reads only when it is asked to."""

    def __init__(self, path: Path, session_id: str) -> None:
        self.path = path
        self._session_id = session_id
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._decoder = ndjson.LineDecoder()
        self._commands: deque[Command] = deque()
        self._blocked = asyncio.Event()

    async def __aenter__(self) -> Self:
        try:
            await asyncio.get_running_loop().sock_connect(self._socket, str(self.path))
        except BaseException:
            self._socket.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.hang_up()

    async def hang_up(self) -> None:
        self._socket.close()

    def send_now(self, data: bytes) -> None:
        """Send without a turn of the loop; there must be room for it."""
        self._socket.send(data)

    def shut(self) -> None:
        """Hang up, and let whoever waits in `next_command` know."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def encode(self, type_: str, payload: dict[str, Any]) -> bytes:
        return ndjson.encode(agent_message(type_, self._session_id, datetime.now(UTC), payload))

    async def send(self, type_: str, payload: dict[str, Any] | None = None) -> None:
        await self.send_raw(self.encode(type_, payload or {}))

    async def register(self, token: str, **more: Any) -> None:
        await self.send(FromAgent.REGISTER, {"token": token, **more})

    async def send_raw(self, data: bytes, *, may_fail: bool = False) -> None:
        """Send bytes as they are. With `may_fail` the other side may hang up meanwhile."""
        with contextlib.suppress(OSError) if may_fail else contextlib.nullcontext():
            async with asyncio.timeout(WAIT_S):
                await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def next_command(self, *, timeout_s: float = WAIT_S) -> Command:
        """Raises: EOFError when the other side has hung up."""
        async with asyncio.timeout(timeout_s):
            while not self._commands:
                data = await asyncio.get_running_loop().sock_recv(self._socket, 65_536)
                if not data:
                    raise EOFError
                for item in self._decoder.feed(data):
                    assert not isinstance(item, ndjson.BadLine), item
                    self._commands.append(parse_command(item))
        return self._commands.popleft()

    async def until_hung_up(self) -> None:
        """Read on until the other side has closed or reset the connection."""
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                await self.next_command()

    def flood(self, line: bytes) -> Callable[[], Awaitable[None]]:
        """Send one line over and over as fast as it is taken; what is returned stops it."""
        task = spawn(self._flood(line * 50), name="flood")
        return lambda: cancel_and_wait(task)

    async def until_blocked(self) -> None:
        """Wait until a flood meets a full socket buffer."""
        async with asyncio.timeout(WAIT_S):
            await self._blocked.wait()

    async def _flood(self, data: bytes) -> None:
        loop, rest = asyncio.get_running_loop(), data
        while True:
            try:
                rest = rest[self._socket.send(rest) :] or data
                await asyncio.sleep(0)
            except BlockingIOError:
                self._blocked.set()
                writable = asyncio.Event()
                loop.add_writer(self._socket, writable.set)
                try:
                    await writable.wait()
                finally:
                    loop.remove_writer(self._socket)


def http_answer(body: object, *, status: int = 200) -> bytes:
    """What an agent's HTTP API writes."""
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content
