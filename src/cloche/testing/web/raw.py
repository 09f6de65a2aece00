"""Ports that misbehave below HTTP, and UDP canaries for what should never leave a sandbox."""

import asyncio
import functools
import socket
import struct
from dataclasses import dataclass
from typing import Final

from cloche.testing.web.log import Datagram, WebLog

UDP_CANARY_PORTS: Final = (53, 443, 3478, 19302)
"""DNS, QUIC, STUN and the STUN port that browsers are often pointed at."""

MAX_HEAD_BYTES: Final = 64 * 1024

_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""struct linger {on, 0 s}: close() sends RST instead of FIN (socket(7))."""


@dataclass(frozen=True, slots=True)
class RawPorts:
    """The ports of the misbehaving listeners, as they were given by the kernel."""

    silent: int
    """Accepts and never says a word."""
    reset: int
    """Reads a request head, then resets the connection."""
    garbage: int
    """Answers with bytes that are no HTTP."""


async def serve_raw(host: str) -> tuple[RawPorts, list[asyncio.Server]]:
    """Start the three listeners on `host`; whoever calls closes them."""
    servers = [await asyncio.start_server(handler, host, 0) for handler in (_silent, _reset, _garbage)]
    ports = [int(server.sockets[0].getsockname()[1]) for server in servers]
    return RawPorts(*ports), servers


async def listen_for_datagrams(host: str, log: WebLog) -> list[asyncio.DatagramTransport]:
    """Open the UDP canaries on `host`. They answer nothing and write down everything."""
    loop = asyncio.get_running_loop()
    transports = []
    for port in UDP_CANARY_PORTS:
        canary = functools.partial(_Canary, port, log)
        transport, _ = await loop.create_datagram_endpoint(canary, local_addr=(host, port))
        transports.append(transport)
    return transports


class _Canary(asyncio.DatagramProtocol):
    def __init__(self, port: int, log: WebLog) -> None:
        self._port = port
        self._log = log

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._log.add(Datagram(self._port, addr[0], data))


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await reader.read(65536):
            pass
    finally:
        writer.close()


async def _reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(MAX_HEAD_BYTES)
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.close()


async def _garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(MAX_HEAD_BYTES)
    writer.write(bytes(range(256)))
    writer.close()
