"""How much time a picture has, for the rate control of encoders: their bits are shared out by it. Pure."""

from typing import Final

FIRST_S: Final = 1 / 30
SHORTEST_S: Final = 1 / 240
LONGEST_S: Final = 0.25
"""After a page that stood still for a minute, not a minute's bits are to be spent on one picture."""
_SMOOTHING: Final = 0.2


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
