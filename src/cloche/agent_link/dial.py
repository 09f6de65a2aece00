"""Reaches an agent that serves the guest protocol: on a unix socket, behind a virtual machine monitor, over vsock.

Every function returns a fresh, non-blocking connection on which frames may be sent at once (`guest.ask`), and raises
AgentError when there is none to be had, DeadlineError when it took too long. Messages name no path: the caller knows
which it gave.
"""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cloche.errors import AgentError, DeadlineError
from cloche.wire.guest import GUEST_PORT
from cloche.wire.vsock_handshake import MAX_LINE_BYTES, HandshakeError, check_ok, connect_line

DIAL_TIMEOUT_S: Final = 10.0
"""For one attempt: the connection, and the monitor's reply where there is one."""
ATTEMPTS: Final = 3
"""How often a monitor that does not reply is asked; it may be busy resuming its machine. As the published tools do."""
RETRY_PAUSE_S: Final = 0.5

_BACKLOG_PAUSE_S: Final = 0.02
_HUNG_UP: Final = "nothing in the virtual machine listens on this port"


async def dial_unix(path: str, *, timeout_s: float = DIAL_TIMEOUT_S) -> socket.socket:
    """Connect to a unix socket, also through a symbolic link."""
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                connection = await _connect_unix(path)
                if connection is not None:
                    return connection
                # A full backlog gives EAGAIN on a unix socket, and no event tells when it has room (connect(2)).
                await asyncio.sleep(_BACKLOG_PAUSE_S)
    except TimeoutError:
        raise DeadlineError("the agent does not accept connections") from None


async def dial_vsock(cid: int, port: int = GUEST_PORT, *, timeout_s: float = DIAL_TIMEOUT_S) -> socket.socket:
    """Connect to a port of the virtual machine with this context id (vsock(7)); 1 is this machine itself."""
    try:
        connection = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    except OSError as error:
        raise AgentError("this machine has no vsock") from error
    with _closed_on_failure(connection):
        try:
            async with asyncio.timeout(timeout_s):
                await _connect_vsock(connection, cid, port)
        except TimeoutError:  # ours, and the kernel's own (ETIMEDOUT)
            raise DeadlineError("the virtual machine does not answer") from None
        except OSError as error:
            raise AgentError(f"could not connect: {error.strerror}") from error
    return connection


async def dial_firecracker(
    path: str, port: int = GUEST_PORT, *, timeout_s: float = DIAL_TIMEOUT_S, attempts: int = ATTEMPTS
) -> socket.socket:
    """Connect to a port of a virtual machine through the unix socket of its monitor (Firecracker's vsock device).

    A monitor that takes the connection and does not reply within `timeout_s` is asked again, `attempts` times in all;
    any other failure is final.
    """
    for attempt in range(attempts):
        if attempt:
            await asyncio.sleep(RETRY_PAUSE_S)
        connection = await dial_unix(path, timeout_s=timeout_s)
        with _closed_on_failure(connection), contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await _ask_for_port(connection, port)
            return connection
        connection.close()
    raise DeadlineError("the virtual machine monitor does not reply")


async def _ask_for_port(connection: socket.socket, port: int) -> None:
    try:
        await asyncio.get_running_loop().sock_sendall(connection, connect_line(port))
        check_ok(await _read_line(connection))
    except HandshakeError as error:
        raise AgentError(f"this is no virtual machine monitor: {error}") from error
    except (BrokenPipeError, ConnectionResetError):
        raise AgentError(_HUNG_UP) from None


async def _read_line(connection: socket.socket) -> bytes:
    loop, line = asyncio.get_running_loop(), b""
    while not line.endswith(b"\n"):
        # One by one: what follows the line belongs to whoever reads frames.
        byte = await loop.sock_recv(connection, 1)
        if not byte:
            raise AgentError(_HUNG_UP)
        line += byte
        if len(line) > MAX_LINE_BYTES:
            raise HandshakeError("the reply is too long")
    return line[:-1]


async def _connect_unix(path: str) -> socket.socket | None:
    """Connect without waiting; None when the backlog is full."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        connection.connect(path)
    except BlockingIOError:
        connection.close()
        return None
    except OSError as error:
        connection.close()
        raise AgentError(await _why_not(path, error)) from error
    return connection


async def _connect_vsock(connection: socket.socket, cid: int, port: int) -> None:
    # By hand: uvloop's sock_connect takes the address of whatever is no unix socket for a host name.
    code = connection.connect_ex((cid, port))
    if code == errno.EINPROGRESS:
        await _writable(connection)
        code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


async def _writable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_writer(connection, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(connection)


async def _why_not(path: str, error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "there is no such socket"
    if error.errno is None:  # Python's own check: sockaddr_un holds 107 bytes (unix(7))
        return "the socket's path is too long"
    if error.errno == errno.ECONNREFUSED:  # also what connect(2) says of a file that is none
        return "nobody listens on this socket" if await asyncio.to_thread(_is_socket, path) else "this is no socket"
    return f"could not connect: {error.strerror}"


def _is_socket(path: str) -> bool:
    try:
        return Path(path).is_socket()
    except OSError:
        return False


@contextlib.contextmanager
def _closed_on_failure(connection: socket.socket) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise
