"""What is kept of a session, and what is taken out of it: the parts of a runner that are not needed to run one."""

from collections.abc import Sequence
from typing import Protocol

import structlog

_log = structlog.get_logger(__name__)


class Kept(Protocol):
    """One part: the session's profile, its downloads. Made with the runner, and called by it in this order."""

    @property
    def is_at_work(self) -> bool:
        """It is in the middle of something that does not bear to be stopped: the session does not sleep meanwhile."""
        return False  # most only ever work for somebody who is counted: this need not be overridden

    def prepare(self) -> None:
        """The sandbox is about to be built: what takes time can begin. Not for adopted sessions. Must not block."""
        return  # most have nothing to begin with: this need not be overridden

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

    async def client_comes(self) -> None:
        """A client, or the browser service, is about to be let to the browser. Must not raise, nor wait for long."""
        return  # most have nothing to do before that: this need not be overridden

    def client_left(self) -> None:
        """A DevTools client has gone, and with it what it alone had set. Must not block."""
        return  # to most that is nothing: this need not be overridden

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
        self._lent: Kept | None = None

    @property
    def is_at_work(self) -> bool:
        return any(part.is_at_work for part in self._parts) or (self._lent is not None and self._lent.is_at_work)

    def lend(self, part: Kept) -> None:
        """For one task: it is asked whether it is at work, and closed with the others. The next takes its place."""
        self._lent = part

    def prepare(self) -> None:
        for part in self._parts:
            part.prepare()

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

    async def client_comes(self) -> None:
        for part in self._parts:
            await part.client_comes()

    def client_left(self) -> None:
        for part in self._parts:
            part.client_left()

    async def save(self, reason: str) -> None:
        for part in reversed(self._parts):
            try:
                await part.save(reason)
            except Exception:  # noqa: BLE001 - one turn of several: a session ends whether it could be saved or not
                _log.exception("session_part_not_saved")

    async def close(self) -> None:
        lent = () if self._lent is None else (self._lent,)
        for part in (*lent, *reversed(self._parts)):
            try:
                await part.close()
            except Exception:  # noqa: BLE001 - one turn of several: what will not go must not keep the rest standing
                _log.exception("session_part_left")
