"""The watch over the sessions that lie hibernated: each ends when its lifetime is over. One task for all of them."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final

from cloche.clock import Clock
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.sessions.model import SessionStatus
from cloche.sessions.runner import SessionRunner

LOOK_EVERY_S: Final = 10.0
"""The clock that lifetimes are counted by may be set meanwhile."""


class Lying:
    """Owned by `Hibernation`. Runs from the first `changed` until `close`."""

    def __init__(self, clock: Clock, runners: Iterable[SessionRunner], over: Callable[[SessionRunner], None]) -> None:
        self._clock, self._runners, self._over = clock, runners, over
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def changed(self) -> None:
        """There is one more, or the end of one was moved."""
        self._changed.set()
        if self._task is None:
            self._task = spawn(self._watch(), name="hibernated")

    async def close(self) -> None:
        await cancel_and_wait(self._task)

    async def _watch(self) -> None:
        while True:
            self._changed.clear()
            left_s = self._end_those_that_are_over()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await self._changed.wait()

    def _end_those_that_are_over(self) -> float | None:
        """Return when to look again; None when there are none."""
        now, nearest = self._clock.now(), None
        for runner in list(self._runners):
            if runner.session.status is SessionStatus.HIBERNATED and runner.ending is None:
                left = runner.session.expires_at - now
                if left <= timedelta():
                    self._over(runner)
                elif nearest is None or left < nearest:
                    nearest = left
        return None if nearest is None else min(LOOK_EVERY_S, nearest.total_seconds())
