"""A clock whose hands a test turns."""

from datetime import UTC, datetime, timedelta
from typing import Final

_START: Final = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    """A `cloche.clock.Clock` that stands still until `advance`. Both its times move together."""

    def __init__(self, now: datetime = _START, monotonic: float = 1000.0) -> None:
        self._now = now
        self._monotonic = monotonic

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass. Raises ValueError for a negative number: monotonic time never runs back."""
        if seconds < 0:
            raise ValueError("monotonic time does not run backwards")
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def set_wall_clock(self, now: datetime) -> None:
        """Set the wall clock alone, as an administrator or NTP does; monotonic time does not notice."""
        self._now = now
