"""Time as a thing that is handed in, so that tests can turn its hands."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What a concern may ask of time. `cloche.testing.clock.FakeClock` is the other implementation."""

    def now(self) -> datetime:
        """Wall-clock time, aware, UTC: for what is stored and shown."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards: for durations and deadlines."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()
