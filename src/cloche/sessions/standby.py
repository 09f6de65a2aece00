"""Standby: a session that nobody uses is stopped where it stands, and goes on before anyone is served.

Who uses a session is counted by its runner (clients, viewers, actions, programs). What is asked of a session that
sleeps needs no word with this: coming is being counted, being counted begins the wake, and whatever was said meanwhile
waits in the sockets, in order.

    awake ──(nobody for `after_s`, or by hand)──► asleep ──(somebody, or by hand)──► awake
                                                    └──(`deeper_after_s`)──► `slept_long`: it may be hibernated
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from cloche.clock import Clock
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import ClocheError, ConflictError

NAP_S: Final = 1.0
"""After somebody has been served: the shortest time until it sleeps again, whatever was asked for."""
BY_HAND: Final = "by_hand"
AGAIN_S: Final = 5.0
"""A sandbox that could not be stopped is tried again after so long."""

_log = structlog.get_logger(__name__)


class StandbyOwner(Protocol):
    """What a runner does for it."""

    @property
    def users(self) -> int:
        """How many use the session now."""
        ...

    @property
    def is_at_work(self) -> bool:
        """It is in the middle of something of its own: a download, a recording, a save."""
        ...

    async def get_ready(self, *, insists: bool) -> None:
        """Have what runs inside get ready to be stopped, which may take a while; `insists`: if it can be had at all.

        Raises: ConflictError: it is not to be stopped now.
        """
        ...

    def go_on(self) -> None:
        """It has got ready, wholly or in part, and is not stopped. Never waits, never fails."""
        ...

    async def freeze(self) -> None:
        """Stop the sandbox. Raises: ClocheError; then it goes on."""
        ...

    async def thaw(self) -> None:
        """Raises: ClocheError."""
        ...

    async def reclaim(self) -> None:
        """Have the host take back what memory it can. May take a while."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StandbyNews:
    """Told of each change, in order; what is slow about telling holds up nobody who wakes the session."""

    fell_asleep: Callable[[str], Awaitable[None]]
    """Why: `idle` or `by_hand`."""
    woke: Callable[[float, float], Awaitable[None]]
    """For how many seconds it slept, and how many the wake took."""
    slept_long: Callable[[], None] = lambda: None
    """It has slept for `deeper_after_s`. Must not block."""


