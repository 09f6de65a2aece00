"""Names to addresses, for all gateways of a daemon: cached, asked once at a time, bounded.

The cache is for speed alone. That a name's answer may change between two connections is harmless, because every
connection judges the addresses it was given and dials one of exactly those.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from cloche.clock import Clock
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.egress.addresses import IPAddress
from cloche.egress.hosts import HostName
from cloche.egress.lookups import (
    MAX_LOOKUPS,
    Lookup,
    NameNotFoundError,
    NameServiceError,
    ResolveError,
)

# getaddrinfo does not tell a record's own TTL. Half a minute is what browsers assume in that case.
POSITIVE_TTL_S: Final = 30.0
NEGATIVE_TTL_S: Final = 10.0
MAX_ENTRIES: Final = 4096
MAX_WAITING: Final = 1024
DEADLINE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class _Entry:
    addresses: tuple[IPAddress, ...]  # empty: not found
    expires_at: float


class Resolver:
    """Answers from its cache or through `lookup`. Owned by the daemon, shared by all gateways, one event loop.

    Gateways that ask for a name while it is being looked up share the one lookup; that one is not cancelled when
    they lose interest, and ends by the deadline. `close` ends what is under way.
    """

    def __init__(
        self,
        lookup: Lookup,
        clock: Clock,
        *,
        positive_ttl_s: float = POSITIVE_TTL_S,
        negative_ttl_s: float = NEGATIVE_TTL_S,
        max_entries: int = MAX_ENTRIES,
        max_lookups: int = MAX_LOOKUPS,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._lookup = lookup
        self._clock = clock
        self._positive_ttl_s = positive_ttl_s
        self._negative_ttl_s = negative_ttl_s
        self._max_entries = max_entries
        self._deadline_s = deadline_s
        self._slots = asyncio.Semaphore(max_lookups)
        self._cache: OrderedDict[HostName, _Entry] = OrderedDict()
        self._flights: dict[HostName, asyncio.Task[tuple[IPAddress, ...] | ResolveError]] = {}

    async def resolve(self, name: HostName) -> tuple[IPAddress, ...]:
        """Return all addresses of a name, in the resolver's order, without repetitions; never none.

        Raises:
            NameNotFoundError: there is no address.
            NameServiceError: no answer, or not within the deadline.
        """
        entry = self._cached(name)
        addresses = entry.addresses if entry is not None else await self._fly(name)
        if not addresses:
            raise NameNotFoundError(name)
        return addresses

    async def close(self) -> None:
        await cancel_and_wait(*self._flights.values())

    def _cached(self, name: HostName) -> _Entry | None:
        entry = self._cache.get(name)
        if entry is None:
            return None
        if entry.expires_at <= self._clock.monotonic():
            del self._cache[name]
            return None
        self._cache.move_to_end(name)
        return entry

    def _remember(self, name: HostName, addresses: tuple[IPAddress, ...]) -> None:
        ttl_s = self._positive_ttl_s if addresses else self._negative_ttl_s
        self._cache[name] = _Entry(addresses, self._clock.monotonic() + ttl_s)
        self._cache.move_to_end(name)
        while len(self._cache) > self._max_entries:
            self._cache.popitem(last=False)

    async def _fly(self, name: HostName) -> tuple[IPAddress, ...]:
        flight = self._flights.get(name)
        if flight is None:
            if len(self._flights) >= MAX_WAITING:
                raise NameServiceError("too many lookups are waiting")
            flight = self._flights[name] = spawn(self._ask(name), name=f"resolve {name}")
            flight.add_done_callback(lambda _: self._flights.pop(name, None))
        # Not awaited itself: neither may a waiter's cancellation end the flight, nor the other way round.
        await asyncio.wait({flight})
        if flight.cancelled():
            raise NameServiceError("the resolver was closed")
        outcome = flight.result()
        if isinstance(outcome, ResolveError):
            raise outcome
        return outcome

    async def _ask(self, name: HostName) -> tuple[IPAddress, ...] | ResolveError:
        # An error is returned, not raised: several waiters may ask for the one result, or none.
        try:
            async with asyncio.timeout(self._deadline_s), self._slots:
                addresses = tuple(dict.fromkeys(await self._lookup(name)))
        except NameNotFoundError:
            addresses = ()
        except NameServiceError as error:
            return error
        except TimeoutError:
            return NameServiceError("no answer in time")
        self._remember(name, addresses)
        return addresses
