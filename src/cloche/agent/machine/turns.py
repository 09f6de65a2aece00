"""When it is somebody else's turn: long work on the agent's one loop stops for the others now and then."""

from collections.abc import Callable
from typing import Final

from cloche.agent.loop import Loop

ENTRY_COST: Final = 2048
"""A file costs as much time as so many bytes, whatever is in it."""
_TURN_BYTES: Final = 512 * 1024
_LOOK_COST: Final = _TURN_BYTES // 200 + 1
"""Two hundred entries of a directory, measured: well under a millisecond of looking at them."""


class Turns:
    """For one piece of work. `if turns.due(cost): await turns.give()`: a check costs next to nothing, a turn costs a
    look at the kernel."""

    def __init__(self, loop: Loop, check: Callable[[], object] = lambda: None) -> None:
        """`check` is called after each turn that others have had; what it raises ends the work."""
        self._loop, self._check = loop, check
        self._spent = 0

    def due(self, cost: int = ENTRY_COST) -> bool:
        self._spent += cost
        return self._spent >= _TURN_BYTES

    async def give(self) -> None:
        self._spent = 0
        await self._loop.sleep(0)
        self._check()

    async def take(self) -> None:
        """To be awaited for each entry that is only looked at: gives other tasks a turn after every two hundred."""
        if self.due(_LOOK_COST):
            await self.give()
