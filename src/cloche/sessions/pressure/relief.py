"""What can be given up so that the machine can bear more, in order: what nobody has yet goes first.

Nothing that somebody uses is ever given up. Whoever adds a kind of relief gives an object that is a `Relief`; the
composition root puts them in their order. For what comes in pieces there is `Several`.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from cloche.clock import Clock
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import ClocheError
from cloche.sessions.pressure.demand import LEAST_MEMORY_BYTES, LEAST_TASKS
from cloche.sessions.pressure.judge import Resource, Shortage

RELIEVED_BY: Final = frozenset({Resource.MEMORY, Resource.PIDS})
"""What can be given up. What stands still takes no processor, and so gives none back."""
EACH_MAY_TAKE_S: Final = 10.0
AGAIN_S: Final = 5.0
"""After a round that freed nothing the next one waits for so long: all there was is gone, or will not go."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Need:
    """`amount`: bytes of memory, or processes and threads."""

    resource: Resource
    amount: int


class Relief(Protocol):
    """One kind of thing that can be given up."""

    @property
    def name(self) -> str:
        """A short constant word: `warm`, `sleepers`. For the log and a metric's label."""
        ...

    async def relieve(self, need: Need) -> int:
        """Give up enough for `need` and no more; return how much came free, in the unit of the need.

        0: there is nothing. Returns when it is free, and not only about to be; is cancelled after `EACH_MAY_TAKE_S`,
        and leaves nothing half given up. Raises: ClocheError, which counts as nothing.
        """
        ...


class Reliefs:
    """All of them, in order. One round at a time: who asks while one goes on shares it."""

    def __init__(
        self, reliefs: Sequence[Relief], clock: Clock, *, on_freed: Callable[[str, Need, int], None] = lambda *_: None
    ) -> None:
        """`on_freed` is told the name, the need and what came free, of each that gave something up."""
        self._reliefs, self._clock, self._on_freed = [*reliefs], clock, on_freed
        self._round: asyncio.Task[int] | None = None
        self._not_before = clock.monotonic()

    def add(self, relief: Relief) -> None:
        """To be asked after those that are there."""
        self._reliefs.append(relief)

    async def close(self) -> None:
        """Break off what is under way."""
        await cancel_and_wait(self._round)

    async def relieve(self, shortage: Shortage) -> int:
        """Have something given up for it; return how much came free. Never fails, and never waits without an end."""
        if not self._reliefs or shortage.resource not in RELIEVED_BY or shortage.lacking <= 0:
            return 0
        if self._round is None or self._round.done():
            if self._clock.monotonic() < self._not_before:
                return 0
            need = Need(shortage.resource, shortage.lacking)
            self._round = spawn(self._one_round(need), name="relief")
        return await asyncio.shield(self._round)

    async def _one_round(self, need: Need) -> int:
        freed = 0
        for relief in self._reliefs:
            if freed >= need.amount:
                break
            left = Need(need.resource, need.amount - freed)
            if (gave := await self._ask(relief, left)) > 0:
                freed += gave
                _log.info("given_up", relief=relief.name, resource=str(need.resource), lacking=left.amount, freed=gave)
                self._on_freed(relief.name, left, gave)
        if not freed:
            self._not_before = self._clock.monotonic() + AGAIN_S
        return freed

    async def _ask(self, relief: Relief, need: Need) -> int:
        try:
            async with asyncio.timeout(EACH_MAY_TAKE_S):
                return await relief.relieve(need)
        except TimeoutError:
            _log.warning("relief_too_slow", relief=relief.name)
        except ClocheError:
            _log.warning("relief_failed", relief=relief.name, exc_info=True)
        except Exception:  # noqa: BLE001 - one turn of several: the others can still be asked
            _log.exception("relief_broke", relief=relief.name)
        return 0


class Several:
    """Gives up as many of one kind as surely suffice: warm sandboxes, say, or sessions that sleep."""

    def __init__(self, name: str, give_up: Callable[[int], Awaitable[int]]) -> None:
        """`give_up`: give up at most so many, in whichever order is right for them, and return how many are gone."""
        self.name: Final = name
        self._give_up = give_up

    async def relieve(self, need: Need) -> int:
        # How much each holds is not looked up: the least that any does, so that enough of them go.
        each = LEAST_MEMORY_BYTES if need.resource is Resource.MEMORY else LEAST_TASKS
        return each * await self._give_up(math.ceil(need.amount / each))
