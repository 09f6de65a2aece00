"""When it is somebody else's turn: long work on the agent's one loop stops for the others now and then."""

from typing import Final

from cloche.agent.loop import Loop

ENTRY_COST: Final = 2048
"""A file costs as much time as so many bytes, whatever is in it."""
_TURN_BYTES: Final = 512 * 1024


class Turns:
    """`if turns.due(cost): await turns.give()`: a check costs next to nothing, a turn costs a look at the kernel."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._spent = 0

    def due(self, cost: int = ENTRY_COST) -> bool:
        self._spent += cost
        return self._spent >= _TURN_BYTES

    async def give(self) -> None:
        self._spent = 0
        await self._loop.sleep(0)
