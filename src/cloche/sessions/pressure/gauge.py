"""How the machine stands, read at most once a second whoever asks, off the loop."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from cloche.clock import Clock
from cloche.concurrency.tasks import spawn
from cloche.process.pressure import HostReadings

GOOD_FOR_S: Final = 1.0
"""The kernel's own averages move every two seconds (psi.rst), and a hundred creates at once need one reading."""

_log = structlog.get_logger(__name__)


class Gauge:
    """Owns the last reading. Nothing runs while nobody asks."""

    def __init__(self, read: Callable[[], HostReadings], clock: Clock) -> None:
        """`read` blocks; what it raises counts as nothing known."""
        self._read, self._clock = read, clock
        self._last: HostReadings | None = None
        self._read_at = 0.0
        self._reading: asyncio.Task[HostReadings] | None = None

    async def readings(self) -> HostReadings:
        """The last, or where it is old a new one, which all who ask meanwhile share."""
        if self._last is not None and self._clock.monotonic() - self._read_at < GOOD_FOR_S:
            return self._last
        if self._reading is None or self._reading.done():
            self._reading = spawn(self._read_anew(), name="pressure-reading")
        # A task of its own: one that asks and goes away takes the reading from nobody else.
        return await asyncio.shield(self._reading)

    def forget(self) -> None:
        """Something was given up: what was read before says nothing any more."""
        self._last = self._reading = None

    async def _read_anew(self) -> HostReadings:
        began = self._clock.monotonic()
        try:
            found = await asyncio.to_thread(self._read)
        except (OSError, ValueError):
            _log.exception("pressure_not_read")
            found = HostReadings()
        if self._reading is asyncio.current_task():
            self._last, self._read_at = found, began
        return found
