"""A session's event stream as it is read: where it stands, and what a drop means. Pure."""

from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from cloche.client.answers import Event
from cloche.errors import InternalError, LostError

ENDS: Final = frozenset({"session.closed", "session.failed"})
"""After one of these nothing comes any more."""
MAX_ATTEMPTS: Final = 5
"""Drops in a row, without an event between them, before giving up."""


@dataclass(slots=True)
class EventPosition:
    """Follows one session's events over any number of connections."""

    after: int | None = None
    has_ended: bool = False
    attempts: int = 0

    def take(self, data: str) -> Event:
        """Read one event's `data` and move on. Raises: InternalError."""
        try:
            event = Event.model_validate_json(data)
        except ValidationError as error:
            raise InternalError("the server's answer was not understood") from error
        self.after, self.attempts = event.id, 0
        self.has_ended = event.type in ENDS
        return event

    def pause_s(self) -> float:
        """Note that a connection ended before the session; how long to wait before the next. Raises: LostError."""
        self.attempts += 1
        if self.attempts > MAX_ATTEMPTS:
            raise LostError("the event stream was lost")
        return min(0.25 * (1 << self.attempts), 5.0)
