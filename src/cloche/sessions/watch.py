"""The watch over a session that is up: its end when the time has come, its accounts, an agent that says nothing."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import structlog

from cloche.clock import Clock
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import ClocheError
from cloche.sessions.idle import Activity, next_end
from cloche.sessions.model import EndReason, Session

WATCH_EVERY_S: Final = 10.0

_log = structlog.get_logger(__name__)


class WatchOwner(Protocol):
    """What a runner does for it."""

    @property
    def session(self) -> Session: ...

    @property
    def users(self) -> int:
        """How many use the session now."""
        ...

    @property
    def is_asleep(self) -> bool: ...

    async def refresh_usage(self) -> None: ...

    async def count_programs(self) -> int:
        """Ask the agent how many of a user's programs run. Raises: ClocheError."""
        ...

    def drop_if_silent(self) -> None: ...

    def end(self, reason: EndReason) -> None: ...


class Watch:
    """Owned by the runner: `begin` once the session is up, then `close`."""

    def __init__(self, owner: WatchOwner, clock: Clock, on_usage: Callable[[], Awaitable[None]]) -> None:
        self._owner, self._clock, self._on_usage = owner, clock, on_usage
        self._last_active_at = clock.now()
        self._end_may_move = asyncio.Event()
        self._accounts_are_stale = False
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._last_active_at = self._clock.now()
        self._task = spawn(self._go_on(), name=f"watch:{self._owner.session.id}")

    async def close(self) -> None:
        await cancel_and_wait(self._task)

    def used(self) -> None:
        """Somebody came, went, or does something."""
        self._last_active_at = self._clock.now()
        self._end_may_move.set()

    def end_moved(self) -> None:
        """The session's expiry was changed."""
        self._end_may_move.set()

    def look_at_accounts(self) -> None:
        """Read them now and not with the next regular reading."""
        self._accounts_are_stale = True
        self._end_may_move.set()

    async def _go_on(self) -> None:
        while True:
            session = self._owner.session
            end = next_end(
                expires_at=session.expires_at,
                idle_timeout_s=session.options.idle_timeout_s,
                activity=Activity(self._last_active_at, self._owner.users),
            )
            left_s = (end.at - self._clock.now()).total_seconds()
            if left_s <= 0:
                if end.reason is EndReason.IDLE_TIMEOUT and await self._runs_programs():
                    continue
                self._owner.end(end.reason)
                return
            self._end_may_move.clear()
            # Not `wait_for`, which in Python 3.11 forgets a cancellation that comes together with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, WATCH_EVERY_S)):
                    await self._end_may_move.wait()
                if not self._accounts_are_stale:
                    continue
            self._accounts_are_stale = False
            await self._owner.refresh_usage()
            await self._on_usage()
            if not self._owner.is_asleep:
                self._owner.drop_if_silent()

    async def _runs_programs(self) -> bool:
        """Ask the agent: its last heartbeat may be older than the last program. One that sleeps had none."""
        if not self._owner.session.options.machine or self._owner.is_asleep:
            return False
        try:
            return await self._owner.count_programs() > 0
        except ClocheError as error:
            _log.warning("programs_not_counted", session=self._owner.session.id, exc_info=error)
            return False
