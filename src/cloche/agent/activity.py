"""Whether this worker is idle or busy: from who is in it, and from the processors it uses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cloche.agent.log import Log
from cloche.agent.loop import Loop
from cloche.wire.guest import WorkerStatus


class Activity:
    """Owned by `lifecycle`, which runs `run` as a task; told by the link's `activity` command and by our own Exec."""

    def __init__(
        self, loop: Loop, log: Log, *, threshold: float, interval_s: float, processors_used: Callable[[], float | None]
    ) -> None:
        """`processors_used` tells how many were in use since it was last asked; None where that cannot be told."""

    def status(self) -> WorkerStatus:
        raise NotImplementedError

    def last_busy_at(self) -> str | None:
        """`YYYY-MM-DDTHH:MM:SSZ`, or None if it never was."""
        raise NotImplementedError

    def host_says(self, clients: int, actions: int) -> None:
        """Take the host's count of attached clients and running actions."""
        raise NotImplementedError

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Be busy for as long as the block lasts."""
        yield

    def restart(self) -> None:
        """Begin anew after a sleep: idle, never busy, and what was measured before forgotten."""
        raise NotImplementedError

    async def run(self) -> None:
        raise NotImplementedError
