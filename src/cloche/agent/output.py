"""What a browser prints: always read, so that it never blocks on a full pipe, and the end of it kept."""

import os
from collections.abc import Callable
from typing import Final

from cloche.agent.loop import Loop
from cloche.agent.procfs import printable

KEPT_BYTES: Final = 64 * 1024
TAIL_BYTES: Final = 2048
MAX_LINE_BYTES: Final = 4096
"""A longer line is told in pieces of this size."""
MAX_LINES: Final = 256
"""So many are told of one reading: a browser that prints empty lines as fast as it can must not take the loop."""


class Output:
    """The last 64 KiB of one browser's stdout and stderr."""

    def __init__(self, on_line: Callable[[str], object] = lambda _line: None) -> None:
        """`on_line` is given each line, without its end, once it is whole."""
        self._kept = bytearray()
        self._on_line = on_line
        self._unfinished = b""

    def add(self, data: bytes) -> None:
        self._kept += data
        del self._kept[:-KEPT_BYTES]
        *lines, self._unfinished = (self._unfinished + data).split(b"\n")
        if len(lines) > MAX_LINES:
            self._on_line(f"({len(lines) - MAX_LINES} lines left out)")
        for line in lines[-MAX_LINES:]:
            self._tell(line)
        if len(self._unfinished) >= MAX_LINE_BYTES:
            self._tell(self._unfinished)
            self._unfinished = b""

    def close(self) -> None:
        """Nothing more will come: tell the line that has no end."""
        if self._unfinished:
            self._tell(self._unfinished)
        self._unfinished = b""

    def _tell(self, line: bytes) -> None:
        for start in range(0, max(1, len(line)), MAX_LINE_BYTES):
            self._on_line(line[start : start + MAX_LINE_BYTES].decode("utf-8", "replace"))

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
