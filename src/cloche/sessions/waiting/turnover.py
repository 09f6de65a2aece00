"""How often places come free, and so when it makes sense to ask again. Pure."""

import math
from collections import deque
from typing import Final

LEAST_S: Final = 1
MOST_S: Final = 60
UNKNOWN_S: Final = 5
"""Where no place has come free yet."""
REMEMBERED: Final = 32


class Turnover:
    """Remembers when the last places came free, in seconds of a clock that does not run back."""

    def __init__(self) -> None:
        self._freed: deque[float] = deque(maxlen=REMEMBERED)

    def freed(self, now: float) -> None:
        """A place came free."""
        self._freed.append(now)

    def retry_after_s(self, ahead: int, now: float) -> int:
        """How long, in whole seconds, until one more place than `ahead` may be expected to have come free."""
        if not self._freed:
            return UNKNOWN_S
        # Up to now, and not up to the last: when none comes free any more, the answer grows.
        each_s = max(0.0, now - self._freed[0]) / len(self._freed)
        return min(MOST_S, max(LEAST_S, math.ceil(each_s * (ahead + 1))))
