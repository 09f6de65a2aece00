"""How often somebody may come by a link: whoever has one can come and go without end, and each time is written down.

Pure. Who comes with a key is known by it, and is not held up by those.
"""

from typing import Final

AT_ONCE: Final = 100
PER_SECOND: Final = 1.0


class Arrivals:
    """Of one session; owned by its live service."""

    def __init__(self) -> None:
        self._left, self._at = float(AT_ONCE), float("-inf")

    def take(self, now: float) -> bool:
        """Whether one more may come. `now`: monotonic, in seconds."""
        self._left = min(AT_ONCE, self._left + max(0.0, now - self._at) * PER_SECOND)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
