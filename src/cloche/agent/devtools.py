"""Chromium's DevTools port, seen from inside: when it answers, and what it says it is.

Chromium writes `DevToolsActivePort` (port, newline, browser path) into its profile once it listens. The profile is
the guest's to write, so the file is read as hostile input: no symlink, no pipe that would block us, a few bytes.
"""

import contextlib
import json
import os
import re
import stat
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from cloche.agent import streams
from cloche.agent.loop import Loop

_BROWSER_PATH: Final = re.compile(r"/devtools/browser/[A-Za-z0-9-]{1,64}")
_REVISION: Final = re.compile(r"\((@[0-9a-f]{1,40})\)")
_MAX_FILE_BYTES: Final = 1024
MAX_ANSWER_BYTES: Final = 64 * 1024
_MAX_HEAD_BYTES: Final = 8 * 1024
_ATTEMPT_S: Final = 5.0
# Tight while a start is young: a browser is there after 60–150 ms, and a user waits for it.
_TIGHT_POLL_S: Final = 0.003
_LOOSE_POLL_S: Final = 0.02
_TIGHT_FOR_S: Final = 1.0


class DevTools(NamedTuple):
    port: int
    path: str
    """Of the browser's WebSocket: `/devtools/browser/…`."""
    product: str
    """`Chrome/156.0.…`"""
    revision: str = ""
    """Of Chromium's source: `@` and a hash, from `WebKit-Version` in `/json/version`. Empty where it has none."""


async def wait_until_ready(
    loop: Loop,
    user_data_dir: str,
    deadline: float,
    is_it: Callable[[DevTools], bool] = lambda _found: True,
    agreed_port: int = 0,
) -> DevTools:
    """Wait for the port file, then for an answer on the port it names, from the browser that `is_it` means.

    `agreed_port` is asked as long as there is no file: full Chromium writes one only for a port of its own choice.

    Raises:
        TimeoutError: not by the deadline.
    """
    started_at = time.monotonic()
    while (now := time.monotonic()) < deadline:
        port = read_active_port(user_data_dir) or agreed_port
        if port:
            with contextlib.suppress(OSError, ValueError):  # not listening yet, or not answering in full yet
                found = await ask_version(loop, port, min(deadline, now + _ATTEMPT_S))
                if is_it(found):
                    return found
        await loop.sleep(_TIGHT_POLL_S if now - started_at < _TIGHT_FOR_S else _LOOSE_POLL_S)
    raise TimeoutError


def read_active_port(user_data_dir: str) -> int | None:
    """Return the port in DevToolsActivePort, or None while it is missing or half written."""
    try:
        fd = os.open(f"{user_data_dir}/DevToolsActivePort", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None
        text = os.read(fd, _MAX_FILE_BYTES)
    except OSError:
        return None
    finally:
        os.close(fd)
    number, newline, _ = text.partition(b"\n")
    if not newline or not number.isdigit() or len(number) > 5 or not 0 < int(number) < 65536:
        return None
    return int(number)


async def ask_version(loop: Loop, port: int, deadline: float) -> DevTools:
    """GET /json/version.

    Raises:
        OSError: nobody listens, or it hung up. TimeoutError is one of these.
        ValueError: the answer is not what a browser says.
    """
    return parse_version(await ask(loop, port, "GET", "/json/version", deadline), port)


async def ask(
    loop: Loop, port: int, method: str, target: str, deadline: float, max_bytes: int = MAX_ANSWER_BYTES
) -> bytes:
    """Ask one thing of the HTTP side of DevTools; return the body of the answer.

    Raises:
        OSError: nobody listens, or it hung up. TimeoutError is one of these.
        ValueError: the answer is no 200 with a length, or a larger one.
    """
    sock = await streams.connect_loopback(loop, port, deadline)
    try:
        request = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
        await streams.send_all(loop, sock, request.encode(), deadline)
        response = bytearray()
        while (body := response_body(response, max_bytes)) is None:
            if len(response) > max_bytes + _MAX_HEAD_BYTES:
                raise ValueError("answer too long")
            data = await streams.receive(loop, sock, 64 * 1024, deadline)
            if not data:
                raise ValueError("answer cut short")
            response += data
    finally:
        sock.close()
    return body


def response_body(response: bytes | bytearray, max_bytes: int = MAX_ANSWER_BYTES) -> bytes | None:
    """Return the body of an HTTP/1.1 200 response with a Content-Length, or None while it is incomplete.

    Raises:
        ValueError: any other response.
    """
    end = response.find(b"\r\n\r\n", 0, _MAX_HEAD_BYTES)
    if end < 0:
        if len(response) > _MAX_HEAD_BYTES:
            raise ValueError("head too long")
        return None
    status, *headers = bytes(response[:end]).split(b"\r\n")
    if status.split(b" ")[1:2] != [b"200"]:
        raise ValueError("not a 200")
    for header in headers:
        name, _, value = header.partition(b":")
        if name.strip().lower() == b"content-length":
            length, start = int(value), end + 4
            if not 0 <= length <= max_bytes:
                raise ValueError("answer too long")
            return bytes(response[start : start + length]) if len(response) - start >= length else None
    raise ValueError("no Content-Length")


def parse_version(body: bytes, port: int) -> DevTools:
    try:
        value = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deep") from None
    url, product = (
        (value.get(key) for key in ("webSocketDebuggerUrl", "Browser")) if isinstance(value, dict) else ("", "")
    )
    if not isinstance(url, str) or not isinstance(product, str):
        raise ValueError("not a version")
    _, scheme, rest = url.partition("://")
    path = "/" + rest.partition("/")[2]
    if not scheme or not _BROWSER_PATH.fullmatch(path):
        raise ValueError("no browser path")
    revision = _REVISION.search(str(value.get("WebKit-Version", "")))
    return DevTools(port, path, product[:64], revision[1] if revision else "")
