"""Sleep and wake: get the machine ready for its snapshot, and back to life after it."""

from collections.abc import Callable
from typing import NamedTuple

from cloche.agent.activity import Activity
from cloche.agent.checks.checks import Checks
from cloche.agent.log import Log
from cloche.agent.loop import Loop


class Report(NamedTuple):
    success: bool
    detail: str


class Sleeper:
    """Owned by `lifecycle`, which runs `run` (the watch over the clocks) as a task; asked by the guest protocol."""

    def __init__(
        self,
        loop: Loop,
        log: Log,
        *,
        checks: Checks,
        activity: Activity,
        workspace: str,
        owns_machine: bool,
        on_wake: Callable[[], None],
        reload: Callable[[], None],
    ) -> None:
        """`on_wake` re-makes connections and restarts the beats; `reload` reads configuration files again."""

    @property
    def is_asleep(self) -> bool:
        raise NotImplementedError

    async def prepare(self, drain_s: float) -> Report:
        """Checkpoint, sync, drop caches; on success the machine may be paused."""
        raise NotImplementedError

    async def wake(self) -> Report:
        raise NotImplementedError

    async def post_restore(self) -> Report:
        raise NotImplementedError

    async def run(self) -> None:
        raise NotImplementedError
