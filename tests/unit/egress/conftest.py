"""Real peers on loopback for the gateway's tests, and the choice of event loops.

Modules that say `BOTH_LOOPS = True` run under uvloop, as the daemon does, and under asyncio's own loop.
"""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import pytest
import uvloop

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.egress.connect import dial
from cloche.egress.lookups import NameNotFoundError


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    module = item.getparent(pytest.Module)
    if module is not None and getattr(module.obj, "BOTH_LOOPS", False):
        return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


Handler = Callable[[socket.socket], Coroutine[Any, Any, None]]


class Peers:
    """Servers of one test: each runs a handler per connection, all are ended with the test."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self.accepted = 0

    async def listen(self, handler: Handler) -> int:
        """Serve on a free port of 127.0.0.1 and return it."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        listener.setblocking(False)
        port: int = listener.getsockname()[1]
        self._start(self._accept(listener, handler))
        return port

    async def close(self) -> None:
        await cancel_and_wait(*self._tasks)

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = spawn(coroutine, name="peer")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, listener: socket.socket, handler: Handler) -> None:
        with listener:
            while True:
                client, _ = await asyncio.get_running_loop().sock_accept(listener)
                self.accepted += 1
                self._start(self._handle(client, handler))

    async def _handle(self, client: socket.socket, handler: Handler) -> None:
        with client, suppress(OSError, EOFError):
            await handler(client)


@pytest.fixture
async def peers() -> AsyncIterator[Peers]:
    started = Peers()
    yield started
    await started.close()


async def echo(sock: socket.socket) -> None:
    """Send everything back, and end when the other side has."""
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(sock, 65536):
        await loop.sock_sendall(sock, data)


@pytest.fixture
async def echo_port(peers: Peers) -> int:
    return await peers.listen(echo)


async def exactly(sock: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        piece = await asyncio.get_running_loop().sock_recv(sock, count - len(received))
        if not piece:
            raise EOFError(received)
        received += piece
    return received


class Proxy:
    """A chained proxy: SOCKS5 (RFC 1928, 1929) and HTTP CONNECT, with what can go wrong in one.

    Whatever it is asked for it connects to `destination_port` of loopback, and remembers what it was asked.
    """

    def __init__(self, destination_port: int) -> None:
        self.destination_port = destination_port
        self.asked: list[str] = []
        self.credentials: list[str] = []
        self.socks_reply = 0
        self.http_response = [b"HTTP/1.1 200 Connection established\r\nX-Via: test\r\n\r\n"]

    async def socks5(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        methods = await exactly(client, (await exactly(client, 2))[1])
        if 2 in methods:
            await loop.sock_sendall(client, b"\x05\x02")
            user = await exactly(client, (await exactly(client, 2))[1])
            password = await exactly(client, (await exactly(client, 1))[0])
            self.credentials.append(f"{user.decode()}:{password.decode()}")
            await loop.sock_sendall(client, b"\x01\x00")
        else:
            await loop.sock_sendall(client, b"\x05\x00")
        kind = (await exactly(client, 4))[3]
        if kind == 3:
            host = (await exactly(client, (await exactly(client, 1))[0])).decode()
        else:
            family, size = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
            host = socket.inet_ntop(family, await exactly(client, size))
        port = int.from_bytes(await exactly(client, 2), "big")
        self.asked.append(f"{host}:{port}")
        await loop.sock_sendall(client, bytes((5, self.socks_reply, 0, 1, 127, 0, 0, 1, 0, 0)))
        if self.socks_reply == 0:
            await self._relay(client)

    async def http(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await exactly(client, 1)
        lines = head.decode().split("\r\n")
        self.asked.append(lines[0])
        for line in lines:
            if line.startswith("Proxy-Authorization: Basic "):
                self.credentials.append(base64.b64decode(line.rpartition(" ")[2]).decode())
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in self.http_response:
            await loop.sock_sendall(client, piece)
            await asyncio.sleep(0.01)  # apart on the wire: a pause is what makes them two segments
        if self.http_response[0].startswith(b"HTTP/1.1 2"):
            await self._relay(client)

    async def _relay(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as onward:
            onward.setblocking(False)
            await loop.sock_connect(onward, ("127.0.0.1", self.destination_port))
            await asyncio.gather(_copy(client, onward), _copy(onward, client))


async def _copy(source: socket.socket, sink: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(source, 65536):
        await loop.sock_sendall(sink, data)
    sink.shutdown(socket.SHUT_WR)


@pytest.fixture
async def proxy(echo_port: int) -> Proxy:
    return Proxy(echo_port)


class Names(dict[str, list[str]]):
    """A lookup that answers from itself and can be changed between two questions."""

    def __init__(self, **names: list[str]) -> None:
        super().__init__({name.replace("_", "."): addresses for name, addresses in names.items()})
        self.asked: list[str] = []

    async def __call__(self, name: str) -> list[IPv4Address | IPv6Address]:
        self.asked.append(name)
        if name not in self:
            raise NameNotFoundError(name)
        return [ip_address(text) for text in self[name]]


class Dialled:
    """A dialler that notes the addresses it was given and really connects to loopback."""

    def __init__(self) -> None:
        self.addresses: list[list[str]] = []
        self.port: int | None = None
        """Where to connect instead of the port asked for."""

    async def __call__(
        self, addresses: Sequence[IPv4Address | IPv6Address], port: int, *, timeout_s: float
    ) -> socket.socket:
        self.addresses.append([str(address) for address in addresses])
        return await dial([IPv4Address("127.0.0.1")], self.port or port, timeout_s=timeout_s)


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
def dialled() -> Dialled:
    return Dialled()
