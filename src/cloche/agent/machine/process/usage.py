"""Processor time and memory of a program: of all that is in its session, and of the children that were waited for."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from cloche.agent.procfs import TICKS_PER_SECOND, Process, proportional_bytes

_YOUNGEST_S: Final = 0.2
"""A share of the processor is measured over at least this long: the kernel counts in hundredths of a second."""


class Sample(NamedTuple):
    at: float
    """Monotonic seconds."""
    cpu_seconds: float


class Share:
    """Percent of one processor since the last question. Pure: moments and times are arguments."""

    def __init__(self, started_at: float) -> None:
        self._earlier = self._last = Sample(started_at, 0.0)

    def ask(self, now: float, cpu_seconds: float) -> float:
        """Since the last question, or the one before where that was only just asked; at first since the start.

        Processor time never runs backwards in an answer: who ends unwaited takes its time along.
        """
        if now - self._last.at >= _YOUNGEST_S:
            self._earlier, self._last = self._last, Sample(now, cpu_seconds)
        since = self._earlier
        spent, took = cpu_seconds - since.cpu_seconds, now - since.at
        return max(0.0, spent / took * 100) if took > 0 else 0.0


class Usage:
    """What one program has used. Owned by it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._share = Share(now())
        self._waited_seconds = 0.0
        self._cpu_seconds = 0.0

    def ended(self, cpu_seconds: float) -> None:
        """It has ended, having used this, its children that it waited for included (wait4(2))."""
        self._waited_seconds = cpu_seconds

    def measure(self, members: list[Process]) -> tuple[float, float]:
        """Take those that are in its session now; return seconds of processor time, and percent of one processor."""
        seconds = self._waited_seconds + sum(process.cpu_ticks for process in members) / TICKS_PER_SECOND
        self._cpu_seconds = max(self._cpu_seconds, seconds)
        return self._cpu_seconds, self._share.ask(self._now(), self._cpu_seconds)


def memory_bytes(members: list[Process]) -> int:
    """Add up their shares of memory: pages that several of them map count once."""
    return sum(proportional_bytes(process) for process in members if process.is_alive)
