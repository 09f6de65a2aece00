"""How many processors are in use, without the agent's own share.

Measured from processor time between two looks and not from the load average: that one decays for minutes, comes back
unchanged with a restored machine, and counts the agent's own checks as load.
"""

import os
import time
from typing import Final, NamedTuple

from cloche.agent.metrics import Metrics, Reading
from cloche.agent.population import Population
from cloche.agent.procfs import TICKS_PER_SECOND, machine_ticks

READING_MAX_AGE_S: Final = 2.5
"""The session's processes are read for every heartbeat anyway; a reading no older than this is looked at again."""


class Work(NamedTuple):
    """Processor time that others than the agent have worked up to a moment."""

    at: float
    ticks: float


class Load:
    """Processors in use since it was last asked. Owned by `lifecycle`, asked by `Activity`."""

    def __init__(self, metrics: Metrics, population: Population, *, owns_machine: bool) -> None:
        """`owns_machine`: all that the machine does counts, the kernel's own work too. Else the session's processes."""
        self._metrics, self._population, self._owns_machine = metrics, population, owns_machine
        self._before: Work | None = None
        self._reading: Reading | None = None

    def __call__(self) -> float | None:
        """Return processors in use since the call before; None on the first one, and where it cannot be read."""
        before, self._before = self._before, self._look()
        if before is None or self._before is None:
            return None
        return processors_between(before, self._before)

    def _look(self) -> Work | None:
        if self._owns_machine:
            return machine_work(self._population)
        try:
            return session_work(self._next_reading())
        except OSError:
            return None

    def _next_reading(self) -> Reading:
        """Take one that somebody else has made, unless it tells nothing new."""
        before, self._reading = self._reading, self._metrics.read(READING_MAX_AGE_S)
        if self._reading is before:
            self._reading = self._metrics.read(0)
        return self._reading


def processors_between(before: Work, after: Work) -> float:
    """Return the mean of processors in use. Who ended unwaited took its time along: less than nothing is nothing."""
    return max(0.0, after.ticks - before.ticks) / max(1.0, (after.at - before.at) * TICKS_PER_SECOND)


def session_work(reading: Reading) -> Work | None:
    """Add up the session's processes; None without any, since the agent itself is always one that can be seen."""
    if not reading.processes:
        return None
    return Work(reading.at, sum(process.cpu_ticks for process in reading.processes) - reading.own_ticks)


def machine_work(population: Population) -> Work | None:
    """Take all that the processors did, less the agent, the commands it has waited for and those that run."""
    all_ticks = machine_ticks()
    own = os.times()
    own_s = own.user + own.system + own.children_user + own.children_system
    if not all_ticks:
        return None
    return Work(time.monotonic(), all_ticks - own_s * TICKS_PER_SECOND - population.commands_ticks())
