"""A worker's share of a byte budget: bytes that the daemon has set aside, used up here without asking for each."""

from collections.abc import Callable
from typing import Final

LEASE_BYTES: Final = 64 << 20
"""What is asked for at a time; again when half of it is used."""


class Lease:
    """One account's. `ask` is called when there is little left, and `grant` with the answer."""

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._left = 0
        self._is_last = False
        self._is_asking = True  # the first grant comes unasked
        self._waiting: list[Callable[[], None]] = []

    def take(self, count: int) -> int:
        """How many of `count` bytes may pass now."""
        granted = min(count, self._left)
        self._left -= granted
        if self._left < LEASE_BYTES // 2 and not (self._is_asking or self._is_last):
            self._is_asking = True
            self._ask()
        return granted

    def refill(self, resume: Callable[[], None]) -> bool:
        """Whether there may be more; `resume` is called once when there is, or when it is known that there is none."""
        if self._is_last and not self._left:
            return False
        self._waiting.append(resume)
        return True

    def grant(self, count: int, *, is_last: bool) -> None:
        self._left += count
        self._is_last, self._is_asking = is_last, False
        waiting, self._waiting = self._waiting, []
        for resume in waiting:
            resume()