class Standby:
    """Owned by the runner: `begin` once the session is up, `users_changed` at each change, `end` before its end."""

    def __init__(
        self,
        owner: StandbyOwner,
        news: StandbyNews,
        clock: Clock,
        *,
        after_s: float | None,
        name: str,
        deeper_after_s: float | None = None,
    ) -> None:
        """`after_s`: None never puts it to sleep by itself."""
        self._owner, self._news, self._clock, self._after_s, self._name = owner, news, clock, after_s, name
        self._deeper_after_s = deeper_after_s
        self._turn = asyncio.Lock()
        self._asleep_since: float | None = None
        self._is_falling = False
        self._ended = False
        self._somebody_came = asyncio.Event()
        """Since it began to fall asleep, or was held; also its end."""
        self._timer: asyncio.TimerHandle | None = None
        self._deeper: asyncio.TimerHandle | None = None
        self._napping: asyncio.Task[None] | None = None
        self._waking: asyncio.Task[None] | None = None
        self._reclaiming: asyncio.Task[None] | None = None

    @property
    def is_asleep(self) -> bool:
        return self._asleep_since is not None

    @property
    def asleep_since(self) -> float | None:
        """Of the monotonic clock; None while it is awake."""
        return self._asleep_since

    def begin(self) -> None:
        self._wait()

    def users_changed(self) -> None:
        """Somebody came or went. Never waits, never fails."""
        if self._ended:
            return
        if self._owner.users:
            self._forget_timer()
            self._somebody_came.set()
            if (self.is_asleep or self._is_falling) and (self._waking is None or self._waking.done()):
                self._waking = spawn(self._wake_for_them(), name=f"wake:{self._name}")
        elif self._timer is None:
            self._wait()

    async def sleep(self) -> None:
        """Put it to sleep now. Nothing happens to one that sleeps.

        Raises:
            ConflictError: somebody uses it, or came meanwhile (`session_in_use`); it has ended.
            ClocheError: what stopping it raises; it goes on.
        """
        # A task of its own, as in `wake`: who asked may hang up, and what is half stopped must not stay so.
        await asyncio.shield(spawn(self._fall_asleep(BY_HAND), name=f"sleep:{self._name}"))

    async def wake(self) -> None:
        """Let it go on. Nothing happens to one that is awake. Raises: ClocheError."""
        await asyncio.shield(spawn(self._wake(), name=f"wake:{self._name}"))

    @asynccontextmanager
    async def held(self) -> AsyncGenerator[asyncio.Event]:
        """In the block it is awake and nobody is there; it is neither put to sleep nor woken, but may be `left`.

        The event says that somebody has come, or that it is to end: whoever holds it then lets go soon.
        Raises: ConflictError (`session_in_use`); ClocheError, what thawing raises.
        """
        async with self._turn:
            self._require_nobody()
            self._somebody_came.clear()
            slept = await self._thaw()
            self._forget_timer()
            try:
                yield self._somebody_came
            finally:
                self._wait()
                if slept is not None and not self._ended:
                    await self._news.woke(*slept)

    def left(self) -> None:
        """What it stood for is gone: it does nothing more."""
        self._ended = True
        self._forget_timer()

    async def _wake(self) -> None:
        async with self._turn:
            if (slept := await self._thaw()) is not None:
                self._wait()
                await self._news.woke(*slept)

    async def _thaw(self) -> tuple[float, float] | None:
        """For how long it slept, and how long this took; None for one that did not."""
        if self._asleep_since is None:
            return None
        began = self._clock.monotonic()
        slept_s = began - self._asleep_since
        await self._owner.thaw()
        self._asleep_since = None
        self._forget_deeper()
        return slept_s, self._clock.monotonic() - began

    async def end(self) -> None:
        """Have it awake for good: its end is near, and what is to be kept of it is asked for."""
        self._ended = True
        self._somebody_came.set()
        self._forget_timer()
        await cancel_and_wait(self._reclaiming)
        try:
            await self.wake()  # after whoever is just putting it to sleep, and is not cut short
        except ClocheError:
            _log.warning("session_not_woken", session=self._name, exc_info=True)
        await cancel_and_wait(self._napping, self._waking)  # they find nothing left to do

    async def _fall_asleep(self, why: str) -> None:
        async with self._turn:
            if self.is_asleep and not self._ended:
                return
            self._require_nobody()
            self._is_falling = True
            self._somebody_came.clear()
            try:
                await self._get_ready(insists=why == BY_HAND)
                await self._owner.freeze()
                try:
                    self._require_nobody()
                except ConflictError:
                    await self._owner.thaw()
                    raise
                self._asleep_since = self._clock.monotonic()
            finally:
                self._is_falling = False
                if self._asleep_since is None:
                    self._owner.go_on()
            self._forget_timer()
            if self._deeper_after_s is not None:
                self._deeper = asyncio.get_running_loop().call_later(self._deeper_after_s, self._news.slept_long)
            await self._news.fell_asleep(why)
        if self._ended:
            return
        if self._reclaiming is None or self._reclaiming.done():
            self._reclaiming = spawn(self._reclaim(), name=f"reclaim:{self._name}")

    async def _get_ready(self, *, insists: bool) -> None:
        """Raises: ConflictError, also as soon as somebody comes."""
        ready = spawn(self._owner.get_ready(insists=insists), name=f"get-ready:{self._name}")
        coming = spawn(self._somebody_came.wait(), name=f"somebody-comes:{self._name}")
        try:
            await asyncio.wait({ready, coming}, return_when=asyncio.FIRST_COMPLETED)
            self._require_nobody()
            await ready
        finally:
            await cancel_and_wait(ready, coming)

    def _require_nobody(self) -> None:
        if self._ended:
            raise ConflictError("the session is ending")
        if self._owner.users or self._owner.is_at_work:
            raise ConflictError("the session is in use", reason="session_in_use", users=self._owner.users)

    def _wait(self, delay_s: float | None = None) -> None:
        """From here on nobody uses it: sleep after a while."""
        self._forget_timer()
        if self._after_s is not None and not self._ended and not self._owner.users:
            wait_s = max(self._after_s, NAP_S) if delay_s is None else delay_s
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._time_is_up)

    def _time_is_up(self) -> None:
        self._timer = None
        if self._napping is None or self._napping.done():
            self._napping = spawn(self._nap(), name=f"standby:{self._name}")

    async def _nap(self) -> None:
        try:
            await self._fall_asleep("idle")
        except ConflictError as error:
            # Whoever came will go, and tell; what it does by itself does not.
            self._wait(AGAIN_S if error.fields.get("reason") == "sleep_refused" else None)
        except ClocheError:
            _log.warning("session_not_asleep", session=self._name, exc_info=True)
            self._wait(AGAIN_S)

    async def _wake_for_them(self) -> None:
        try:
            await self._wake()
        except ClocheError:
            # The watch over the session finds out what has become of its sandbox.
            _log.warning("session_not_woken", session=self._name, exc_info=True)

    async def _reclaim(self) -> None:
        try:
            await self._owner.reclaim()
        except ClocheError:
            _log.warning("memory_not_reclaimed", session=self._name, exc_info=True)

    def _forget_deeper(self) -> None:
        if self._deeper is not None:
            self._deeper.cancel()
            self._deeper = None

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
