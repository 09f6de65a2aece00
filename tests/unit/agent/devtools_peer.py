"""A DevTools port that says what a test tells it to, on the loop of whoever asks it."""

import contextlib
import socket
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cloche.agent import streams
from cloche.agent.devtools import DevTools
from cloche.agent.loop import Loop
from cloche.wire.websocket import accept_value

PATH = "/devtools/browser/a-1"
T = TypeVar("T")
Answer = Callable[[bytes], Awaitable[bytes] | bytes]


def run(scene: Callable[[Loop], Awaitable[T]]) -> T:
    """Run a scene on a loop of its own; no task of it may fail."""
    failures: list[str] = []
    outcome: list[T] = []
    loop = Loop(lambda name, error: failures.append(f"{name}: {error!r}"))

    async def main() -> None:
        outcome.append(await scene(loop))

    loop.run(main())
    assert not failures
    return outcome[0]


def meet(answer: Callable[[bytes], list[bytes]], act: Callable[[Loop, DevTools], Awaitable[T]]) -> T:
    """Let `act` talk to a port where each connection's head is answered with these bytes, and then closed."""

    async def scene(loop: Loop) -> T:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            serving = loop.spawn(_serve(loop, listener, answer), "peer")
            try:
                return await act(loop, DevTools(listener.getsockname()[1], PATH, "Peer/1"))
            finally:
                await loop.stop(serving)

    return run(scene)


async def _serve(loop: Loop, listener: socket.socket, answer: Callable[[bytes], list[bytes]]) -> None:
    while True:
        with await streams.accept(loop, listener) as connection, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head and (data := await streams.receive(loop, connection, 65536)):
                head += data
            for piece in answer(head):
                await streams.send_all(loop, connection, piece)


def http(body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


def upgraded(head: bytes) -> bytes:
    key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0].decode()
    return f"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept_value(key)}\r\n\r\n".encode()
