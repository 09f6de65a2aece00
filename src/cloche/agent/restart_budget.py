"""How often a browser may be started again, and how long to wait before each time. Pure: time is an argument."""

from collections import deque
from typing import Final

FIRST_DELAY_S: Final = 0.1
MAX_DELAY_S: Final = 5.0


class RestartBudget:
    """Allows `limit` restarts within any `window_s` seconds; the waits double from 0.1 s to 5 s as it is used up."""

    def __init__(self, limit: int, window_s: float) -> None:
        self._limit = limit
        self._window_s = window_s
        self._spent: deque[float] = deque()

    def spent(self, now: float) -> int:
        """Return the restarts within the window that ends now."""
        while self._spent and self._spent[0] <= now - self._window_s:
            self._spent.popleft()
        return len(self._spent)

    def spend(self, now: float, jitter: float) -> float | None:
        """Take one restart; return the seconds to wait before it, or None when nothing is left.

        `jitter` is a random number from 0 to 1: hosts that lose all their browsers at once do not start them at once.
        """
        spent = self.spent(now)
        if spent >= self._limit:
            return None
        self._spent.append(now)
        delay: float = min(MAX_DELAY_S, FIRST_DELAY_S * 2.0 ** min(spent, 16))
        return delay * (0.5 + jitter / 2)
