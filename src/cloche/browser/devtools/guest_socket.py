"""A connected socket that was made inside a sandbox, read and written without ever waiting for it.

Whoever is inside may have kept a copy, and with it O_NONBLOCK, which asyncio's transports rely on: cleared, a send to a
browser that reads nothing would stop the whole daemon. MSG_DONTWAIT goes with each call and cannot be taken away.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from cloche.concurrency.splice import abort

READ_BYTES: Final = 256 << 10
SEND_BYTES: Final = 1 << 20


class GuestSocket:
    """Owns `sock`. `on_data` gets what comes, `on_end` is called once, when it ends by itself; both on the loop."""

    def __init__(self, sock: socket.socket, on_data: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._on_data = on_data
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._unsent = bytearray()
        self.is_closed = False
        self._loop.add_reader(sock, self._read)

    @property
    def unsent_bytes(self) -> int:
        return len(self._unsent)

    def write(self, data: bytes) -> None:
        if self.is_closed:
            return
        if self._unsent:
            self._unsent += data
            return
        rest = data[self._send(memoryview(data)) :]
        if rest and not self.is_closed:
            self._unsent += rest
            self._loop.add_writer(self._sock, self._write_on)

    def pause(self) -> None:
        if not self.is_closed:
            self._loop.remove_reader(self._sock)

    def resume(self) -> None:
        if not self.is_closed:
            self._loop.add_reader(self._sock, self._read)

    def close(self) -> None:
        """Close now, dropping what is unsent; `on_end` is not called."""
        if self.is_closed:
            return
        self.is_closed = True
        self._unsent = bytearray()  # whoever keeps us for long need not keep that; `_write_on` may be looking at it
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        abort(self._sock)

    def _end(self) -> None:
        if not self.is_closed:
            self.close()
            self._on_end()

    def _read(self) -> None:
        try:
            data = self._sock.recv(READ_BYTES, socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return self._end()
        if data:
            return self._on_data(data)
        return self._end()

    def _send(self, data: memoryview) -> int:
        """Return how much was taken."""
        try:
            return self._sock.send(data[:SEND_BYTES], socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            self._end()
            return 0

    def _write_on(self) -> None:
        unsent = self._unsent
        with memoryview(unsent) as view:
            sent = self._send(view)
        del unsent[:sent]
        if not self._unsent and not self.is_closed:
            self._loop.remove_writer(self._sock)
