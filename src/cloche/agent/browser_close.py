"""Ask a browser to close itself: `Browser.close` of the DevTools protocol, over a WebSocket of our own (RFC 6455).

A signal is not enough: full Chromium takes SIGTERM for the end of a desktop session, and leaves without having written
its cookies and local storage. What answers may be anything by now, so nothing it says is believed beyond "I will".
"""

import base64
import json
import os
from socket import socket
from typing import Final

from cloche.agent import streams
from cloche.agent.devtools import DevTools
from cloche.agent.loop import Loop
from cloche.wire.websocket import FrameReader, Opcode, accept_value, encode_frame

_MAX_HEAD_BYTES: Final = 8 * 1024
_MAX_MESSAGE_BYTES: Final = 64 * 1024
_MAX_MESSAGES: Final = 64
"""What may be said before the answer: a browser tells nothing that was not asked for."""
_ID: Final = 1


async def ask_to_close(loop: Loop, devtools: DevTools, deadline: float) -> None:
    """Send Browser.close and wait until it is answered, or the connection ends, which is an answer too.

    Raises:
        OSError: nobody listens, or it does not answer in time (TimeoutError).
        ValueError: it is no WebSocket of DevTools, or it refuses.
    """
    sock = await streams.connect_loopback(loop, devtools.port, deadline)
    try:
        received = await _upgrade(loop, sock, devtools, deadline)
        request = json.dumps({"id": _ID, "method": "Browser.close"}).encode()
        await streams.send_all(loop, sock, encode_frame(Opcode.TEXT, request, os.urandom(4)), deadline)
        await _await_answer(loop, sock, received, deadline)
    finally:
        sock.close()


async def _upgrade(loop: Loop, sock: socket, devtools: DevTools, deadline: float) -> bytes:
    """Open the WebSocket (RFC 6455, section 4.1); return what came behind the head of the answer."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        f"GET {devtools.path} HTTP/1.1",
        f"Host: 127.0.0.1:{devtools.port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
    )
    await streams.send_all(loop, sock, "\r\n".join((*lines, "", "")).encode(), deadline)
    received = b""
    while b"\r\n\r\n" not in received:
        if len(received) > _MAX_HEAD_BYTES:
            raise ValueError("head too long")
        data = await streams.receive(loop, sock, _MAX_HEAD_BYTES, deadline)
        if not data:
            raise ValueError("no WebSocket")
        received += data
    head, _, rest = received.partition(b"\r\n\r\n")
    status, *fields = head.split(b"\r\n")
    accepted = [value.strip() for name, _, value in map(_split, fields) if name == b"sec-websocket-accept"]
    if status.split(b" ")[1:2] != [b"101"] or accepted != [accept_value(key).encode()]:
        raise ValueError("no WebSocket")
    return rest


def _split(field: bytes) -> tuple[bytes, bytes, bytes]:
    name, colon, value = field.partition(b":")
    return name.strip().lower(), colon, value


async def _await_answer(loop: Loop, sock: socket, received: bytes, deadline: float) -> None:
    reader = FrameReader(from_client=False, max_bytes=_MAX_MESSAGE_BYTES)
    reader.feed(received)
    seen = 0
    while True:
        while (message := reader.next_message()) is not None:
            seen += 1
            if message.opcode is Opcode.CLOSE or (message.opcode is Opcode.TEXT and _is_answer(message.data)):
                return
            if seen > _MAX_MESSAGES:
                raise ValueError("no answer")
        try:
            data = await streams.receive(loop, sock, 16 * 1024, deadline)
        except ConnectionResetError:
            return  # it is gone already
        if not data:
            return
        reader.feed(data)


def _is_answer(data: bytes) -> bool:
    """Raises: ValueError: it refuses, or this is no JSON."""
    try:
        value = json.loads(data)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(value, dict) or value.get("id") != _ID:
        return False
    if "error" in value:
        raise ValueError("refused")
    return True
