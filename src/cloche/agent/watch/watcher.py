"""Watches the workspace and reports what changes in it."""

from collections.abc import Awaitable, Callable

from cloche.agent.log import Log
from cloche.agent.loop import Loop
from cloche.wire.messages import Payload


class Watcher:
    """Owned by `lifecycle`, which runs `run` as a task and switches it with `enable`."""

    def __init__(self, loop: Loop, log: Log, root: str, report: Callable[[Payload], Awaitable[None]]) -> None:
        """`report` sends one `fs_event`; it waits for as long as the host takes no more, and while there is none."""

    def enable(self, enabled: bool) -> None:
        raise NotImplementedError

    def connection_lost(self) -> None:
        """Events on their way to the host may not have arrived: once there is one again it is told so."""
        raise NotImplementedError

    async def run(self) -> None:
        raise NotImplementedError
