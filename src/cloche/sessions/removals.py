"""The removal of sandboxes in which nothing lives any more: behind the back of whoever ended the session, and bounded.

What its owner waits for is that everything inside is dead; directory, control group and host uid go a moment later.
A uid is given out again only when its directory is gone, so nobody meets what another left. A daemon that is killed
in between finds the directory at its next start, as it finds that of any other sandbox nobody wants.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import structlog

from cloche.concurrency.tasks import spawn
from cloche.ids import SessionId

AT_ONCE: Final = 8
MOST: Final = 64
"""Under way and waiting. Above this many whoever ends a session waits with it."""

_log = structlog.get_logger(__name__)


class Removals:
    """Shared by all runners. `settled` before the daemon ends."""

    def __init__(self, *, at_once: int = AT_ONCE, most: int = MOST) -> None:
        self._most = most
        self._turns = asyncio.Semaphore(at_once)
        self._going: dict[SessionId, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._going)

    async def begin(self, session_id: SessionId, removal: Coroutine[Any, Any, None]) -> None:
        """Have it removed, and return at once unless there are too many. Cancelled or not, it will be removed."""
        task = spawn(self._remove(session_id, self._going.get(session_id), removal), name=f"remove:{session_id}")
        self._going[session_id] = task
        task.add_done_callback(lambda _: self._forget(session_id, task))
        while len(self._going) > self._most:
            await asyncio.wait(self._going.values(), return_when=asyncio.FIRST_COMPLETED)

    async def gone(self, session_id: SessionId) -> None:
        """Wait until what was there under this id has been removed: a session can have another sandbox."""
        if (task := self._going.get(session_id)) is not None:
            await asyncio.wait({task})

    async def settled(self) -> None:
        while self._going:
            await asyncio.wait(self._going.values())

    async def _remove(
        self, session_id: SessionId, before: "asyncio.Task[None] | None", removal: Coroutine[Any, Any, None]
    ) -> None:
        if before is not None:
            await asyncio.wait({before})
        async with self._turns:
            try:
                await removal
            except Exception:  # noqa: BLE001 - the top of a task: the next start finds what is left, and removes it
                _log.exception("sandbox_not_removed", session=session_id)

    def _forget(self, session_id: SessionId, task: "asyncio.Task[None]") -> None:
        if self._going.get(session_id) is task:
            del self._going[session_id]
