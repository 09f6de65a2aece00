"""The host's half of a link connection: what it writes, on a descriptor of its own."""

import asyncio
import contextlib
import os
import socket
from typing import Final

from cloche.errors import AgentError

SEND_TIMEOUT_S: Final = 5.0


class Outgoing:
    """Writes to a connection that a transport reads. Owned by the link, from the agent's `register` to its loss.

    Not through the transport: that one gives the whole connection up when a write fails, and with it what the agent
    had said before it hung up, which is when it tells why.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = socket.socket(fileno=os.dup(connection.fileno()))
        self._socket.setblocking(False)
        self._turn = asyncio.Lock()
        self._hung_up = False

    async def send(self, line: bytes) -> None:
        """Send a line whole, after those before it.

        Raises:
            AgentError: the agent has hung up.
            TimeoutError: it does not read.
        """
        async with self._turn:
            if self._hung_up:
                raise AgentError("the agent has hung up")
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await asyncio.get_running_loop().sock_sendall(self._socket, line)
            except TimeoutError:
                raise
            except OSError as error:
                raise AgentError("the agent has hung up") from error
            finally:
                self._close_if_hung_up()

    def hang_up(self) -> None:
        """End the connection both ways; whoever is just sending is told."""
        self._hung_up = True
        with contextlib.suppress(OSError):  # the other side may have been quicker
            self._socket.shutdown(socket.SHUT_RDWR)
        if not self._turn.locked():
            self._socket.close()

    def _close_if_hung_up(self) -> None:
        if self._hung_up:
            self._socket.close()
