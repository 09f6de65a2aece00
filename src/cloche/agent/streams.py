"""Non-blocking sockets under `Loop`: each function here has a deadline, and gives the other tasks a turn first."""

import errno
import os
import socket

from cloche.agent.loop import Loop


async def receive(loop: Loop, sock: socket.socket, limit: int, deadline: float | None = None) -> bytes:
    """Return what has arrived, at most `limit` bytes; empty at the end of the stream.

    Waits before it reads, so that a peer that floods never keeps the loop from other tasks.
    """
    while True:
        await loop.readable(sock.fileno(), deadline)
        try:
            return sock.recv(limit)
        except BlockingIOError:
            continue


async def send_all(
    loop: Loop, sock: socket.socket, data: bytes | bytearray | memoryview, deadline: float | None = None
) -> None:
    """Write all of it, or raise."""
    view = memoryview(data)
    while view:
        try:
            view = view[sock.send(view) :]
        except BlockingIOError:
            await loop.writable(sock.fileno(), deadline)


async def send_descriptor(loop: Loop, sock: socket.socket, data: bytes, fd: int, deadline: float) -> None:
    """Write `data` with a copy of `fd` attached to its first byte (SCM_RIGHTS, unix(7))."""
    while True:
        try:
            sent = socket.send_fds(sock, [data], [fd])
        except BlockingIOError:
            await loop.writable(sock.fileno(), deadline)
        else:
            return await send_all(loop, sock, data[sent:], deadline)


async def accept(loop: Loop, listener: socket.socket) -> socket.socket:
    while True:
        await loop.readable(listener.fileno())
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            continue
        connection.setblocking(False)
        return connection


async def connect_unix(loop: Loop, path: str, deadline: float) -> socket.socket:
    return await _connect(loop, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), path, deadline)


async def connect_loopback(loop: Loop, port: int, deadline: float) -> socket.socket:
    """Connect to 127.0.0.1 with Nagle's delay off: DevTools messages are small and waited for."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return await _connect(loop, sock, ("127.0.0.1", port), deadline)


async def _connect(loop: Loop, sock: socket.socket, address: str | tuple[str, int], deadline: float) -> socket.socket:
    try:
        sock.setblocking(False)
        code = sock.connect_ex(address)
        # EAGAIN from a unix socket means a full backlog (connect(2)): nothing to wait for, the caller tries again.
        if code == errno.EINPROGRESS:
            await loop.writable(sock.fileno(), deadline)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock


async def copy_both_ways(loop: Loop, left: socket.socket, right: socket.socket) -> None:
    """Copy bytes between two sockets until both directions have ended; a half-closed one is passed on."""
    back = loop.spawn(_copy(loop, right, left), "copy back")
    try:
        await _copy(loop, left, right)
        await back.done.wait()
    finally:
        await loop.stop(back)


async def _copy(loop: Loop, source: socket.socket, target: socket.socket) -> None:
    try:
        while data := await receive(loop, source, 64 * 1024):
            await send_all(loop, target, data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # One side is gone for good; the other direction must learn it too instead of waiting for bytes.
        for sock in (source, target):
            _abort(sock)


def _abort(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        if error.errno not in (errno.ENOTCONN, errno.EBADF):
            raise
