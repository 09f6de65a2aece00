"""Speak HTTP with Chromium by hand on a dialled socket: the handshake's answer, and small `/json/…` answers."""

import asyncio
import socket
from typing import Final

from cloche.api.devtools_door.head import (
    CHROMIUM_HOST,
    END,
    MAX_HEAD_BYTES,
    Head,
    content_length,
    parse_answer,
)
from cloche.errors import AgentError, DeadlineError

TIMEOUT_S: Final = 10.0
MAX_BODY_BYTES: Final = 8 * 1024 * 1024
"""`/json/protocol` alone is more than a megabyte."""

_CHUNK: Final = 64 * 1024


async def ask(
    browser: socket.socket, request: bytes, *, timeout_s: float = TIMEOUT_S
) -> tuple[int, Head, bytes, bytes]:
    """Send a request head; return status, head, its raw bytes, and what came after it.

    Raises: AgentError: the browser broke off or its answer is not HTTP; DeadlineError.
    """
    loop = asyncio.get_running_loop()
    received = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            await loop.sock_sendall(browser, request)
            while (end := received.find(END)) < 0:
                if len(received) > MAX_HEAD_BYTES:
                    raise AgentError("the browser's answer was not understood")
                received += await _receive(browser)
    except TimeoutError:
        raise DeadlineError("the browser did not answer in time") from None
    raw = bytes(received[: end + len(END)])
    status, head = parse_answer(raw)
    return status, head, raw, bytes(received[end + len(END) :])


async def fetch(browser: socket.socket, method: str, target: str, *, timeout_s: float = TIMEOUT_S) -> tuple[int, bytes]:
    """One request without a body; `target` is printable ASCII without spaces. Raises: AgentError, DeadlineError."""
    request = f"{method} {target} HTTP/1.1\r\nHost: {CHROMIUM_HOST}\r\nConnection: close\r\n\r\n".encode("ascii")
    try:
        async with asyncio.timeout(timeout_s):
            status, head, _, body = await ask(browser, request, timeout_s=timeout_s)
            return status, await read_body(browser, head, body, MAX_BODY_BYTES)
    except TimeoutError:
        raise DeadlineError("the browser did not answer in time") from None


async def read_body(peer: socket.socket, head: Head, received: bytes, limit: int) -> bytes:
    """Read the rest of a body of which `received` has come with the head. Raises: AgentError, DeadlineError."""
    length, body = content_length(head, limit), bytearray(received)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            while len(body) < length:
                body += await _receive(peer)
    except TimeoutError:
        raise DeadlineError("the answer did not come in time") from None
    return bytes(body[:length])


async def _receive(browser: socket.socket) -> bytes:
    try:
        data = await asyncio.get_running_loop().sock_recv(browser, _CHUNK)
    except OSError as error:
        raise AgentError("the browser broke off its answer") from error
    if not data:
        raise AgentError("the browser broke off its answer")
    return data
