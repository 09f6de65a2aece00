"""What further sessions may be expected to take, by what those that live do. Pure.

Not their limits: those are ceilings, promised many times over (docs/how-to/sizing.md). A session that idles takes a
tenth of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import Final

UNKNOWN_MEMORY_BYTES: Final = 160 << 20
"""Of a session, where none has been read yet: an agent and a browser with a simple page."""
UNKNOWN_TASKS: Final = 128
LEAST_MEMORY_BYTES: Final = 64 << 20
"""An empty one takes a little more (docs/how-to/sizing.md)."""
LEAST_TASKS: Final = 32
"""An empty one has twice as many."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Of one session: memory, and processes and threads together, which is what the kernel counts as pids."""

    memory_bytes: int = UNKNOWN_MEMORY_BYTES
    tasks: int = UNKNOWN_TASKS


@dataclass(frozen=True, slots=True)
class Demand:
    """`sessions` that are to come: those on their way, which take nothing yet, and perhaps one more."""

    one: Footprint
    sessions: int

    @property
    def memory_bytes(self) -> int:
        return self.one.memory_bytes * self.sessions

    @property
    def tasks(self) -> int:
        return self.one.tasks * self.sessions


def footprint(memory_bytes: Iterable[int | None], tasks: Iterable[int | None]) -> Footprint:
    """The mean of what was read of sessions that are up and awake; None: not read yet."""
    return Footprint(
        memory_bytes=_mean(memory_bytes, LEAST_MEMORY_BYTES, UNKNOWN_MEMORY_BYTES),
        tasks=_mean(tasks, LEAST_TASKS, UNKNOWN_TASKS),
    )


def _mean(amounts: Iterable[int | None], least: int, otherwise: int) -> int:
    known = [amount for amount in amounts if amount is not None]
    return max(least, round(fmean(known))) if known else otherwise
