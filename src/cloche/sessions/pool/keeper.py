"""All stocks of warm sandboxes: who takes one, what is built next, and what goes.

One is built at a time, and as a rule only while nobody waits for a session of the own: the pool does not take from the
work that it is there for. What has come up may settle for a moment, for Chromium goes on with its own start after it
answers, and is then laid to rest.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog

from cloche.clock import Clock
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import ClocheError
from cloche.sandbox.spec import Limits
from cloche.sessions.model import SessionOptions
from cloche.sessions.pool.figures import PoolFigures, Taken
from cloche.sessions.pool.inventory import DEFAULT, Inventory
from cloche.sessions.pool.shape import Shape, nobodys, shape_of
from cloche.sessions.pool.start_page import can_open
from cloche.sessions.pool.stock import Stock, StockState, state_of, targets
from cloche.sessions.pool.warm import Warm
from cloche.sessions.sandbox_spec import limits_of

LOOK_EVERY_S: Final = 5.0
"""How often those that wait are looked at, and what was asked for is forgotten."""
MOST_BACKOFF_S: Final = 60.0
MOST_YIELD_S: Final = 2.0
"""Where somebody always waits for a session, one is built now and then all the same: else all were cold for good."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    size: int = 0
    """Ready for creates that name no pool and ask for nothing special. 0: no such are kept, of any shape."""
    most: int = 8
    """Of all stocks together, named pools included."""
    settle_s: float = 1.0
    max_age_s: float = 3600.0
    """One that has waited for so long makes room for a fresh one."""


class Surroundings(Protocol):
    """What the pool asks of those who make sessions."""

    @property
    def is_busy(self) -> bool:
        """Somebody waits for a session that is being built."""
        ...

    @property
    def is_short(self) -> bool:
        """The host has nothing to spare."""
        ...


