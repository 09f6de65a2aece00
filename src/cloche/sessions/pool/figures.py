"""The pool's series: how many wait, how many should, and what became of them."""

import contextlib
from collections import Counter as Count
from collections.abc import Iterable
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge

from cloche.sessions.pool.stock import Stock


class Taken(StrEnum):
    HIT = "hit"
    MISS = "miss"
    """None was there, and the session was built from nothing."""


class PoolFigures:
    """`pool` is `default` or the name of one that an admin has made; there are few of those."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ready = Gauge(
            "cloche_pool_ready", "Warm sandboxes that wait, by pool and state.", ["pool", "state"], registry=registry
        )
        self._wanted = Gauge("cloche_pool_wanted", "Warm sandboxes there should be.", ["pool"], registry=registry)
        self._takes = Counter(
            "cloche_pool_takes", "Creates that could have had one, by pool and outcome.", ["pool", "outcome"],
            registry=registry,
        )  # fmt: skip
        self._built = Counter("cloche_pool_built", "Warm sandboxes built.", registry=registry)
        self._discarded = Counter(
            "cloche_pool_discarded", "Warm sandboxes nobody took, by reason.", ["reason"], registry=registry
        )

    def ready(self, stocks: Iterable[Stock]) -> None:
        counts: Count[tuple[str, str]] = Count()
        for stock in stocks:
            for state in ("awake", "asleep"):
                counts[stock.pool, state] += sum(warm.is_asleep == (state == "asleep") for warm in stock.warm)
        for (pool, state), count in counts.items():
            self._ready.labels(pool, state).set(count)

    def wanted(self, pools: "Count[str]") -> None:
        for pool, count in pools.items():
            self._wanted.labels(pool).set(count)

    def took(self, pool: str, how: Taken) -> None:
        self._takes.labels(pool, str(how)).inc()

    def built(self) -> None:
        self._built.inc()

    def discarded(self, why: str) -> None:
        self._discarded.labels(why).inc()

    def forget(self, pool: str) -> None:
        """A named pool is no more."""
        for series, labels in (
            *((self._ready, (pool, state)) for state in ("awake", "asleep")),
            *((self._takes, (pool, str(outcome))) for outcome in Taken),
            (self._wanted, (pool,)),
        ):
            with contextlib.suppress(KeyError):  # nothing was ever counted
                series.remove(*labels)
