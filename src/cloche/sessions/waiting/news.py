"""What the queue tells whoever counts."""

from enum import StrEnum
from typing import Protocol

from cloche.sessions.admission import Refused


class Outcome(StrEnum):
    """What became of one that waited; a metric's label."""

    ADMITTED = "admitted"
    TIMED_OUT = "timed_out"
    LEFT = "left"
    """Its client went away, or its session was closed."""
    REFUSED = "refused"
    STOPPED = "stopped"


class QueueNews(Protocol):
    def waiting(self, length: int) -> None: ...

    def waited(self, outcome: Outcome, waited_s: float) -> None: ...

    def short_of(self, resource: Refused | None) -> None:
        """What the machine was short of at the last look."""
        ...
