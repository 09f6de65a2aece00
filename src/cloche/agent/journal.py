"""What was said and what happened in a session, kept in bounds from its start: what the logs of it are read from."""

import time
from collections import deque
from itertools import islice
from typing import Final, NamedTuple

from cloche.agent.loop import Event, Loop
from cloche.agent.procfs import printable

KEPT_BYTES: Final = 256 * 1024
"""Of each source."""
MAX_LINE_BYTES: Final = 4096
"""Of UTF-8; what is longer is cut."""
SOURCES: Final = ("supervisor", "browser", "agent")

_LINE_BYTES: Final = 192
"""What a line takes besides its characters: a tuple, two numbers, the head of a string. So empty ones count too."""


class Line(NamedTuple):
    number: int
    """Counts from 1 for each source, over the agent's whole life."""
    at: float
    """Seconds since the epoch when it was said."""
    text: str


class Journal:
    """Owned by `lifecycle`. Adding never waits and never fails; the oldest lines go when there are too many."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._sources: dict[str, _Source] = {}

    def add(self, source: str, text: str) -> None:
        """One line, without its end; what is no printable character is replaced."""
        of = self._of(source)
        of.last += 1
        line = Line(of.last, time.time(), _clean(text))
        of.lines.append(line)
        of.size_bytes += _cost(line)
        while of.size_bytes > KEPT_BYTES:
            of.size_bytes -= _cost(of.lines.popleft())
        of.changed.pulse()

    def after(self, source: str, number: int, limit: int = 256) -> list[Line]:
        """The lines that are still there with a larger number, oldest first, at most `limit`."""
        of = self._of(source)
        skipped = max(0, number - (of.last - len(of.lines)))
        return list(islice(of.lines, skipped, skipped + limit))

    def tail(self, source: str, count: int) -> int:
        """The number after which the last `count` lines stand; with fewer there, the one before the oldest."""
        of = self._of(source)
        return of.last - min(count, len(of.lines))

    def changed(self, source: str) -> Event:
        """Pulsed with every line."""
        return self._of(source).changed

    def _of(self, source: str) -> "_Source":
        found = self._sources.get(source)
        if found is None:
            found = self._sources[source] = _Source(self._loop)
        return found


class _Source:
    def __init__(self, loop: Loop) -> None:
        self.lines: deque[Line] = deque()
        self.last = 0
        self.size_bytes = 0
        self.changed = Event(loop)


def _clean(text: str) -> str:
    """One line of printable characters; a line break or a tab within it becomes a blank."""
    text = printable(text[:MAX_LINE_BYTES].replace("\n", " ").replace("\t", " "))
    return text if text.isascii() else text.encode()[:MAX_LINE_BYTES].decode("utf-8", "ignore")


def _cost(line: Line) -> int:
    """An upper bound of its memory: a character outside ASCII makes all of its string wider, up to 4 bytes each."""
    return _LINE_BYTES + len(line.text) * (1 if line.text.isascii() else 4)
