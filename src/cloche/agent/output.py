"""What a browser prints: always read, so that it never blocks on a full pipe, and the end of it kept."""

import os
from typing import Final

from cloche.agent.loop import Loop
from cloche.agent.procfs import printable

KEPT_BYTES: Final = 64 * 1024
TAIL_BYTES: Final = 2048


class Output:
    """The last 64 KiB of one browser's stdout and stderr."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def add(self, data: bytes) -> None:
        self._kept += data
        del self._kept[:-KEPT_BYTES]

    def tail(self) -> str:
        """Return the last whole lines that fit into 2 KiB of UTF-8, with nothing in them but printable characters."""
        text = printable(self._kept.decode("utf-8", "replace")).strip()
        if len(text.encode()) <= TAIL_BYTES:
            return text
        end = text.encode()[-TAIL_BYTES:].decode("utf-8", "ignore")
        _, newline, lines = end.partition("\n")
        return lines if newline else end

    async def drain(self, loop: Loop, fd: int) -> None:
        """Read until every process that holds the other end has closed it."""
        while True:
            await loop.readable(fd)
            try:
                data = os.read(fd, 64 * 1024)
            except BlockingIOError:
                continue
            if not data:
                return
            self.add(data)