class PoolKeeper:
    """Owned by the manager: `begin` once, `close` at the end. `take` never waits for anything to be built."""

    def __init__(
        self,
        settings: PoolSettings,
        *,
        default: SessionOptions,
        make: Callable[[SessionOptions, bool], Warm],
        surroundings: Surroundings,
        clock: Clock,
        figures: PoolFigures,
    ) -> None:
        self._settings, self._make, self._surroundings = settings, make, surroundings
        self._clock, self._figures = clock, figures
        self._inventory = Inventory(default, settings.size)
        self._ages: dict[Warm, float] = {}
        self._moved = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._keeping: asyncio.Task[None] | None = None
        self._yielding_since: float | None = None
        self._is_closed = False

    @property
    def size(self) -> int:
        """Of the default pool, as it was set."""
        return self._settings.size

    @property
    def most(self) -> int:
        """Of all stocks together."""
        return self._settings.most

    @property
    def stocks(self) -> list[Stock]:
        return self._inventory.stocks

    def begin(self) -> None:
        if self._keeping is None and not self._is_closed:
            self._keeping = spawn(self._keep(), name="pool")

    async def close(self) -> None:
        """Nothing is given or built any more, and what nobody has taken goes. Safe to repeat."""
        self._is_closed = True
        await cancel_and_wait(self._keeping)
        for stock in self.stocks:
            while stock.warm:
                self._discard(stock, stock.warm[-1], "closed")
        while self._tasks:
            await asyncio.wait(self._tasks)

    # --- giving -----------------------------------------------------------------------------------------------------

    async def take(self, options: SessionOptions, *, pool: str = DEFAULT, browser_at_rest: bool = False) -> Warm | None:
        """One that is awake and alive, for a session with these options; None: there is none. It is the caller's."""
        stock = None
        if not self._is_closed:
            stock = self._inventory.serving(options, pool, browser_at_rest=browser_at_rest)
        if stock is None:
            return None
        stock.demand.note(self._clock.monotonic())
        self._moved.set()
        warm = await self._roused(stock, pool)
        try:
            fits = warm is None or await self._limited(warm, options)
        except BaseException:
            self._put_back_if_any(warm, pool)
            raise
        if not fits:
            self._put_back_if_any(warm, pool)
            warm = None
        self._took(stock, Taken.MISS if warm is None else Taken.HIT)
        return warm

    def has(self, options: SessionOptions) -> bool:
        """Whether one waits for a session with these options: it takes nothing more of the machine."""
        stock = self._inventory.find(shape_of(options), options.pool or DEFAULT)
        return stock is not None and bool(stock.warm) and options.profile is None and can_open(options.start_url)

    async def _roused(self, stock: Stock, pool: str) -> Warm | None:
        while (warm := stock.pick()) is not None:
            self._ages.pop(warm, None)
            try:
                await warm.rouse()
            except ClocheError as error:
                _log.info("warm_sandbox_not_usable", session=warm.session_id, reason=warm.spoilt or error.code)
                self._throw_away(warm, warm.spoilt or "not_roused")
            except BaseException:
                self.put_back(warm, pool=pool)
                raise
            else:
                return warm
        return None

    async def _limited(self, warm: Warm, options: SessionOptions) -> bool:
        """False where limits are set at a sandbox's start and cannot be changed."""
        try:
            await warm.limit(limits_of(options.budget))
        except ClocheError as error:
            _log.info("warm_sandbox_not_limited", session=warm.session_id, reason=error.code)
            return False
        return True

    def _put_back_if_any(self, warm: Warm | None, pool: str) -> None:
        if warm is not None:
            self.put_back(warm, pool=pool)

    def put_back(self, warm: Warm, *, pool: str = DEFAULT) -> None:
        """Of one that was taken and given to nobody after all."""
        stock = self._inventory.find(warm.shape, pool)
        if stock is None or self._is_closed:
            self._throw_away(warm, "closed" if self._is_closed else "dropped")
            return
        self._add(stock, warm)

    def flush(self, pool: str) -> int:
        """Have all that wait in a pool replaced. Returns how many go."""
        return sum(self._empty(stock, "flushed") for stock in self.stocks if stock.pool == pool)

    async def give_up(self, most: int) -> int:
        """The host runs short: up to so many go, and are gone when this returns. Returns how many."""
        before, waiting = set(self._tasks), [(stock, warm) for stock in self.stocks for warm in stock.warm]
        for stock, warm in waiting[:most]:
            self._discard(stock, warm, "shed")
        if going := self._tasks - before:
            await asyncio.wait(going)
        return len(going)

    # --- named pools ------------------------------------------------------------------------------------------------

    def put(self, name: str, options: SessionOptions, size: int) -> None:
        """Keep so many for this name from now on; those built with other options go, also one under way."""
        stock = self._inventory.named.get(name)
        if stock is None:
            stock = self._inventory.named[name] = Stock(name, nobodys(options), size)
        elif _built_with(stock.options) != _built_with(options):
            stock.options, stock.failures, stock.not_before = nobodys(options), 0, 0.0
            self._empty(stock, "reshaped")
        stock.size = size
        self._count()
        self._moved.set()

    def drop(self, name: str) -> None:
        """Keep none for this name any more, and forget what was counted of it."""
        if (stock := self._inventory.named.pop(name, None)) is not None:
            self._empty(stock, "dropped")
            self._figures.forget(name)

    def state(self, name: str) -> StockState:
        """Of a pool, the default one with all shapes it has learnt; of one that is not kept nothing is there."""
        return state_of(name, self.stocks, most=self._settings.most, now=self._clock.monotonic())

    # --- keeping ----------------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        loop, look_at = asyncio.get_running_loop(), 0.0
        while True:
            self._moved.clear()
            if loop.time() >= look_at:
                await self._throw_out_the_dead()
                look_at = loop.time() + LOOK_EVERY_S
            stock = self._next()
            if stock is not None and self._may_build(stock, loop.time()):
                self._yielding_since = None
                await self._build_one(stock)
                continue
            try:
                async with asyncio.timeout(self._pause_s(stock)):
                    await self._moved.wait()
            except TimeoutError:
                continue

    def _next(self) -> Stock | None:
        """The stock that lacks most of what it should hold; of those that hold too many the oldest go.

        One whose building has failed comes after those that may be built now: it must not keep them from it.
        """
        now, stocks = self._clock.monotonic(), self.stocks
        lacking: list[tuple[bool, int, Stock]] = []
        wanted: Counter[str] = Counter()
        for stock, target in zip(stocks, targets(stocks, most=self._settings.most, now=now), strict=True):
            wanted[stock.pool] += target
            while len(stock.warm) > target:
                self._discard(stock, stock.warm[0], "superfluous")
            lack = target - stock.there
            if lack > 0:
                lacking.append((now >= stock.not_before, lack, stock))
        self._figures.wanted(wanted)
        self._inventory.forget_idle(now)
        return max(lacking, key=lambda one: one[:2])[2] if lacking else None

    def _may_build(self, stock: Stock, now: float) -> bool:
        around = self._surroundings
        if self._clock.monotonic() < stock.not_before or around.is_short:
            return False
        if not around.is_busy:
            return True
        if self._yielding_since is None:
            self._yielding_since = now
        return now - self._yielding_since >= MOST_YIELD_S

    def _pause_s(self, wanting: Stock | None) -> float:
        """Until the next look: soon where something is wanted that may not be built just now."""
        return LOOK_EVERY_S if wanting is None else 0.1

    async def _build_one(self, stock: Stock) -> None:
        warm = self._make(stock.options, stock.browser_at_rest)
        warm.batch = stock.batch
        stock.under_construction += 1
        try:
            await warm.build()
        except (ClocheError, TimeoutError, OSError) as error:
            stock.failures += 1
            wait_s = min(MOST_BACKOFF_S, 2.0 ** min(stock.failures, 10) / 2)
            stock.not_before = self._clock.monotonic() + wait_s
            reason = getattr(error, "reason", type(error).__name__)
            _log.warning("warm_sandbox_not_built", reason=reason, again_s=wait_s)
            self._throw_away(warm, "not_built")
        except BaseException:
            self._throw_away(warm, "closed")
            raise
        else:
            stock.failures = 0
            self._figures.built()
            self._add(stock, warm)
        finally:
            stock.under_construction -= 1
            self._count()

    def _add(self, stock: Stock, warm: Warm) -> None:
        """Have it wait, unless those that waited went meanwhile, and it is one of them."""
        if warm.batch is not stock.batch:
            self._throw_away(warm, stock.emptied_why or "dropped")
            return
        stock.warm.append(warm)
        self._ages.setdefault(warm, self._clock.monotonic())
        self._spawn(self._settle(warm), f"settle:{warm.session_id}")
        self._count()

    async def _settle(self, warm: Warm) -> None:
        await asyncio.sleep(self._settings.settle_s)
        if warm not in self._ages:
            return  # it has been taken
        try:
            await warm.rest()
            self._count()
            await warm.reclaim()
        except ClocheError:  # it costs a little until it is taken or thrown out
            _log.warning("warm_sandbox_not_at_rest", session=warm.session_id, exc_info=True)

    async def _throw_out_the_dead(self) -> None:
        oldest = self._clock.monotonic() - self._settings.max_age_s
        for stock in self.stocks:
            for warm in tuple(stock.warm):
                try:
                    await warm.look()
                except ClocheError:
                    self._discard(stock, warm, warm.spoilt or "not_observed")
                else:
                    if self._ages.get(warm, oldest) < oldest:
                        self._discard(stock, warm, "old")

    def _empty(self, stock: Stock, why: str) -> int:
        gone = len(stock.warm)
        stock.batch, stock.emptied_why = object(), why
        while stock.warm:
            self._discard(stock, stock.warm[-1], why)
        self._moved.set()
        return gone

    def _discard(self, stock: Stock, warm: Warm, why: str) -> None:
        if warm in stock.warm:
            stock.warm.remove(warm)
            self._throw_away(warm, why)
        self._count()

    def _throw_away(self, warm: Warm, why: str) -> None:
        self._ages.pop(warm, None)
        self._figures.discarded(why)
        self._moved.set()
        self._spawn(_remove(warm), f"discard:{warm.session_id}")

    def _spawn(self, steps: Coroutine[Any, Any, None], name: str) -> None:
        task = spawn(steps, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _took(self, stock: Stock, how: Taken) -> None:
        if how is Taken.HIT:
            stock.takes.hits += 1
        else:
            stock.takes.misses += 1
        if stock in self.stocks:  # of one that was dropped meanwhile the series are forgotten
            self._figures.took(stock.pool, how)
        self._count()

    def _count(self) -> None:
        self._figures.ready(self.stocks)


def _built_with(options: SessionOptions) -> tuple[Shape, Limits]:
    """Limits that a sandbox was built with can be changed on most hosts, but not on all."""
    return shape_of(options), limits_of(options.budget)


async def _remove(warm: Warm) -> None:
    try:
        await warm.discard()
    except ClocheError:
        # Its directory stays, and the next start of the daemon finds and removes it.
        _log.warning("warm_sandbox_left", session=warm.session_id, exc_info=True)
