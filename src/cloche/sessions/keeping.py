"""What is kept of a session, and what is taken out of it: the parts of a runner that are not needed to run one."""

from collections.abc import Sequence
from typing import Protocol

import structlog

_log = structlog.get_logger(__name__)


class Kept(Protocol):
    """One part: the session's profile, its downloads. Made with the runner, and called by it in this order."""

    async def furnish(self) -> None:
        """The agent is there and the gateway is open; the browser has not been waited for. Not for adopted sessions.

        Raises: ClocheError: the session cannot start so.
        """
        ...

    async def begin(self) -> None:
        """The browser is up, and nobody is in yet; also of a session that was adopted. Raises: as `furnish`."""
        ...

    def browser_came(self) -> None:
        """Another browser is up, after one that had ended. Must not block."""
        ...

    def browser_went(self) -> None:
        """Must not block."""
        ...

    async def save(self, reason: str) -> None:
        """The session ends as somebody wished: its clients have left, and all else still runs. Must not raise."""
        ...

    async def close(self) -> None:
        """Let go of everything, at any point, also when the session is left to the next daemon."""
        ...


class Keeping:
    """All parts of one session, in order; they end in the opposite one. Owned by the runner."""

    def __init__(self, parts: Sequence[Kept] = ()) -> None:
        self._parts = tuple(parts)

    async def furnish(self) -> None:
        for part in self._parts:
            await part.furnish()

    async def begin(self) -> None:
        for part in self._parts:
            await part.begin()

    def browser_came(self) -> None:
        for part in self._parts:
            part.browser_came()

    def browser_went(self) -> None:
        for part in self._parts:
            part.browser_went()

    async def save(self, reason: str) -> None:
        for part in reversed(self._parts):
            try:
                await part.save(reason)
            except Exception:  # noqa: BLE001 - one turn of several: a session ends whether it could be saved or not
                _log.exception("session_part_not_saved")

    async def close(self) -> None:
        for part in reversed(self._parts):
            try:
                await part.close()
            except Exception:  # noqa: BLE001 - one turn of several: what will not go must not keep the rest standing
                _log.exception("session_part_left")
