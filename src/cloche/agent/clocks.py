"""Whether the machine was stopped: what its clocks say to one another.

A suspended machine's monotonic clock stands still while boottime goes on (clock_gettime(2)). One that is restored from
a snapshot goes on with all its clocks as they were, until somebody sets the wall clock forward. One that is merely
stopped, or whose control group is frozen, loses no time at all, but its timers come late. Pure: the clocks are an
argument.
"""

import time
from typing import Final, NamedTuple

JUMP_S: Final = 2.0
"""Clocks that drift apart by more than this have jumped; a timer that is later than this was held up from outside."""
SETTLING_S: Final = 60.0
"""How long after a start or a wake the wall clock may be set without its being a sign of anything."""


class Clocks(NamedTuple):
    """What the clocks show at one moment, in seconds."""

    monotonic: float
    boottime: float
    wall: float


class Passed(NamedTuple):
    """How far each clock moved between two moments."""

    monotonic_s: float
    boottime_s: float
    wall_s: float

    @property
    def suspended_s(self) -> float:
        return self.boottime_s - self.monotonic_s

    @property
    def wall_jump_s(self) -> float:
        """How far the wall clock was set, forward or back."""
        return self.wall_s - self.boottime_s


def read_clocks() -> Clocks:
    return Clocks(time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME), time.time())


def passed(before: Clocks, after: Clocks) -> Passed:
    return Passed(*(now - then for then, now in zip(before, after, strict=True)))


class ClockWatch:
    """Compares the clocks with what they showed at the look before."""

    def __init__(self, now: Clocks) -> None:
        self._before = now
        self._settled_at = now.boottime + SETTLING_S

    def settle(self, now: Clocks) -> None:
        """Begin anew, with a wall clock that has yet to be set."""
        self._before = now
        self._settled_at = now.boottime + SETTLING_S

    def look(self, now: Clocks, late_s: float = 0.0) -> str:
        """Return why the machine must have been stopped since the last look, or nothing.

        `late_s` is how late a timer came, where that is to count as a sign.
        """
        moved, self._before = passed(self._before, now), now
        if moved.suspended_s > JUMP_S:
            return f"suspended for {moved.suspended_s:.1f} s"
        if moved.wall_jump_s > JUMP_S and now.boottime >= self._settled_at:
            return f"the clock was set forward by {moved.wall_jump_s:.1f} s"
        if late_s > JUMP_S:
            return f"stopped for {late_s:.1f} s"
        return ""
