"""Directories that somebody watches: each is an observation of its own, and keeps what happens from its begin on."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from cloche.agent.log import Log
from cloche.agent.loop import Event, Loop, Task
from cloche.agent.machine.beneath import Place, open_beneath
from cloche.agent.machine.files.content import UNFINISHED
from cloche.agent.machine.files.happenings import RESCAN, Happening, Kept, happening_of
from cloche.agent.machine.problem import Problem
from cloche.agent.watch.changes import Timing
from cloche.agent.watch.inotify import Inotify, Source
from cloche.agent.watch.observation import Observation
from cloche.wire.messages import Payload

MAX_WATCHES: Final = 16
IDLE_S: Final = 600.0
"""After this long without a reader a watch ends by itself."""
BEGIN_S: Final = 20.0
"""How long the first look at all that is below a directory may take."""

_TIMING: Final = Timing()


class Watch:
    """One watched directory. Owned by `Watches`; readers ask `after`, and wait for `changed`."""

    def __init__(self, loop: Loop, place: Place, fd: int, is_recursive: bool) -> None:
        """Takes over `fd`, the open directory."""
        self.place, self.fd = place, fd
        self.kept = Kept()
        self.changed = Event(loop)
        """Pulsed when something has happened, and when the watch has ended."""
        self.began = Event(loop)
        """From now on whatever happens is told. Also set when it has ended before that."""
        self.is_over = False
        self.readers = 0
        self.readers_changed = Event(loop)
        self._is_recursive = is_recursive

    async def report(self, event: Payload) -> None:
        """Given each `fs_event`. Until the watch has begun they tell what is there already, which did not happen."""
        if not self.began.is_set():
            return
        happening = happening_of(event, is_recursive=self._is_recursive, hidden=UNFINISHED)
        if happening is not None:
            self.tell(happening)

    def tell(self, happening: Happening) -> None:
        self.kept.add(happening)
        self.changed.pulse()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """For as long as the block lasts somebody reads."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def end(self) -> None:
        self.is_over = True
        self.began.set()
        self.changed.pulse()

    def _count(self, readers: int) -> None:
        self.readers += readers
        self.readers_changed.pulse()


class Watches:
    """All of a session's; owned by `api`."""

    def __init__(
        self,
        loop: Loop,
        log: Log,
        *,
        open_source: Callable[[], Source] = Inotify,
        timing: Timing = _TIMING,
        idle_s: float = IDLE_S,
    ) -> None:
        self._loop, self._log = loop, log
        self._open_source, self._timing, self._idle_s = open_source, timing, idle_s
        self._watches: dict[str, tuple[Watch, Task]] = {}

    def __len__(self) -> int:
        return len(self._watches)

    async def add(self, place: Place, *, is_recursive: bool) -> str:
        """Watch a directory and return the watch's id: whatever happens from then on is told.

        Raises: Problem 429 for one too many; OSError: it is no directory.
        """
        if len(self._watches) >= MAX_WATCHES:
            raise Problem(429, "too_many_watches", f"at most {MAX_WATCHES} directories can be watched at a time")
        watch = Watch(self._loop, place, open_beneath(place, os.O_PATH | os.O_DIRECTORY), is_recursive)
        watch_id = _new_id()
        task = self._loop.spawn(self._keep(watch_id, watch), "directory watch")
        self._watches[watch_id] = watch, task
        try:
            await watch.began.wait(time.monotonic() + BEGIN_S)
            if watch.is_over:
                raise TimeoutError  # it will never begin
        except TimeoutError:
            await self._loop.stop(task)
            message = "the directory was moved, or is too large to be looked through in time"
            raise Problem(409, "cannot_watch", message) from None
        except BaseException:
            await self._loop.stop(task)
            raise
        return watch_id

    def get(self, watch_id: str) -> Watch:
        """Raises: Problem 404."""
        return self._find(watch_id)[0]

    async def remove(self, watch_id: str) -> None:
        """End a watch; its readers get what is kept, and then the end. Raises: Problem 404."""
        await self._loop.stop(self._find(watch_id)[1])

    def _find(self, watch_id: str) -> tuple[Watch, Task]:
        found = self._watches.get(watch_id)
        if found is None:
            raise Problem(404, "not_found", "there is no such watch")
        return found

    async def _keep(self, watch_id: str, watch: Watch) -> None:
        """Observe until nobody has read for long."""
        observing = self._loop.spawn(self._observe(watch), "directory observation")
        try:
            await self._until_idle(watch)
        finally:
            del self._watches[watch_id]
            try:
                await self._loop.stop(observing)
            finally:
                os.close(watch.fd)
                watch.end()

    async def _until_idle(self, watch: Watch) -> None:
        await watch.began.wait()
        idle_until = time.monotonic() + self._idle_s
        while True:
            try:
                await watch.readers_changed.next(None if watch.readers else idle_until)
            except TimeoutError:
                return
            if not watch.readers:
                idle_until = time.monotonic() + self._idle_s

    async def _observe(self, watch: Watch) -> None:
        """Observe the very directory that was opened, for as long as it is where it was.

        The watch holds it open, so that no other can get its device and inode numbers.
        """
        status = os.fstat(watch.fd)
        observation = Observation(
            self._loop,
            self._log,
            os.readlink(f"/proc/self/fd/{watch.fd}"),
            watch.report,
            open_source=self._open_source,
            timing=self._timing,
            identity=(status.st_dev, status.st_ino),
            on_looked=watch.began.set,
        )
        try:
            await observation.run()
        except Exception as error:  # noqa: BLE001  # the top of a task; a watch that ends unnoticed would lose events
            self._log.error("watching failed", error=repr(error))
            watch.tell(Happening(RESCAN))
            watch.end()


def _new_id() -> str:
    digits = os.urandom(16).hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
