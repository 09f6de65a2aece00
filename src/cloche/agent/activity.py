"""Whether this worker is idle or busy: from who is in it, and from the processors it uses."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from cloche.agent.log import Log
from cloche.agent.loop import Event, Loop
from cloche.wire.messages import WorkerStatus

CALM_SAMPLES: Final = 2
"""So many in a row must be calm before a busy worker is idle."""
CALM_SHARE: Final = 0.5
"""Calm is below this share of the threshold that makes it busy."""

_SHORTEST_INTERVAL_S: Final = 0.1


class Verdict:
    """Idle, busy or unknown. Pure: time is an argument, in seconds of the wall clock.

    Busy at once: somebody is inside, or a sample reaches the threshold. Idle with hesitation: nobody is inside and
    `CALM_SAMPLES` in a row were calm; a sample between calm and the threshold changes nothing, and the count begins
    anew. Unknown while nobody is inside and the load cannot be told.
    """

    def __init__(self, threshold: float) -> None:
        """`threshold` is in processors."""
        self._threshold = threshold
        self._inside = 0
        self._is_busy = False
        self._is_readable = True
        self._calm = 0
        self._last_busy_at: float | None = None

    @property
    def status(self) -> WorkerStatus:
        if self._inside:
            return WorkerStatus.BUSY
        if not self._is_readable:
            return WorkerStatus.UNKNOWN
        return WorkerStatus.BUSY if self._is_busy else WorkerStatus.IDLE

    def last_busy_at(self, now: float) -> float | None:
        """Return the last moment at which the status was busy: now, while it is."""
        return now if self.status == WorkerStatus.BUSY else self._last_busy_at

    def count(self, inside: int, now: float) -> None:
        """Take how many are inside: attached clients, running actions, work of the agent's own."""
        self._last_busy_at = self.last_busy_at(now)
        self._inside = inside
        if inside:
            self._is_busy, self._calm = True, 0

    def sample(self, used: float | None, now: float) -> None:
        """Take how many processors were in use since the sample before; None if that cannot be told."""
        self._last_busy_at = self.last_busy_at(now)
        self._is_readable = used is not None
        if used is None or self._inside:
            self._calm = 0
        elif used >= self._threshold:
            self._is_busy, self._calm = True, 0
        else:
            self._calm = self._calm + 1 if used < self._threshold * CALM_SHARE else 0
            self._is_busy = self._is_busy and self._calm < CALM_SAMPLES


class Activity:
    """Owned by `lifecycle`, which runs `run` as a task; told by the link's `activity` command and by our own Exec."""

    def __init__(
        self, loop: Loop, log: Log, *, threshold: float, interval_s: float, processors_used: Callable[[], float | None]
    ) -> None:
        """`processors_used` tells how many were in use since it was last asked; None where that cannot be told."""
        self._loop, self._log, self._threshold = loop, log, threshold
        self._interval_s = max(interval_s, _SHORTEST_INTERVAL_S)
        self._processors_used = processors_used
        self._verdict = Verdict(threshold)
        self._inside = 0
        self._acting = 0
        self._acting_ended = Event(loop)
        self._restarted = Event(loop)

    def status(self) -> WorkerStatus:
        return self._verdict.status

    def last_busy_at(self) -> str | None:
        """`YYYY-MM-DDTHH:MM:SSZ`, or None if it never was."""
        at = self._verdict.last_busy_at(time.time())
        return None if at is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))

    async def work_done(self, deadline: float) -> int:
        """Wait until nothing of our own acts, or until `deadline` (monotonic); return how much still does.

        What the host runs is for the host to wait for.
        """
        with suppress(TimeoutError):
            while self._acting:
                await self._acting_ended.next(deadline)
        return self._acting

    def host_says(self, clients: int, actions: int) -> None:
        """Take the host's count of attached clients and running actions."""
        self._inside = clients + actions
        self._count()

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Be busy for as long as the block lasts."""
        self._acting += 1
        self._count()
        try:
            yield
        finally:
            self._acting -= 1
            self._count()
            if not self._acting:
                self._acting_ended.pulse()

    def restart(self) -> None:
        """Begin anew after a sleep: idle, never busy, and what was measured before forgotten.

        So is what the host said: it says it again on the connection that is made anew. Only what runs here goes on.
        """
        self._verdict = Verdict(self._threshold)
        self._inside = 0
        self._count()
        self._restarted.pulse()

    async def run(self) -> None:
        """Sample for ever, the first time a whole interval after the start and after each restart."""
        self._processors_used()
        while True:
            try:
                await self._restarted.next(time.monotonic() + self._interval_s)
            except TimeoutError:
                self._sample(self._processors_used())
            else:
                self._processors_used()  # what was in use until now is forgotten

    def _sample(self, used: float | None) -> None:
        before = self._verdict.status
        self._verdict.sample(used, time.time())
        self._tell_change(before, used)

    def _count(self) -> None:
        before = self._verdict.status
        self._verdict.count(self._inside + self._acting, time.time())
        self._tell_change(before)

    def _tell_change(self, before: WorkerStatus, used: float | None = None) -> None:
        if self._verdict.status != before:
            self._log.debug("worker status", status=str(self._verdict.status), processors_used=used)
