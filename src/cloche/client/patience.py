"""How long a call that found no room is asked again. Pure but for the clock it is given."""

import time
from collections.abc import Callable

from cloche.errors import CapacityError


class Patience:
    """Of one call: from its making on it lasts `for_s` seconds."""

    def __init__(self, for_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = clock() + for_s

    def pause_s(self, refusal: CapacityError) -> float:
        """How long to wait until asking again, as the server said. Raises `refusal` when that would be too late."""
        wait_s = float(max(1, refusal.retry_after_s))
        if self._clock() + wait_s > self._until:
            raise refusal
        return wait_s
