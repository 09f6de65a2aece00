"""What waits to be written to the host: a bounded queue that knows what may be dropped. Pure."""

from collections import deque
from typing import Final, NamedTuple

MAX_WAITING: Final = 256
_MAX_EVENT_BYTES: Final = 256 * 1024
"""With so much waiting no more events are taken: a name may make one as long as a line can be."""


class _Waiting(NamedTuple):
    line: bytes
    is_periodic: bool


class Outbox:
    """Lines in order. When it is full the oldest periodic one gives way: the next beat says the same, newer.

    Everything else is kept. It is bounded by who makes it: replies by `has_room` (the link reads no further command
    without it), changes in the workspace by `has_room_for_events` (who watches waits for it), browser reports by the
    restart budget, and register and deregister come once per connection.
    """

    def __init__(self, limit: int = MAX_WAITING) -> None:
        self._limit = limit
        self._waiting: deque[_Waiting] = deque()
        self._size_bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def has_room(self) -> bool:
        """There is room for a reply: half of the queue is kept for what the agent says unasked."""
        return len(self._waiting) < self._limit // 2

    @property
    def has_room_for_events(self) -> bool:
        """There is room for news of which there may be any number: a quarter, so that replies always have theirs."""
        return len(self._waiting) < self._limit // 4 and self._size_bytes < _MAX_EVENT_BYTES

    def put(self, line: bytes, *, is_periodic: bool = False) -> None:
        if len(self._waiting) >= self._limit:
            oldest = next((waiting for waiting in self._waiting if waiting.is_periodic), None)
            if oldest is not None:
                self._waiting.remove(oldest)
                self._size_bytes -= len(oldest.line)
                self.dropped += 1
            elif is_periodic:
                self.dropped += 1
                return
        self._waiting.append(_Waiting(line, is_periodic))
        self._size_bytes += len(line)

    def take(self, max_bytes: int) -> bytes:
        """Remove and return the next lines in one piece, at least one and otherwise up to `max_bytes`."""
        batch: list[bytes] = []
        size = 0
        while self._waiting and (not batch or size + len(self._waiting[0].line) <= max_bytes):
            line = self._waiting.popleft().line
            batch.append(line)
            size += len(line)
        self._size_bytes -= size
        return b"".join(batch)

    def clear(self) -> None:
        self._waiting.clear()
        self._size_bytes = 0
