"""Long work, cut so that the agent's other tasks get their turns."""

from typing import Final

from cloche.agent.loop import Loop

_EVERY: Final = 200
"""Entries of a directory, measured: well under a millisecond of looking at them."""


class Turns:
    """For one piece of work."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._done = 0

    async def take(self) -> None:
        """To be awaited for each entry: gives other tasks a turn after every two hundred."""
        self._done += 1
        if self._done % _EVERY == 0:
            await self._loop.sleep(0)
