"""What one viewer is still to be told: the fields of `state` merged, all else in order, and both bounded."""

import asyncio
from collections import deque
from collections.abc import Mapping
from time import monotonic
from typing import Any, Final

from cloche.live.messages import write_message
from cloche.sessions.live.interface import LiveNews

MAX_WAITING: Final = 32
"""Messages beside the state. The oldest go first: what a viewer did not read for so long is no news any more."""
APART_S: Final = 0.03
"""Between two deliveries. A page can change its title and its cursor at any rate; nobody sees more than this."""

Fields = Mapping[str, Any]


class News:
    """Owned by a seat. What is put in while nobody reads takes the place of what it changes."""

    def __init__(self) -> None:
        self._state: dict[str, Any] = {}
        self._others: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._clipboard: bytes | None = None
        self._is_there = asyncio.Event()
        self._next_at = 0.0

    def changed(self, fields: Fields) -> None:
        """Fields of `state` as they are now."""
        if fields:
            self._state.update(fields)
            self._is_there.set()

    def tell(self, type_: str, fields: Fields) -> None:
        self._others.append(write_message(type_, dict(fields)))
        self._is_there.set()

    def copied(self, text: str) -> None:
        """Only the last counts, and there is one of this size."""
        self._clipboard = write_message("clipboard", {"text": text})
        self._is_there.set()

    async def take(self) -> LiveNews:
        """Wait until there is something."""
        await self._is_there.wait()
        if (early_s := self._next_at - monotonic()) > 0:
            await asyncio.sleep(early_s)
        self._next_at = monotonic() + APART_S
        messages = [write_message("state", self._state)] if self._state else []
        messages += self._others
        if self._clipboard is not None:
            messages.append(self._clipboard)
        self._state, self._clipboard = {}, None
        self._others.clear()
        self._is_there.clear()
        return LiveNews(tuple(messages))
