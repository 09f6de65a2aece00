"""All stocks there are, and which of them serves whom: the one of the settings, those of shapes that are asked for
without a pool, which are learnt and forgotten, and those of named pools. Pure."""

from typing import Final

from cloche.sessions.model import SessionOptions
from cloche.sessions.pool.shape import Shape, nobodys, shape_of
from cloche.sessions.pool.start_page import can_open
from cloche.sessions.pool.stock import Stock

DEFAULT: Final = "default"
"""The pool of creates that name none: of what was set, and of all shapes that were learnt."""
MAX_SHAPES: Final = 16
"""That creates without a pool have asked for, beside the one of the settings."""


class Inventory:
    """Owned by the keeper, who fills the stocks and empties them."""

    def __init__(self, default: SessionOptions, size: int) -> None:
        """`size`: of the default pool. 0: it has no sandboxes, and learns no shapes."""
        self._default = Stock(DEFAULT, nobodys(default), size)
        self._learnt: dict[Shape, Stock] = {}
        self.named: dict[str, Stock] = {}
        """By the names of their pools."""

    @property
    def stocks(self) -> list[Stock]:
        return [self._default, *self._learnt.values(), *self.named.values()]

    def serving(self, options: SessionOptions, pool: str, *, browser_at_rest: bool = False) -> Stock | None:
        """The stock that serves these options; a shape nobody had asked for gets one. None: none serves it."""
        if not can_open(options.start_url):
            return None
        shape = shape_of(options, browser_at_rest=browser_at_rest)
        if (found := self.find(shape, pool)) is not None:
            return found
        if pool != DEFAULT or not self._default.size or len(self._learnt) >= MAX_SHAPES:
            return None
        stock = Stock(DEFAULT, nobodys(options), 0, browser_at_rest, takes=self._default.takes)
        self._learnt[shape] = stock
        return stock

    def find(self, shape: Shape, pool: str) -> Stock | None:
        """The stock of a pool for this shape, if there is one."""
        if pool != DEFAULT:
            stock = self.named.get(pool)
            return stock if stock is not None and stock.shape == shape else None
        if not self._default.size:
            return None
        return self._default if shape == self._default.shape else self._learnt.get(shape)

    def forget_idle(self, now: float) -> None:
        """Of shapes that nobody has asked for of late, once nothing of them waits any more."""
        idle = [shape for shape, stock in self._learnt.items() if not stock.there and not stock.demand.times(now)]
        for shape in idle:
            del self._learnt[shape]
