"""The warm sandboxes of one shape, and how many there should be: what was set, and what was asked for of late. Pure."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from cloche.sessions.model import SessionOptions
from cloche.sessions.pool.shape import Shape, shape_of
from cloche.sessions.pool.warm import Warm

BURST_S: Final = 10.0
MEMORY_S: Final = 300.0
MAX_REMEMBERED: Final = 1024
ASKED_AGAIN: Final = 2


class Demand:
    """How many are asked for at once: the most within `BURST_S`, of the last `MEMORY_S`."""

    def __init__(self) -> None:
        self._asked: deque[float] = deque(maxlen=MAX_REMEMBERED)

    def note(self, now: float) -> None:
        """Somebody has asked for one, and has got it or not."""
        self._asked.append(now)

    def times(self, now: float) -> int:
        """How often, within `MEMORY_S`."""
        while self._asked and self._asked[0] < now - MEMORY_S:
            self._asked.popleft()
        return len(self._asked)

    def peak(self, now: float) -> int:
        """0 for what was asked for once: it may never be again."""
        if self.times(now) < ASKED_AGAIN:
            return 0
        most, first = 0, 0
        for last, at in enumerate(self._asked):
            while self._asked[first] < at - BURST_S:
                first += 1
            most = max(most, last - first + 1)
        return most


@dataclass(slots=True)
class Takes:
    """How often one was asked for and was there or not, since the daemon's start."""

    hits: int = 0
    misses: int = 0


@dataclass(frozen=True, slots=True)
class StockState:
    """How the stocks of a pool stand together; what was asked of them is counted since the daemon's start."""

    ready: int = 0
    building: int = 0
    wanted: int = 0
    hits: int = 0
    misses: int = 0


@dataclass(eq=False, slots=True)
class Stock:
    """Owned by the keeper."""

    pool: str
    """Whose: the name of a pool; `default` of creates that name none."""
    options: SessionOptions
    """What its sandboxes are built for."""
    size: int
    """So many at least, as it was set."""
    browser_at_rest: bool = False
    """They are for who brings a user-data directory."""
    warm: list[Warm] = field(default_factory=list)
    demand: Demand = field(default_factory=Demand)
    under_construction: int = 0
    batch: object = field(default_factory=object)
    """Of those that are built now. All that waited went with an earlier one, and what was being built or was in
    somebody's hands then is of that and is not to be added either."""
    emptied_why: str = ""
    takes: Takes = field(default_factory=Takes)
    """One for all shapes of the default pool."""
    failures: int = 0
    """Of building, since the last that went well."""
    not_before: float = 0.0
    """When the next is tried."""

    @property
    def shape(self) -> Shape:
        return shape_of(self.options, browser_at_rest=self.browser_at_rest)

    @property
    def there(self) -> int:
        return len(self.warm) + self.under_construction

    def pick(self) -> Warm | None:
        """Take out the one that came to rest last: what it needs is still at hand. One that settles yet comes after."""
        if not self.warm:
            return None
        rested = [index for index, warm in enumerate(self.warm) if warm.is_asleep]
        return self.warm.pop(rested[-1] if rested else -1)


def state_of(pool: str, stocks: Sequence[Stock], *, most: int, now: float) -> StockState:
    """How a pool stands, with all shapes that it has. Of one that has no stock nothing is there and nothing wanted."""
    wanted = targets(stocks, most=most, now=now)
    own = [(stock, target) for stock, target in zip(stocks, wanted, strict=True) if stock.pool == pool]
    if not own:
        return StockState()
    takes = own[0][0].takes
    return StockState(
        ready=sum(len(stock.warm) for stock, _ in own),
        building=sum(stock.under_construction for stock, _ in own),
        wanted=sum(target for _, target in own),
        hits=takes.hits,
        misses=takes.misses,
    )


def targets(stocks: Sequence[Stock], *, most: int, now: float) -> list[int]:
    """How many each stock should hold, in all `most` at most: first what was set, then by turns what is asked for."""
    wanted = [max(stock.size, stock.demand.peak(now)) for stock in stocks]
    given = [0] * len(stocks)
    left = _in_turns(given, [min(stock.size, want) for stock, want in zip(stocks, wanted, strict=True)], most)
    _in_turns(given, wanted, left)
    return given


def _in_turns(given: list[int], wanted: Iterable[int], left: int) -> int:
    """Give one to each that lacks one until nobody does or nothing is left; return what is left."""
    wants = list(wanted)
    while left > 0 and any(have < want for have, want in zip(given, wants, strict=True)):
        for index, want in enumerate(wants):
            if left > 0 and given[index] < want:
                given[index] += 1
                left -= 1
    return left
