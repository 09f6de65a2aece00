"""How many actions a session has taken and may still take. Pure: the clock, in monotonic seconds, is an argument."""

from collections import deque
from math import ceil

from cloche.browser.contract.common import ActionError, Failure


class Meter:
    """Owned by the session's browser service. What is refused is not counted.

    The window slides: in no stretch of `window_ms` are more than `per_window` actions let through.
    """

    def __init__(self, *, actions: int, per_window: int, window_ms: int, taken: int = 0) -> None:
        """`taken`: what an earlier daemon has counted already."""
        self.taken = taken
        self._actions = actions
        self._per_window = per_window
        self._window_s = window_ms / 1000
        self._recent: deque[float] = deque(maxlen=per_window)

    @property
    def left(self) -> int:
        return max(0, self._actions - self.taken)

    def window_left(self, now: float) -> int:
        self._forget_before(now)
        return self._per_window - len(self._recent)

    def resets_in_ms(self, now: float) -> int:
        """When the window next has room; 0 when it has."""
        if self.window_left(now) > 0:
            return 0
        return max(1, ceil((self._recent[0] + self._window_s - now) * 1000))

    def check(self, now: float) -> None:
        """Raises: ActionError (`budget_exhausted`, `rate_limited`) when `take` would."""
        if self.left == 0:
            raise ActionError(Failure.BUDGET_EXHAUSTED, f"all {self._actions} actions of the session are used up")
        if (wait_ms := self.resets_in_ms(now)) > 0:
            window_ms = round(self._window_s * 1000)
            raise ActionError(
                Failure.RATE_LIMITED, f"{self._per_window} actions in {window_ms} ms; the next in {wait_ms} ms"
            )

    def take(self, now: float) -> None:
        """Count one action. Raises: ActionError (`budget_exhausted`, `rate_limited`)."""
        self.check(now)
        self.taken += 1
        self._recent.append(now)

    def _forget_before(self, now: float) -> None:
        while self._recent and now - self._recent[0] >= self._window_s:
            self._recent.popleft()
