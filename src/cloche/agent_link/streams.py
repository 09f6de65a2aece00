"""Streams to an agent through its guest socket, and the descriptors that come back on them."""

import array
import asyncio
import contextlib
import os
import re
import socket
import struct
from typing import Final

from cloche.errors import AgentError, ConflictError, DeadlineError
from cloche.wire.agent_config import DEVTOOLS_PORT, EGRESS_PORT
from cloche.wire.preface import MAX_PREFACE_BYTES, Answer, Preface, PrefaceError, StreamKind, parse_answer

BROWSER_STOPPED: Final = "browser_stopped"
ANSWER_SLACK_S: Final = 2.0
"""How much longer than its own `wait_s` an agent may take to answer."""

_BROWSER_PATH: Final = re.compile(r"/devtools/browser/[A-Za-z0-9-]{1,64}")

_INT_BYTES: Final = array.array("i").itemsize


async def open_devtools(guest: socket.socket, *, wait_s: float) -> tuple[socket.socket, str]:
    """Ask for a DevTools connection; `guest` is a fresh connection to the guest socket and is closed here.

    Returns the non-blocking socket connected to Chromium and the browser endpoint's path (`/devtools/browser/…`).

    Raises:
        AgentError: the agent refused, or handed over something else.
        ConflictError: the browser was stopped on request (`browser_stopped`).
        DeadlineError: no browser within `wait_s`.
    """
    answer, connection = await _ask(guest, Preface(StreamKind.DEVTOOLS, passes_descriptor=True, wait_s=wait_s))
    if connection is None:
        raise AgentError("the agent handed over no connection")
    try:
        _require(connection, listening=False)
        if connection.getpeername() != ("127.0.0.1", DEVTOOLS_PORT):
            raise AgentError("the agent handed over a connection to something else")
        # The path goes into a request head: what is not exactly a path must not get there.
        if not _BROWSER_PATH.fullmatch(answer.devtools_path):
            raise AgentError("the agent named no browser endpoint")
    except (AgentError, OSError) as error:
        close_foreign(connection)
        raise AgentError("the agent handed over an unusable connection") from error
    return connection, answer.devtools_path


async def open_egress(guest: socket.socket) -> socket.socket:
    """Ask for the listening socket of the sandbox's 127.0.0.1:1080; `guest` is closed here.

    Raises:
        AgentError: the agent refused, or handed over something that does not listen there.
        DeadlineError: it did not answer.
    """
    _, listener = await _ask(guest, Preface(StreamKind.EGRESS, passes_descriptor=True))
    if listener is None:
        raise AgentError("the agent handed over no listener")
    try:
        _require(listener, listening=True)
        if listener.getsockname() != ("127.0.0.1", EGRESS_PORT):
            raise AgentError("the agent handed over a listener on another address")
    except (AgentError, OSError) as error:
        close_foreign(listener)
        raise AgentError("the agent handed over an unusable listener") from error
    return listener


async def open_http(guest: socket.socket) -> socket.socket:
    """Turn a fresh guest connection into one that speaks HTTP/1.1 with the agent; it is the caller's to close."""
    return await _speak(guest, StreamKind.HTTP)


async def open_guest(guest: socket.socket) -> socket.socket:
    """Turn a fresh guest connection into one that speaks the guest protocol; it is the caller's to close."""
    return await _speak(guest, StreamKind.GUEST)


async def _speak(guest: socket.socket, kind: StreamKind) -> socket.socket:
    _, extra = await _ask(guest, Preface(kind), keep=True)
    if extra is not None:
        close_foreign(extra)
    return guest


def close_foreign(connection: socket.socket) -> None:
    """Close a socket that was made inside a sandbox, without waiting for anything.

    A guest may have set SO_LINGER, which makes close(2) wait for unsent data even on a non-blocking socket
    (tcp(7), socket(7)); a zero linger drops the data instead.
    """
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


async def _ask(guest: socket.socket, preface: Preface, *, keep: bool = False) -> tuple[Answer, socket.socket | None]:
    loop = asyncio.get_running_loop()
    received: socket.socket | None = None
    try:
        async with asyncio.timeout(preface.wait_s + ANSWER_SLACK_S):
            await loop.sock_sendall(guest, preface.encode())
            line, received = await _receive(guest)
        answer = parse_answer(line)
        if answer.code == BROWSER_STOPPED:
            raise ConflictError("the browser was stopped; start it first", reason=BROWSER_STOPPED)
        if not answer.ok:
            raise AgentError("the agent refused the stream", agent_code=answer.code)
    except TimeoutError:
        _discard(guest, received)
        raise DeadlineError("the agent did not answer in time") from None
    except (OSError, PrefaceError) as error:
        _discard(guest, received)
        raise AgentError("the agent's answer was not understood") from error
    except BaseException:
        _discard(guest, received)
        raise
    if not keep:
        guest.close()
    return answer, received


def _discard(guest: socket.socket, received: socket.socket | None) -> None:
    guest.close()
    if received is not None:
        close_foreign(received)


async def _receive(guest: socket.socket) -> tuple[bytes, socket.socket | None]:
    """Read one line and at most one descriptor; the kernel drops further ones (MSG_CTRUNC, unix(7))."""
    line, received = b"", None
    try:
        while b"\n" not in line:
            await _readable(guest)
            try:
                data, ancillary, _, _ = guest.recvmsg(
                    MAX_PREFACE_BYTES, socket.CMSG_LEN(_INT_BYTES), socket.MSG_CMSG_CLOEXEC | socket.MSG_DONTWAIT
                )
            except BlockingIOError:
                continue
            fresh = _descriptor(ancillary)
            if fresh is not None and received is not None:
                close_foreign(fresh)
            received = received or fresh
            line += data
            if not data or len(line) > MAX_PREFACE_BYTES:
                raise PrefaceError("no answer")
        return line.partition(b"\n")[0], received
    except BaseException:
        if received is not None:
            close_foreign(received)
        raise


def _descriptor(ancillary: list[tuple[int, int, bytes]]) -> socket.socket | None:
    """Wrap a passed descriptor; what is no socket is closed at once."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS and len(data) >= _INT_BYTES:
            descriptor = array.array("i", data[:_INT_BYTES])[0]
            try:
                return socket.socket(fileno=descriptor)
            except OSError:
                os.close(descriptor)
    return None


def _require(connection: socket.socket, *, listening: bool) -> None:
    """Check what the kernel says of a socket: TCP over IPv4, listening or not as expected; make it non-blocking."""
    facts = (connection.family, connection.type, connection.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    if facts != (socket.AF_INET, socket.SOCK_STREAM, int(listening)):
        raise AgentError("the agent handed over the wrong kind of socket")
    connection.setblocking(False)


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(connection, wake)
    try:
        await ready
    finally:
        loop.remove_reader(connection)
