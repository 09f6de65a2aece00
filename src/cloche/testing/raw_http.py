"""HTTP/1.1 byte by byte: for requests that no client library would send."""

import asyncio
import json as json_module
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """The first answer on a connection. `status` 0: the server closed without one."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json_module.loads(self.body)
        except ValueError:
            return None


async def exchange(base_url: str, data: bytes, *, timeout_s: float = TIMEOUT_S) -> RawAnswer:
    """Send exactly `data`, and read until the server closes. The request should ask for `Connection: close`."""
    reader, writer = await asyncio.open_connection(*_address(base_url))
    try:
        async with asyncio.timeout(timeout_s):
            writer.write(data)
            return parse(await _read_all(reader))
    finally:
        await _close(writer)


async def send_and_vanish(base_url: str, data: bytes, *, once: asyncio.Event | None = None) -> None:
    """Send `data` and reset the connection, at once or `once` something is so, without reading a byte."""
    reader, writer = await asyncio.open_connection(*_address(base_url))
    writer.write(data)
    await writer.drain()
    if once is not None:
        await once.wait()
    writer.transport.abort()
    await _close(writer)
    del reader


def head(method: str, target: str, *fields: str) -> bytes:
    """A request head; `fields` are whole lines such as `Host: x`."""
    return "\r\n".join([f"{method} {target} HTTP/1.1", *fields, "", ""]).encode("latin-1")


def parse(data: bytes) -> RawAnswer:
    start, _, body = data.partition(b"\r\n\r\n")
    if not start:
        return RawAnswer(0, {}, b"")
    status, *lines = start.decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in lines)
    return RawAnswer(int(status.split(" ")[1]), {name.lower(): value.strip() for name, _, value in fields}, body)


async def _read_all(reader: asyncio.StreamReader) -> bytes:
    received = b""
    try:
        while piece := await reader.read(64 * 1024):
            received += piece
    except ConnectionResetError:
        # A server that refuses a body without reading it resets behind its answer.
        return received
    return received


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        await writer.wait_closed()
    except OSError:
        return  # it was gone already


def _address(base_url: str) -> tuple[str, int]:
    parts = urlsplit(base_url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port
