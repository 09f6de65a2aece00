"""The child's end of the socket: whole messages in, whole messages out, waiting where there is need to."""

import socket
from collections.abc import Iterator

from cloche.live.encoder import wire


class Channel:
    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._reader = wire.Reader(wire.TO_CHILD)

    def messages(self) -> Iterator[wire.Message]:
        """Yield what the daemon says until it closes its end. Raises: WireError, OSError."""
        while count := self._socket.recv_into(self._reader.space()):
            if message := self._reader.filled(count):
                yield message

    def send(self, message: "bytes | memoryview") -> None:
        self._socket.sendall(message)
