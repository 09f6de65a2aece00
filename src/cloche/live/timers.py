"""What the live view needs of an event loop's time. asyncio's loops are `Timers`; tests have hands of their own."""

from collections.abc import Callable
from typing import Final, Protocol

SOONEST_S: Final = 0.001
"""The resolution of the loop's clock: no alarm rings sooner, so that one set for now does not keep the loop busy."""


class Handle(Protocol):
    def cancel(self) -> None: ...


class Timers(Protocol):
    def time(self) -> float:
        """Seconds, never backwards."""
        ...

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Handle: ...


class Alarm:
    """One timer for a thing that is often put off. It may ring before the time it was last set for, never after:
    whoever is called looks what is due and sets it again. So putting it off costs nothing."""

    def __init__(self, timers: Timers, ring: Callable[[], None]) -> None:
        self._timers = timers
        self._ring = ring
        self._handle: Handle | None = None
        self._when = 0.0

    @property
    def is_set(self) -> bool:
        return self._handle is not None

    def by(self, when: float) -> None:
        """Ring no later than `when`."""
        if self._handle is not None:
            if self._when <= when:
                return
            self._handle.cancel()
        self._when = when
        self._handle = self._timers.call_later(max(when - self._timers.time(), SOONEST_S), self._rang)

    def off(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _rang(self) -> None:
        self._handle = None
        self._ring()
