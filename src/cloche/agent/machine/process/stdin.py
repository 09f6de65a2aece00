"""A process's standard input: written as it is read, by one writer at a time, each for as long as it will wait."""

import os
from contextlib import suppress
from typing import Final

from cloche.agent.loop import Event, Loop

_PIECE_BYTES: Final = 64 * 1024
_END_OF_FILE: Final = b"\x04"
"""What ends the input of a program that reads lines from a terminal (VEOF, termios(3))."""


class Stdin:
    """Owned by one program. Closing it never takes a descriptor away from a writer that is waiting on it."""

    def __init__(self, loop: Loop, fd: int, *, is_terminal: bool) -> None:
        self._loop, self._fd, self._is_terminal = loop, fd, is_terminal
        self._is_writing = False
        self._is_ending = False
        self._free = Event(loop)
        """Pulsed whenever a writer is done."""

    @property
    def is_open(self) -> bool:
        return self._fd >= 0 and not self._is_ending

    async def write(self, data: bytes, deadline: float | None) -> int:
        """Return how many bytes were taken by the deadline. Raises: BrokenPipeError: it is closed, at either end."""
        view, taken = memoryview(data), 0
        try:
            while self._is_writing:
                await self._free.next(deadline)
        except TimeoutError:
            return 0
        self._is_writing = True
        try:
            while taken < len(data):
                self._require_open()
                try:
                    taken += os.write(self._fd, view[taken : taken + _PIECE_BYTES])
                    await self._loop.sleep(0)  # a program that is always ready must not keep the loop from the others
                except BlockingIOError:
                    await self._loop.writable(self._fd, deadline)
        except TimeoutError:
            return taken
        except OSError as error:  # a terminal whose program is gone says EIO
            raise BrokenPipeError("the process reads no more") from error
        finally:
            self._is_writing = False
            if self._is_ending:
                self.close()
            self._free.pulse()
        return taken

    async def end(self, deadline: float | None) -> None:
        """Tell the program that nothing more will come. On a terminal that is a character, and more may come.

        Raises:
            BrokenPipeError: it is closed.
        """
        if self._is_terminal:
            await self.write(_END_OF_FILE, deadline)
            return
        self._require_open()
        self.close()

    async def feed(self, data: bytes) -> None:
        """Write all of it, however long that takes, then end."""
        with suppress(BrokenPipeError):  # it does not want the rest
            await self.write(data, None)
            await self.end(None)

    def close(self) -> None:
        """At once, or as soon as the one who is writing is done."""
        self._is_ending = True
        if self._fd >= 0 and not self._is_writing:
            os.close(self._fd)
            self._fd = -1

    def _require_open(self) -> None:
        if not self.is_open:
            raise BrokenPipeError("the input is closed")
