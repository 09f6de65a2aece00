"""One session's place: waited for, held, given back. Each step happens once at most, whatever is cancelled when.

waiting ──granted──► held ──give_back──► over
   └──── refused, or given back before its turn ────┘
"""

import asyncio
from collections.abc import Callable
from enum import Enum
from typing import Final, Protocol

from cloche.errors import CapacityError, NoRoomError
from cloche.ids import PrincipalName

TELL_EVERY_S: Final = 1.0
"""Who is told of its position is told no more often: each place that comes free moves all who wait."""

Told = Callable[[int, int], None]
"""The position, from 1, and how many wait."""


class State(Enum):
    WAITING = 1
    HELD = 2
    OVER = 3


class PlaceKeeper(Protocol):
    """What the queue does for its places."""

    def position_of(self, place: "Place") -> int:
        """From 1, of one that waits."""
        ...

    def tell(self, place: "Place") -> None:
        """Have `stands_at` called."""
        ...

    def left(self, place: "Place", was: State) -> None:
        """It was given back; `was` tells whether it was held or waited for."""
        ...


class Place:
    """Made by the queue alone. Whoever holds it gives it back, also when it was never granted."""

    def __init__(self, keeper: PlaceKeeper, principal: PrincipalName, *, since: float, deadline: float) -> None:
        self.principal: Final = principal
        self.since: Final = since
        self.deadline: Final = deadline
        self.waited_s = 0.0
        """How long it was waited for, once it was granted."""
        self._keeper = keeper
        self._state = State.WAITING
        self._granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._told: Told | None = None
        self._told_last = (0, 0.0)

    @property
    def is_waiting(self) -> bool:
        return self._state is State.WAITING

    @property
    def position(self) -> int | None:
        """From 1 while it is waited for, else None. It can grow: who has asked for fewer places is served before."""
        return self._keeper.position_of(self) if self.is_waiting else None

    async def granted(self, told: Told | None = None) -> None:
        """Wait until it is held; `told` hears of each new position, the first at once. Cancelled, it is given back.

        Raises:
            NoRoomError: its time has passed (`queue_timeout`), or the server stops.
            QuotaError: the principal has as many sessions as it may by now.
        """
        self._told = told
        if self.is_waiting:
            self._keeper.tell(self)
        try:
            await self._granted
        except asyncio.CancelledError:
            self.give_back()  # it may have been granted in the very moment
            raise

    def give_back(self) -> None:
        """Give it to the next, or leave the queue. Nothing happens the second time."""
        was, self._state = self._state, State.OVER
        if was is State.OVER:
            return
        if not self._granted.done():
            self._refuse(NoRoomError("the place was given back"))
        self._keeper.left(self, was)

    # --- the queue's side -------------------------------------------------------------------------------------------

    def grant(self, now: float) -> None:
        self._state, self.waited_s = State.HELD, now - self.since
        if not self._granted.done():  # who waits may have been cancelled just now, and gives it back when it learns
            self._granted.set_result(None)

    def refuse(self, error: CapacityError) -> None:
        self._state = State.OVER
        if not self._granted.done():
            self._refuse(error)

    def stands_at(self, position: int, waiting: int, now: float) -> None:
        """Tell whoever wants to know, unless that was just done."""
        last, told_at = self._told_last
        if self._told is not None and position != last and (not last or now - told_at >= TELL_EVERY_S):
            self._told_last = position, now
            self._told(position, waiting)

    def _refuse(self, error: CapacityError) -> None:
        self._granted.set_exception(error)
        self._granted.exception()  # looked at: nobody need wait for one that has left
