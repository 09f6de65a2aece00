"""One watch over the workspace, from its first look to its end.

Two tasks: one reads what the kernel tells and keeps it as hints, whatever the host does; the other settles the hints
and waits for the host with each event. Where the kernel tells nothing there is only the second, and it looks itself.
"""

import os
import time
from collections.abc import Awaitable, Callable
from typing import Final

from cloche.agent.log import Log
from cloche.agent.loop import Event as Signal
from cloche.agent.loop import Loop, Task
from cloche.agent.watch import disk
from cloche.agent.watch.changes import EXCLUDED, IS_DIRECTORY, MAX_HINTS, Hint, Hints, Timing, rescan_event
from cloche.agent.watch.inotify import (
    IN_IGNORED,
    IN_Q_OVERFLOW,
    READ_BYTES,
    CannotWatch,
    Event,
    Source,
    Watches,
    parse_events,
)
from cloche.agent.watch.reconcile import Reconciler
from cloche.agent.watch.tree import MAX_ENTRIES, Tree
from cloche.agent.watch.workspace import RootLost, Workspace
from cloche.wire.messages import Payload

_LOOKING_SHARE: Final = 0.05
"""Of a processor that polling may take, however large the workspace is."""
_READING_SHARE: Final = 0.4
"""Of the quiet time: how long the kernel may collect events before they are read."""


