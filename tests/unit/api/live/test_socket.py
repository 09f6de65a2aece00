import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cloche.api.live import socket as socket_module
from cloche.api.live.frames import Kind, Received
from cloche.api.live.socket import BURST_BYTES, FRAME_BYTES, READ_BYTES, LiveSocket
from cloche.wire.websocket import Opcode, encode_frame

MASK = b"\x01\x02\x03\x04"
PING = encode_frame(Opcode.PING, b"", MASK)
EMPTY_FRAGMENT = bytes([0x00]) + PING[1:]
BEGINNING = bytes([0x01]) + PING[1:]


class Transport:
    """What a socket asks of one. Never full."""

    def __init__(self) -> None:
        self.is_reading = False
        self.written = bytearray()

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False

    def set_write_buffer_limits(self, high: int) -> None: ...

    def set_protocol(self, protocol: object) -> None: ...

    def get_extra_info(self, name: str) -> Any:
        return NoSocket()


class NoSocket:
    def fileno(self) -> int:
        return -1


def begun(early: bytes = b"") -> tuple[LiveSocket, Transport, list[Received]]:
    live, transport, heard = LiveSocket(max_bytes=1000, patience_s=10, ping_every_s=10), Transport(), list[Received]()
    live.begin(transport, b"")  # type: ignore[arg-type]
    live.listen(heard.append, early)
    return live, transport, heard


def fill(live: LiveSocket, data: bytes) -> None:
    live.get_buffer(-1)[: len(data)] = data
    live.buffer_updated(len(data))


@pytest.mark.parametrize("frame", [PING, EMPTY_FRAGMENT], ids=["pings", "fragments"])
async def test_frames_that_say_nothing_are_read_no_faster_than_messages(
    frame: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_module, "BYTES_PER_SECOND", 1)  # nothing comes back while this runs, however slowly
    live, transport, _ = begun()
    fill(live, BEGINNING)
    count = 0
    while transport.is_reading:
        fill(live, frame * 200)
        count += 200
    assert count <= BURST_BYTES // FRAME_BYTES + 200
    assert not live.left.done(), "it is not closed, only made to wait"


async def test_what_comes_before_the_handshake_is_little_or_the_end() -> None:
    live, _, heard = begun(encode_frame(Opcode.TEXT, b"early", MASK))
    assert heard == [(Kind.TEXT, b"early")] and not live.left.done()
    live, transport, heard = begun(PING * READ_BYTES)
    assert live.left.done() and heard == [] and transport.written.endswith(b"protocol_error")


@asynccontextmanager
async def connected(heard: list[Received]) -> AsyncIterator[asyncio.StreamWriter]:
    """A client of a live socket behind a real connection."""

    class Door(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            transport.pause_reading()
            live = LiveSocket(max_bytes=1 << 20, patience_s=10, ping_every_s=10)
            live.begin(transport, b"")
            live.listen(heard.append)

    server = await asyncio.get_running_loop().create_server(Door, "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    try:
        yield writer
    finally:
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()


async def test_messages_larger_than_one_reading_come_whole() -> None:
    heard: list[Received] = []
    text = bytes(range(256)) * 400
    async with connected(heard) as writer:
        writer.write(encode_frame(Opcode.TEXT, text, MASK) + encode_frame(Opcode.TEXT, b"next", MASK))
        async with asyncio.timeout(10):
            while len(heard) < 2:
                await asyncio.sleep(0)
    assert heard == [(Kind.TEXT, text), (Kind.TEXT, b"next")]
