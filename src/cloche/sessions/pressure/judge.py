"""Does the machine run short, of what, and how much is lacking? Pure.

Each threshold was chosen so that a small box on which many browsers are busy, and all goes on well, is never refused:
- Processors: that tasks wait is ordinary (two busy browsers are enough on two cores), so a stall alone says nothing;
  there must also be so many that a start would not end in time. Without stall information the number decides alone.
- Memory: what is available must hold the reserve and all that is on its way. A stall counts only where little is left:
  one session that fights with its own limit stalls too, and that is its own matter.
- I/O does not count unless it is asked for: sessions live in memory, and one process that copies files on an idle
  machine stalls "all" of it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cloche.process.pressure import HostReadings
from cloche.sessions.pressure.demand import Demand

CALM_AT: Final = 0.8
"""A percentage or load that was too high is so until it has come down to this part of its threshold."""
SPARE: Final = 1.25
"""What was too little is so until there is this many times of what is needed."""
LITTLE_MEMORY: Final = 0.25
"""Of the machine's memory: with more than this part left, a stall for memory is somebody's own limit."""


class Resource(StrEnum):
    """What there can be too little of; the `reason` of a refusal, and a metric label."""

    MEMORY = "memory"
    PIDS = "pids"
    CPU = "cpu"
    IO = "io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From the settings. 0: that one does not count."""

    cpu_percent: float = 90.0
    load: float = 32.0
    """Tasks that run or want to, for each processor."""
    memory_percent: float = 20.0
    io_percent: float = 0.0
    memory_reserve_bytes: int = 256 << 20
    pids_reserve: int = 512


@dataclass(frozen=True, slots=True)
class Shortage:
    """`lacking`: bytes or tasks that would have to come free. 0 for what cannot be given up, time."""

    resource: Resource
    lacking: int = 0


class Judge:
    """Remembers only what was short, so that a reading about a threshold does not make it flap."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._limits = thresholds
        self._short: set[Resource] = set()

    def shortage(self, seen: HostReadings, demand: Demand) -> Shortage | None:
        """What stands in the way of `demand.sessions` more sessions: the first of memory, tasks, processors, I/O."""
        found = {
            Resource.MEMORY: self._memory(seen, demand),
            Resource.PIDS: self._pids(seen, demand),
            Resource.CPU: self._cpu(seen),
            Resource.IO: self._io(seen),
        }
        self._short = {resource for resource, lacking in found.items() if lacking is not None}
        return next((Shortage(resource, lacking) for resource, lacking in found.items() if lacking is not None), None)

    @property
    def short(self) -> frozenset[Resource]:
        """Everything that was short at the last look."""
        return frozenset(self._short)

    def _memory(self, seen: HostReadings, demand: Demand) -> int | None:
        needed = self._limits.memory_reserve_bytes + demand.memory_bytes
        lacking = self._lacking(Resource.MEMORY, seen.memory_available, needed)
        if lacking is not None or seen.memory_available is None or seen.memory_total is None:
            return lacking
        is_stalled = self._is_high(Resource.MEMORY, seen.memory_full, self._limits.memory_percent)
        has_little = seen.memory_available < seen.memory_total * LITTLE_MEMORY
        return demand.one.memory_bytes if is_stalled and has_little else None

    def _pids(self, seen: HostReadings, demand: Demand) -> int | None:
        return self._lacking(Resource.PIDS, seen.tasks_left, self._limits.pids_reserve + demand.tasks)

    def _cpu(self, seen: HostReadings) -> int | None:
        limits, load = self._limits, None if seen.load is None else seen.load / max(1, seen.processors)
        if self._is_high(Resource.CPU, seen.cpu_full, limits.cpu_percent):
            return 0
        signs = [
            self._is_high(Resource.CPU, seen_now, threshold)
            for seen_now, threshold in ((seen.cpu_some, limits.cpu_percent), (load, limits.load))
            if threshold > 0 and seen_now is not None
        ]
        return 0 if signs and all(signs) and (load is not None or limits.load == 0) else None

    def _io(self, seen: HostReadings) -> int | None:
        return 0 if self._is_high(Resource.IO, seen.io_full, self._limits.io_percent) else None

    def _is_high(self, resource: Resource, value: float | None, threshold: float) -> bool:
        if value is None or threshold <= 0:
            return False
        return value >= threshold * (CALM_AT if resource in self._short else 1)

    def _lacking(self, resource: Resource, left: int | None, needed: int) -> int | None:
        if left is None:
            return None
        calm = int(needed * SPARE)
        # What is lacking is told up to where it is calm again: given up for less, it would still count as short.
        return calm - left if left < (calm if resource in self._short else needed) else None