class Observation:
    """Owned by `watcher`, which runs `run` as a task and cancels it."""

    def __init__(
        self,
        loop: Loop,
        log: Log,
        root: str,
        report: Callable[[Payload], Awaitable[None]],
        *,
        open_source: Callable[[], Source],
        timing: Timing,
        max_entries: int = MAX_ENTRIES,
        max_hints: int = MAX_HINTS,
        identity: tuple[int, int] | None = None,
        on_looked: Callable[[], object] = lambda: None,
    ) -> None:
        """`identity`: device and inode of the one directory that may be watched; None takes what is at the path.

        `on_looked` is called when everything that is there has been told, and again whenever it is up to date.
        """
        self._loop, self._log, self._send = loop, log, report
        self._root = os.fsencode(os.path.realpath(root))
        self._open_source, self._timing = open_source, timing
        self._max_entries, self._max_hints = max_entries, max_hints
        self._identity, self._on_looked = identity, on_looked
        self._source: Source | None = None
        self._reader: Task | None = None
        self._owed: dict[str, None] = {}
        """Why the host must be told to look anew, before it is told anything else."""
        self._woken = Signal(loop)
        self._heard_at = 0.0
        self._looking_s = 0.0
        self._rested_at = 0.0
        self._is_urgent = False
        self._failure: OSError | None = None
        self._build()

    def owe(self, reason: str) -> None:
        """Tell the host to look anew, as soon as it takes something."""
        self._owed[reason] = None
        self._woken.pulse()

    async def run(self) -> None:
        try:
            while True:
                await self._until_there_is_a_root()
                try:
                    await self._observe()
                except RootLost:
                    self._log.warn("workspace lost", workspace=os.fsdecode(self._root))
                    await self._stop_reading()
                    await self._reconciler.forget()
        finally:
            await self._stop_reading()
            self._tree.clear()

    async def _until_there_is_a_root(self) -> None:
        is_told = False
        while True:
            try:
                os.close(disk.open_directory(self._root, self._identity))
            except (OSError, disk.Displaced, disk.Unreadable) as error:
                if not is_told:
                    self._log.warn("no workspace to watch yet", workspace=os.fsdecode(self._root), error=repr(error))
                is_told = True
                await self._loop.sleep(self._timing.poll_s)
            else:
                return

    def _build(self) -> None:
        self._tree, self._hints = Tree(self._max_entries), Hints(self._max_hints)
        self._watches = Watches()
        workspace = Workspace(self._loop, self._root, self._identity)
        self._reconciler = Reconciler(
            workspace, self._tree, self._hints, self._watches, self._report, lambda: self.owe("limits")
        )

    async def _observe(self) -> None:
        self._build()
        await self._start_reading()
        while True:
            try:
                await (self._turn() if self._tree.root is not None else self._reconciler.begin())
                if not self._hints.reasons:
                    self._on_looked()
            except CannotWatch as error:
                await self._fall_back(error)
            except (OSError, disk.Unreadable) as error:
                # No more descriptors, no more memory, a closed workspace: what was being done is done again, in full.
                self._log.error("workspace cannot be looked at", error=repr(error))
                await self._loop.sleep(self._timing.poll_s)
                self._hints.ask_rescan("limits")

    async def _turn(self) -> None:
        await self._wait()
        self._reconciler.check_root()
        self._owed |= dict.fromkeys(self._hints.reasons)
        await self._pay()
        # Only now: what is lost while the host is waited for is found by the same rescan.
        reasons, hints = self._hints.take()
        if reasons or self._watches.are_missing:
            # Processor time: a host that is waited for meanwhile, or a busy machine, is no reason to look less often.
            began = time.thread_time()
            await self._reconciler.rescan()
            self._looking_s = time.thread_time() - began
            self._rested_at = time.monotonic() + self._looking_s
        else:
            await self._reconciler.settle(hints)

    async def _wait(self) -> None:
        if self._watches.are_missing:
            await self._wait_for_poll()
            return
        while not (self._hints or self._owed or self._is_urgent):
            try:
                await self._woken.next(time.monotonic() + self._timing.poll_s)
            except TimeoutError:
                return  # for a look whether the workspace is still there
        first = self._heard_at = time.monotonic()
        while not (self._hints.is_crowded or self._is_urgent):
            try:
                await self._woken.next(self._timing.settle_at(first, self._heard_at))
            except TimeoutError:
                break
        if self._hints.reasons:
            # Who has the kernel lose events again and again must not have us do nothing else than look.
            await self._loop.sleep(max(0.0, self._rested_at - time.monotonic()))
        self._is_urgent = False
        if self._failure is not None:
            raise CannotWatch(self._failure)

    async def _wait_for_poll(self) -> None:
        until = time.monotonic() + max(self._timing.poll_s, self._looking_s / _LOOKING_SHARE)
        while not (self._hints.is_crowded or self._owed):
            try:
                await self._woken.next(until)
            except TimeoutError:
                return

    async def _report(self, event: Payload) -> None:
        await self._pay()
        await self._send(event)

    async def _pay(self) -> None:
        while self._owed:
            reason = next(iter(self._owed))
            del self._owed[reason]
            self._log.info("workspace to be looked at anew", reason=reason)
            await self._send(rescan_event(reason))

    async def _start_reading(self) -> None:
        try:
            source = self._open_source()
        except CannotWatch as error:
            await self._fall_back(error)
            return
        self._source, self._failure = source, None
        self._watches.use(source)
        self._reader = self._loop.spawn(self._read(source), "inotify")

    async def _stop_reading(self) -> None:
        self._watches.drop()
        try:
            if self._reader is not None:
                await self._loop.stop(self._reader)
        finally:
            # Also where who waits here is cancelled once more, as at the agent's end: the reader does not read then.
            self._reader = None
            if self._source is not None:
                self._source.close()
                self._source = None

    async def _fall_back(self, error: CannotWatch) -> None:
        self._log.warn("no inotify, or no more of it: the workspace is polled", error=str(error), errno=error.errno)
        await self._stop_reading()
        self._hints.ask_rescan("limits")

    async def _read(self, source: Source) -> None:
        while True:
            await self._loop.readable(source.fd)
            try:
                data = source.read()
            except OSError as error:
                self._failure = error
                self._alarm()
                return
            for event in parse_events(data):
                self._hear(event)
            self._heard_at = time.monotonic()
            self._woken.pulse()
            if len(data) < READ_BYTES // 2:
                # Nobody waits for single events, and the kernel makes one of many that are the same.
                await self._loop.sleep(self._timing.quiet_s * _READING_SHARE)

    def _hear(self, event: Event) -> None:
        if event.mask & IN_Q_OVERFLOW:
            self._hints.ask_rescan("overflow")
        elif event.mask & IN_IGNORED:
            directory = self._watches.ended(event.watch)
            if directory is not None and directory.parent is not None:
                # Another may be there by now, with the inode of the one that is gone.
                self._hints.add(Hint(directory.parent, directory.name))
            elif directory is not None:
                self._hints.ask_rescan("limits")  # if it is still there, for its watch
                self._alarm()
        elif (directory := self._watches.owner(event.watch)) is not None:
            if event.name and not (event.flags & IS_DIRECTORY and event.name in EXCLUDED):
                self._hints.add(Hint(directory, event.name, event.flags))
            elif not event.name and directory.parent is None:
                self._alarm()

    def _alarm(self) -> None:
        """Have the next turn at once: what the watching stands on may be gone."""
        self._is_urgent = True
        self._woken.pulse()
