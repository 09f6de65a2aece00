"""One connection of the guest protocol, from its first frame to its end."""

from socket import socket

from cloche.agent.guest_protocol.verbs import Verbs
from cloche.agent.log import Log
from cloche.agent.loop import Loop


class Conversations:
    """Serves connections: one request on each or many."""

    def __init__(self, loop: Loop, log: Log, verbs: Verbs) -> None:
        raise NotImplementedError

    async def serve(self, connection: socket, received: bytes) -> None:
        """Answer what comes on a connection until it ends; `received` is what has been read of it already."""
        raise NotImplementedError
