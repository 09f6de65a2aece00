"""Places for sessions: taken at once where there are some, else waited for, in turn and with a deadline.

A create asks here before anything of it is built. In this order:
1. its principal's own quota, those it waits for included: refused at once, for others' going would not help;
2. who waits already: nobody is overtaken;
3. a place in the book of `sessions.admission`;
4. the machine, and before it is short, what can be given up for it.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from cloche.clock import Clock
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import CapacityError, NoRoomError
from cloche.ids import PrincipalName
from cloche.sessions.admission import Admission, Refused
from cloche.sessions.pressure.demand import Demand
from cloche.sessions.pressure.judge import Shortage
from cloche.sessions.pressure.machine import MachinePressure
from cloche.sessions.waiting.line import WaitingLine
from cloche.sessions.waiting.news import Outcome, QueueNews
from cloche.sessions.waiting.place import Place, State
from cloche.sessions.waiting.turnover import Turnover

LOOK_AGAIN_S: Final = 1.0
"""While the machine is short: nothing tells when it is so no longer."""
PRESSURE_RETRY_S: Final = 10
"""The kernel's averages are over ten seconds."""
WORDS: Final = {
    Refused.SESSIONS: "the server has as many sessions as it may",
    Refused.MEMORY: "the server is short of memory",
    Refused.PIDS: "the server is short of processes",
    Refused.CPU: "the server is short of processor time",
    Refused.IO: "the server's disks are too busy",
    Refused.QUEUE_FULL: "as many wait for a session as may",
    Refused.QUEUE_TIMEOUT: "no place came free in time",
    Refused.STOPPING: "the server is stopping",
}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class QueueLimits:
    size: int = 0
    """How many may wait."""
    timeout_s: float = 0.0
    """How long one waits that says nothing of it. 0: not at all."""
    max_timeout_s: float = 300.0

    @property
    def share(self) -> int:
        """How many of one principal may wait: half, so that there is always room for another."""
        return max(1, (self.size + 1) // 2)


class AdmissionQueue:
    """Owned by the manager, `close`d by its drain. A task runs only while somebody waits."""

    def __init__(
        self,
        admission: Admission,
        limits: QueueLimits,
        clock: Clock,
        news: QueueNews,
        *,
        pressure: MachinePressure | None = None,
        demand: Callable[[int], Demand],
    ) -> None:
        """`demand`: what the sessions on their way will take, with so many of them."""
        self._admission, self._limits, self._clock, self._news = admission, limits, clock, news
        self._pressure, self._demand = pressure, demand
        self._line: WaitingLine[Place] = WaitingLine()
        self._turnover = Turnover()
        self._short_of: Refused | None = None
        self._moved = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        return len(self._line)

    @property
    def is_short(self) -> bool:
        """There is nothing to spare for what nobody has asked for yet. Never looks by itself."""
        is_machine_short = self._pressure is not None and self._pressure.is_short
        return is_machine_short or bool(self._line) or not self._admission.has_room

    async def take(
        self, principal: PrincipalName, *, timeout_s: float | None = None, wait: bool = True, is_there: bool = False
    ) -> Place:
        """Take a place, or wait for one for up to `timeout_s` (None: the server's). Cancelled, none is kept.

        `is_there`: what it is for is up already, so that only the number of sessions counts, and not how the machine
        is. With `wait` False it may come back still waited for: `Place.granted` waits then.

        Raises:
            QuotaError: the principal has, with those it waits for, as many as it may.
            NoRoomError: there is none and it is not to be waited for, or too many wait, or none came free in time.
        """
        self._require(principal)
        if not self._line and self._admission.has_room:
            if is_there:
                return self._held(principal)
            await self._look()
            self._require(principal)  # others may have come meanwhile
            if not self._line and self._admission.has_room and self._short_of is None:
                return self._held(principal)
        place = self._enqueue(principal, timeout_s)
        if wait:
            await place.granted()
        return place

    def take_back(self, principal: PrincipalName) -> Place:
        """The place of a session that an earlier daemon had already admitted; it is never refused."""
        self._admission.take_back(principal)
        return self._holding(principal)

    def lie_down(self) -> None:
        """A session has been hibernated: it keeps its principal's place, and the server's is another's."""
        self._admission.lie_down()
        self._turnover.freed(self._clock.monotonic())
        self._moved.set()

    def get_up(self) -> None:
        """Take the server's place again, before those who wait for a new session. Raises: NoRoomError."""
        self._admission.get_up()

    def rests_no_more(self) -> None:
        """A session has ended while it was hibernated: its place is given back next."""
        self._admission.rests_no_more()

    def look(self) -> None:
        """Something may have changed: see whose turn it is."""
        self._moved.set()

    async def lacks(self) -> Refused | None:
        """What there is too little of for a create that comes now; nothing is given up for the answer."""
        if self._admission.is_closed:
            return Refused.STOPPING
        if not self._admission.has_room:
            return Refused.SESSIONS
        found = await self._pressure.shortage(self._coming(1)) if self._pressure is not None else None
        return Refused(found.resource) if found is not None else None

    async def close(self) -> None:
        """Admit no one from here on, and send away who waits."""
        self._admission.close()
        while self._line:
            place = self._line.pop()
            place.refuse(NoRoomError(WORDS[Refused.STOPPING], reason=Refused.STOPPING))
            self._ended(place, Outcome.STOPPED)
        await cancel_and_wait(self._serving)

    # --- of its places ----------------------------------------------------------------------------------------------

    def position_of(self, place: Place) -> int:
        return 1 + list(self._line.in_turn()).index(place)

    def tell(self, place: Place) -> None:
        place.stands_at(self.position_of(place), len(self._line), self._clock.monotonic())

    def left(self, place: Place, was: State) -> None:
        if was is State.HELD:
            self._admission.give_back(place.principal)
            self._turnover.freed(self._clock.monotonic())
        else:
            self._line.remove(place.principal, place)
            self._ended(place, Outcome.LEFT)
        self._moved.set()

    # --- taking -----------------------------------------------------------------------------------------------------

    def _require(self, principal: PrincipalName) -> None:
        self._admission.require(principal, waiting=self._line.count(principal))

    def _held(self, principal: PrincipalName) -> Place:
        self._admission.take(principal)
        return self._holding(principal)

    def _holding(self, principal: PrincipalName) -> Place:
        now = self._clock.monotonic()
        place = Place(self, principal, since=now, deadline=now)
        place.grant(now)
        return place

    def _enqueue(self, principal: PrincipalName, timeout_s: float | None) -> Place:
        wanted_s = self._limits.timeout_s if timeout_s is None else timeout_s
        may_wait_s, now = min(wanted_s, self._limits.max_timeout_s), self._clock.monotonic()
        place = Place(self, principal, since=now, deadline=now + may_wait_s)
        self._line.add(principal, place)
        reason: Refused | None = None
        if may_wait_s <= 0 or not self._limits.size:
            reason = self._lack
        elif len(self._line) > self._limits.size or self._line.count(principal) > self._limits.share:
            reason = Refused.QUEUE_FULL
        if reason is not None:
            error = self._refusal(reason, self.position_of(place))
            self._line.remove(principal, place)
            place.refuse(error)
            raise error
        self._news.waiting(len(self._line))
        if self._serving is None or self._serving.done():
            self._serving = spawn(self._serve(), name="admission-queue")
        self._moved.set()
        return place

    @property
    def _lack(self) -> Refused:
        has_room = self._admission.has_room
        return self._short_of if has_room and self._short_of is not None else Refused.SESSIONS

    def _refusal(self, reason: Refused, position: int) -> NoRoomError:
        """Of one that still stands in the line: `position` tells where, `queued` among how many others."""
        lack = self._lack
        retry_after_s = self._turnover.retry_after_s(position - 1, self._clock.monotonic())
        return NoRoomError(
            WORDS[reason],
            retry_after_s=retry_after_s if lack is Refused.SESSIONS else max(retry_after_s, PRESSURE_RETRY_S),
            reason=reason,
            short_of=lack,
            position=position,
            queued=len(self._line) - 1,
        )

    # --- serving those who wait -------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        while self._line:
            self._moved.clear()
            try:
                await self._one_turn()
            except Exception:  # noqa: BLE001 - one turn of a loop: who waits must not wait for nothing
                _log.exception("queue_turn_failed")
                self._short_of = Refused.SESSIONS
            if self._line:
                await self._until_something_moves()

    async def _one_turn(self) -> None:
        self._expire()
        if not self._admission.has_room:
            self._short_of = None
        while self._line and self._admission.has_room:
            await self._look()
            self._expire()
            if self._short_of is not None:
                break
            if self._line and self._admission.has_room:
                self._serve_next()
        for position, place in enumerate(self._line.in_turn(), 1):
            place.stands_at(position, len(self._line), self._clock.monotonic())

    def _serve_next(self) -> None:
        place = self._line.pop()
        try:
            self._admission.take(place.principal)
        except CapacityError as error:  # its quota has become smaller than what it waits for
            place.refuse(error)
            self._ended(place, Outcome.REFUSED)
            return
        place.grant(self._clock.monotonic())
        self._ended(place, Outcome.ADMITTED)

    def _expire(self) -> None:
        now = self._clock.monotonic()
        for position, place in enumerate(list(self._line.in_turn()), 1):
            if place.deadline > now:
                continue
            error = self._refusal(Refused.QUEUE_TIMEOUT, position)
            self._line.remove(place.principal, place)
            place.refuse(error)
            self._ended(place, Outcome.TIMED_OUT)

    def _ended(self, place: Place, outcome: Outcome) -> None:
        self._news.waited(outcome, self._clock.monotonic() - place.since)
        self._news.waiting(len(self._line))

    async def _look(self) -> None:
        """See whether the machine can bear one more, and have something given up for it if not."""
        found: Shortage | None = None
        if self._pressure is not None:
            found = await self._pressure.relieved(self._coming(1))
        self._short_of = Refused(found.resource) if found is not None else None
        self._news.short_of(self._short_of)

    def _coming(self, more: int) -> Demand:
        return self._demand(self._admission.taken + more)

    async def _until_something_moves(self) -> None:
        left_s = min(place.deadline for place in self._line.in_turn()) - self._clock.monotonic()
        wait_s = min(left_s, LOOK_AGAIN_S) if self._short_of is not None else left_s
        # Not `wait_for`, which in Python 3.11 forgets a cancellation that comes together with the event.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, wait_s)):
                await self._moved.wait()
