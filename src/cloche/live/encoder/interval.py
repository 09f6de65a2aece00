"""How much time a picture has, for the rate control of encoders: their bits are shared out by it. Pure."""

from typing import Final

FIRST_S: Final = 1 / 30
SHORTEST_S: Final = 1 / 240
LONGEST_S: Final = 0.25
"""After a page that stood still for a minute, not a minute's bits are to be spent on one picture."""
_SMOOTHING: Final = 0.2
_MOST_SAVED_S: Final = 0.5
_CORRECTION: Final = 0.3


class Interval:
    """The time between a picture and the one before it, bounded, and the same smoothed."""

    def __init__(self) -> None:
        self._before_ms: int | None = None
        self.seconds = FIRST_S
        self.smooth_seconds = FIRST_S

    def next(self, taken_at_ms: int) -> None:
        """Take note of a picture. A clock that goes back counts as the shortest time."""
        if self._before_ms is not None:
            passed_s = (taken_at_ms - self._before_ms) / 1000
            self.seconds = min(max(passed_s, SHORTEST_S), LONGEST_S)
            self.smooth_seconds += _SMOOTHING * (self.seconds - self.smooth_seconds)
        self._before_ms = max(taken_at_ms, self._before_ms or 0)


class Balance:
    """What an encoder has spent beside what it might have; it is then told that much more, or less.

    A rate control that keeps a small buffer from running dry stays below its rate by itself.
    """

    def __init__(self) -> None:
        self._saved_s = 0.0
        """Seconds' worth of bits that were not spent; below 0: that were overspent."""

    def count(self, seconds: float, spent_bits: int, bits_per_second: int) -> None:
        saved_s = self._saved_s + seconds - spent_bits / max(bits_per_second, 1)
        self._saved_s = min(max(saved_s, -_MOST_SAVED_S), _MOST_SAVED_S)

    @property
    def factor(self) -> float:
        """By which to multiply the rate."""
        return 1 + _CORRECTION * self._saved_s / _MOST_SAVED_S
