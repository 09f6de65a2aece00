"""Where the guest protocol is served, and who may connect there."""

from collections.abc import Sequence
from typing import NamedTuple

from cloche.agent.guest_protocol.conversation import Conversations
from cloche.agent.log import Log
from cloche.agent.loop import Loop


class Address(NamedTuple):
    """`vsock:PORT[,peer=CID]` (peer: who may connect; the host, 2, by default; `any`) or `unix:PATH`."""

    kind: str
    port: int = 0
    path: str = ""
    peer_cid: int | None = 2


def parse_address(text: str) -> Address:
    """Raises: ValueError, with a message fit to be shown."""
    raise NotImplementedError


class Listeners:
    """Owned by `lifecycle`: `open` before anything else is started, `run` as a task, `stop` at the end."""

    def __init__(self, loop: Loop, log: Log, addresses: Sequence[Address], conversations: Conversations) -> None:
        raise NotImplementedError

    def open(self) -> None:
        """Bind and listen everywhere. Raises: OSError, naming the address."""
        raise NotImplementedError

    async def run(self) -> None:
        raise NotImplementedError

    async def hang_up(self) -> None:
        """End every connection but the one whose request is just being answered: after a wake they lead nowhere."""
        raise NotImplementedError

    async def stop(self) -> None:
        raise NotImplementedError
