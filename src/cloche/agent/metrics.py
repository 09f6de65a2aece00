"""The values in heartbeats and metrics: the session's own, read from the kernel.

Where the machine is the session's own, its values are the machine's: in a virtual machine without a browser there is
no other session to be told apart, and the kernel's work is part of it.

Key sets are those of the published protocol, beside them ours. `_mb` is bytes / 2**20. CPU is the share of all
processors this session could have used, 0–100, since the reading before; one reading serves all who ask within a
second, so that a host that asks often costs no more than one that does not.
"""

import os
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from cloche.agent.memory import Memory
from cloche.agent.memory_limit import memory_limit_bytes as own_memory_limit_bytes
from cloche.agent.population import Population
from cloche.agent.procfs import (
    TICKS_PER_SECOND,
    Process,
    machine_memory_bytes,
    machine_ticks,
    memory_total_bytes,
    network_bytes,
    oldest_age_s,
    open_files,
)
from cloche.wire.messages import HealthStatus, Payload

_MB: Final = 1024 * 1024
_FRESH_S: Final = 1.0


class Reading(NamedTuple):
    """The session at one moment."""

    at: float
    processes: list[Process]
    cpu_ticks: int
    memory_bytes: int
    cpu_percent: float
    own_ticks: int = 0
    """Of all the processes' ticks, those of the agent and of its own commands."""


class BrowserFacts(NamedTuple):
    """What health needs to know of the browser. Without one to supervise, `is_expected` is false."""

    is_expected: bool
    is_alive: bool
    is_ready: bool
    pid: int | None
    restarts: int


class Metrics:
    """Owned by `main`; asked by the link's beats, by commands and by the guest socket's API."""

    def __init__(
        self,
        population: Population,
        *,
        workspace: str,
        memory_limit_bytes: int,
        browser: Callable[[], BrowserFacts],
        worker_status: Callable[[], str],
        task_count: Callable[[], int],
        is_machine: bool = False,
        has_checks: Callable[[], bool] = lambda: False,
    ) -> None:
        """`memory_limit_bytes` 0: nobody said; the agent's own control group is asked, and then the machine.

        `has_checks`: there are integrations or probes, so that a host asks before it stops this.

        `is_machine`: CPU and memory are those of the whole machine.
        """
        self._population = population
        self._workspace = workspace
        self._memory_limit_bytes = memory_limit_bytes
        self._browser = browser
        self._worker_status = worker_status
        self._task_count = task_count
        self._is_machine = is_machine
        self._started_at = time.monotonic()
        self._processors = len(os.sched_getaffinity(0))
        self._reading: Reading | None = None
        self._memory = Memory()
        self._is_stale = False
        self._has_checks = has_checks
        self.programs: Callable[[], int] = lambda: 0
        """How many run that the machine API has started."""
        self.limit_kills = 0
        """Processes that the watchdog has ended."""

    def health(self) -> Payload:
        """Return the payload of `heartbeat` and `health_response`."""
        reading, browser = self.read(), self._browser()
        return {
            "status": str(health_status(browser)),
            "browser_alive": browser.is_alive,
            "cpu_percent": round(reading.cpu_percent, 2),
            "memory_mb": round(reading.memory_bytes / _MB, 2),
            "uptime_seconds": round(time.monotonic() - self._started_at, 3),
            "pid": os.getpid(),
            "browser_pid": browser.pid,
            "processes": len(reading.processes),
            "restarts": browser.restarts,
            "cpu_seconds": round(reading.cpu_ticks / TICKS_PER_SECOND, 2),
            "limit_kills": self.limit_kills,
            "programs": self.programs(),
            "worker_status": self._worker_status(),
            "checks": self._has_checks(),
        }

    def metrics(self) -> Payload:
        """Return the payload of `metrics` and `metrics_response`. What cannot be read counts as 0."""
        reading = self.read()
        disk_used, disk_total = disk_bytes(self._workspace)
        received, sent = network_bytes()
        return {
            "cpu_percent": round(reading.cpu_percent, 2),
            "memory_used_mb": round(reading.memory_bytes / _MB, 2),
            "memory_total_mb": round(self._memory_total_bytes() / _MB, 2),
            "disk_used_mb": round(disk_used / _MB, 2),
            "disk_total_mb": round(disk_total / _MB, 2),
            "network_rx_mb": round(received / _MB, 3),
            "network_tx_mb": round(sent / _MB, 3),
            "open_files": sum(open_files(process.pid) for process in reading.processes),
            "goroutines": self._task_count(),
        }

    def expire(self) -> None:
        """Let the next reading be a new one: something has changed that it must show."""
        self._is_stale = True

    def read(self, within_s: float = _FRESH_S) -> Reading:
        """Look at the session, unless someone did within the last second, or `within_s`."""
        now = time.monotonic()
        if self._reading is None or self._is_stale or now - self._reading.at >= within_s:
            self._reading, self._is_stale = self._look(now, self._reading), False
        return self._reading

    def _look(self, now: float, before: Reading | None) -> Reading:
        processes = [process for process in self._population.members() if process.is_alive]
        ticks = machine_ticks() if self._is_machine else sum(process.cpu_ticks for process in processes)
        # The first reading is measured against the session's own start: that of its first process.
        since, past = (before.at, before.cpu_ticks) if before else (now - oldest_age_s(processes), 0)
        # A process that ended unwaited takes its ticks with it: the total may shrink, time may not run backwards.
        ticks = max(ticks, past)
        elapsed = max(now - since, 1 / TICKS_PER_SECOND) * self._processors * TICKS_PER_SECOND
        memory = machine_memory_bytes()[0] if self._is_machine else self._memory.total_bytes(processes, now)
        own_ticks = sum(process.cpu_ticks for process in processes if self._population.is_own(process))
        return Reading(now, processes, ticks, memory, min(100.0, (ticks - past) * 100 / elapsed), own_ticks)

    def _memory_total_bytes(self) -> int:
        machine = memory_total_bytes()
        limit = self._memory_limit_bytes or own_memory_limit_bytes()
        return min(limit, machine) if limit and machine else limit or machine


def health_status(browser: BrowserFacts) -> HealthStatus:
    """Healthy: it answers DevTools. Degraded: it runs, and does not (yet). Unhealthy: it does not run."""
    if browser.is_ready or not browser.is_expected:
        return HealthStatus.HEALTHY
    return HealthStatus.DEGRADED if browser.is_alive else HealthStatus.UNHEALTHY


def disk_bytes(path: str) -> tuple[int, int]:
    """Return bytes used and in all of the file system that holds `path`."""
    try:
        disk = os.statvfs(path)
    except OSError:
        return 0, 0
    return (disk.f_blocks - disk.f_bfree) * disk.f_frsize, disk.f_blocks * disk.f_frsize
