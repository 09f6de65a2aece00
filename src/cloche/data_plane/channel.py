"""Whole messages, and descriptors with them, over one SOCK_SEQPACKET socket (unix(7))."""

import array
import asyncio
import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from cloche.data_plane.wire import MAX_PACKET_BYTES

MAX_DESCRIPTORS: Final = 2
MAX_UNSENT: Final = 10_000
"""Messages. A peer that lets so many wait is as good as gone."""
_AT_ONCE: Final = 64
_INT_BYTES: Final = array.array("i").itemsize


class Channel:
    """Watches a socket from `begin` to `close`. Descriptors that come are the hearer's to close."""

    def __init__(
        self, sock: socket.socket, hear: Callable[[bytes, list[int]], None], ended: Callable[[], None]
    ) -> None:
        """`ended`: the other side is gone, or does not take what it is sent. Called once, and never by `close`."""
        self._sock, self._hear, self._ended = sock, hear, ended
        self._loop = asyncio.get_running_loop()
        self._unsent: deque[tuple[bytes, Sequence[int]]] = deque()
        self._is_open = False
        sock.setblocking(False)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, 4 * MAX_PACKET_BYTES)

    def begin(self) -> None:
        self._is_open = True
        self._loop.add_reader(self._sock, self._readable)

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._sock)
            self._loop.remove_writer(self._sock)
        self._unsent.clear()
        self._sock.close()

    def send(self, data: bytes, descriptors: Sequence[int] = ()) -> None:
        """Never waits. The descriptors must stay open until the other side has answered."""
        if not self._is_open:
            return
        if self._unsent or not self._send(data, descriptors):
            if len(self._unsent) >= MAX_UNSENT:
                self._end()
                return
            if not self._unsent:
                self._loop.add_writer(self._sock, self._writable)
            self._unsent.append((data, descriptors))

    def _send(self, data: bytes, descriptors: Sequence[int]) -> bool:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        try:
            self._sock.sendmsg([data], rights, socket.MSG_NOSIGNAL)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            self._loop.call_soon(self._end)  # not under the feet of whoever sends
        return True

    def _writable(self) -> None:
        while self._unsent and self._is_open and self._send(*self._unsent[0]):
            self._unsent.popleft()
        if not self._unsent and self._is_open:
            self._loop.remove_writer(self._sock)

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            if not self._is_open:
                return
            try:
                data, ancillary, _, _ = self._sock.recvmsg(
                    MAX_PACKET_BYTES, socket.CMSG_SPACE(MAX_DESCRIPTORS * _INT_BYTES), socket.MSG_CMSG_CLOEXEC
                )
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self._end()
                return
            descriptors = _descriptors(ancillary)
            if not data:
                close_all(descriptors)
                self._end()
                return
            self._hear(data, descriptors)

    def _end(self) -> None:
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._sock)
            self._loop.remove_writer(self._sock)
            self._ended()


def close_all(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(data[: len(data) - len(data) % _INT_BYTES])
    return list(found)
