"""Watches the workspace and reports what changes in it."""

from collections.abc import Awaitable, Callable
from typing import Final

from cloche.agent.log import Log
from cloche.agent.loop import Event, Loop
from cloche.agent.watch.changes import MAX_HINTS, Timing
from cloche.agent.watch.inotify import Inotify, Source
from cloche.agent.watch.observation import Observation
from cloche.agent.watch.tree import MAX_ENTRIES
from cloche.wire.messages import Payload

_PATIENCE: Final = Timing()


class Watcher:
    """Owned by `lifecycle`, which runs `run` as a task and switches it with `enable`."""

    def __init__(
        self,
        loop: Loop,
        log: Log,
        root: str,
        report: Callable[[Payload], Awaitable[None]],
        *,
        open_source: Callable[[], Source] = Inotify,
        timing: Timing = _PATIENCE,
        max_entries: int = MAX_ENTRIES,
        max_hints: int = MAX_HINTS,
    ) -> None:
        """`report` sends one `fs_event`; it waits for as long as the host takes no more, and while there is none."""
        self._loop, self._log, self._root, self._report = loop, log, root, report
        self._open_source, self._timing = open_source, timing
        self._max_entries, self._max_hints = max_entries, max_hints
        self._is_wanted = False
        self._switched = Event(loop)
        self._observation: Observation | None = None

    def enable(self, enabled: bool) -> None:
        """Begin, or end and free everything. To enable what is enabled begins anew: all that is there is told again."""
        self._is_wanted = enabled
        self._switched.set()

    def connection_lost(self) -> None:
        """Events on their way to the host may not have arrived: once there is one again it is told so."""
        if self._observation is not None:
            self._observation.owe("reconnected")

    async def run(self) -> None:
        while True:
            self._switched.clear()
            if not self._is_wanted:
                await self._switched.wait()
                continue
            task = self._loop.spawn(self._watch(), "workspace watch")
            try:
                await self._switched.wait()
            finally:
                await self._loop.stop(task)
                self._observation = None

    async def _watch(self) -> None:
        reason = ""
        while True:
            self._observation = Observation(
                self._loop,
                self._log,
                self._root,
                self._report,
                open_source=self._open_source,
                timing=self._timing,
                max_entries=self._max_entries,
                max_hints=self._max_hints,
            )
            if reason:
                self._observation.owe(reason)
            try:
                await self._observation.run()
            except Exception as error:  # noqa: BLE001  # the top of a task; a watch that ends unnoticed would lose events
                self._log.error("watching failed", error=repr(error))
            reason = "limits"
            await self._loop.sleep(self._timing.poll_s)
