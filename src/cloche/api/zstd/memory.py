"""Memory that streams share: a weighted semaphore, first come, first served, with a deadline."""

import asyncio
from collections import deque

from cloche.errors import BusyError


class MemoryBudget:
    """Owned by the codec. What is taken must be given back by whoever took it."""

    def __init__(self, total_bytes: int, *, wait_s: float) -> None:
        self._free = total_bytes
        self._wait_s = wait_s
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def free_bytes(self) -> int:
        return self._free

    async def take(self, size: int) -> None:
        """Wait for `size` bytes of room. Raises: BusyError when there was none in time."""
        if not self._waiting and size <= self._free:
            self._free -= size
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (size, granted)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(self._wait_s):
                await granted
        except BaseException as error:
            if granted.done() and not granted.cancelled():
                self.give(size)  # granted in the very turn in which the wait was given up
            elif entry in self._waiting:
                self._waiting.remove(entry)
                self._grant()
            if isinstance(error, TimeoutError):
                raise BusyError("too many archives are on their way; try again soon") from None
            raise

    def give(self, size: int) -> None:
        self._free += size
        self._grant()

    def _grant(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            size, granted = self._waiting.popleft()
            if not granted.cancelled():
                self._free -= size
                granted.set_result(None)
