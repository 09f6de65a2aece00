"""Tells all viewers what has changed, several changes together."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from cloche.sessions.live.seats import Seat

SOON_S: Final = 0.02
LATER_S: Final = 0.25
"""For what viewers say of themselves: each tells it to all."""
VIEWERS: Final = "viewers"
CONTROL: Final = "control"


class Telling:
    """Owned by the live service."""

    def __init__(
        self,
        seats: Callable[[], Iterable[Seat]],
        fields: Mapping[str, Callable[[], Any]],
        control_of: Callable[[Seat], Any],
    ) -> None:
        """`fields`: those of `state`, the same for all viewers. `control_of`: the one that is not."""
        self._seats = seats
        self._fields = fields
        self._control_of = control_of
        self._dirty: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    def changed(self, *names: str) -> None:
        if self._is_closed:
            return
        self._dirty.update(names)
        delay_s = LATER_S if self._dirty == {VIEWERS} else SOON_S
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            if self._timer.when() <= loop.time() + delay_s:
                return
            self._timer.cancel()
        self._timer = loop.call_later(delay_s, self._tell)

    def whole(self, seat: Seat) -> None:
        """All of it, for one who has just come."""
        seat.out.changed({name: value() for name, value in self._fields.items()} | {CONTROL: self._control_of(seat)})

    def close(self) -> None:
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()

    def _tell(self) -> None:
        self._timer = None
        names, self._dirty = self._dirty, set()
        news = {name: self._fields[name]() for name in names if name != CONTROL}
        for seat in self._seats():
            own = {CONTROL: self._control_of(seat)} if CONTROL in names else {}
            seat.out.changed(news | own)
