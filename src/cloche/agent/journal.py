"""What was said and what happened in a session, kept in bounds from its start: what the logs of it are read from."""

from typing import Final, NamedTuple

from cloche.agent.loop import Event, Loop

KEPT_BYTES: Final = 256 * 1024
"""Of each source."""
SOURCES: Final = ("supervisor", "browser", "agent")


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

    def add(self, source: str, text: str) -> None:
        """One line, without its end; what is no printable character is replaced."""
        raise NotImplementedError

    def after(self, source: str, number: int, limit: int = 256) -> list[Line]:
        """The lines that are still there with a larger number, oldest first, at most `limit`."""
        raise NotImplementedError

    def tail(self, source: str, count: int) -> int:
        """The number after which the last `count` lines stand."""
        raise NotImplementedError

    def changed(self, source: str) -> Event:
        """Pulsed with every line."""
        raise NotImplementedError
