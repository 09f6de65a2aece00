import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Address

import pytest

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.egress.addresses import IPAddress
from cloche.egress.hosts import HostName
from cloche.egress.lookups import NameNotFoundError, NameServiceError
from cloche.egress.resolver import NEGATIVE_TTL_S, POSITIVE_TTL_S, Resolver

A, B = IPv4Address("93.184.215.14"), IPv4Address("93.184.215.20")
NAME = HostName("a.test")


class Hands:
    """A clock whose hands the test turns."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds


class Zone:
    """A lookup that answers from a dict, counts, and waits at the gate while it is closed."""

    def __init__(self, **names: Sequence[IPAddress] | Exception) -> None:
        self.names = {name.replace("_", "."): answer for name, answer in names.items()}
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, name: str) -> Sequence[IPAddress]:
        self.asked.append(name)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.gate.wait()
        finally:
            self.at_once -= 1
        answer = self.names.get(name, NameNotFoundError(name))
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_an_answer_is_kept_for_its_time_and_then_asked_again() -> None:
    zone, clock = Zone(a_test=[A]), Hands()
    resolver = Resolver(zone, clock)
    assert await resolver.resolve(NAME) == (A,)
    clock.seconds += POSITIVE_TTL_S - 0.1
    zone.names["a.test"] = [B]
    assert await resolver.resolve(NAME) == (A,)
    clock.seconds += 0.2
    assert await resolver.resolve(NAME) == (B,)
    assert zone.asked == ["a.test"] * 2


async def test_an_absent_name_is_remembered_for_a_shorter_time() -> None:
    zone, clock = Zone(), Hands()
    resolver = Resolver(zone, clock)
    for _ in range(2):
        with pytest.raises(NameNotFoundError):
            await resolver.resolve(NAME)
    assert len(zone.asked) == 1
    clock.seconds += NEGATIVE_TTL_S
    zone.names["a.test"] = [A]
    assert await resolver.resolve(NAME) == (A,)


async def test_an_answer_without_addresses_is_an_absent_name() -> None:
    with pytest.raises(NameNotFoundError):
        await Resolver(Zone(a_test=[]), Hands()).resolve(NAME)


async def test_a_failure_is_not_remembered() -> None:
    zone = Zone(a_test=NameServiceError("try again"))
    resolver = Resolver(zone, Hands())
    with pytest.raises(NameServiceError):
        await resolver.resolve(NAME)
    zone.names["a.test"] = [A]
    assert await resolver.resolve(NAME) == (A,)


async def test_repeated_addresses_are_given_once_and_in_order() -> None:
    assert await Resolver(Zone(a_test=[B, A, B]), Hands()).resolve(NAME) == (B, A)


async def test_those_who_ask_at_once_share_one_lookup() -> None:
    zone = Zone(a_test=[A])
    zone.gate.clear()
    resolver = Resolver(zone, Hands())
    asking = [spawn(resolver.resolve(NAME), name="ask") for _ in range(20)]
    await asyncio.sleep(0)
    await cancel_and_wait(asking[0])  # one who leaves takes nothing from the others
    zone.gate.set()
    assert await asyncio.gather(*asking[1:]) == [(A,)] * 19
    assert zone.asked == ["a.test"]


async def test_all_who_wait_for_a_failure_get_it() -> None:
    zone = Zone(a_test=NameServiceError("broken"))
    zone.gate.clear()
    resolver = Resolver(zone, Hands())
    asking = [spawn(_error_of(resolver, NAME), name="ask") for _ in range(3)]
    await asyncio.sleep(0)
    zone.gate.set()
    assert await asyncio.gather(*asking) == [NameServiceError] * 3


async def test_lookups_at_once_are_bounded() -> None:
    zone = Zone(**{f"h{number}_test": [A] for number in range(20)})
    zone.gate.clear()
    resolver = Resolver(zone, Hands(), max_lookups=4)
    asking = [spawn(resolver.resolve(HostName(f"h{number}.test")), name="ask") for number in range(20)]
    while len(zone.asked) < 4:
        await asyncio.sleep(0)
    zone.gate.set()
    await asyncio.gather(*asking)
    assert zone.most_at_once == 4


async def test_a_silent_resolver_is_given_up_on() -> None:
    zone = Zone(a_test=[A])
    zone.gate.clear()
    resolver = Resolver(zone, Hands(), deadline_s=0.02)
    async with asyncio.timeout(5):
        with pytest.raises(NameServiceError):
            await resolver.resolve(NAME)
    zone.gate.set()
    assert await resolver.resolve(NAME) == (A,)


async def test_the_cache_forgets_what_was_used_longest_ago() -> None:
    zone = Zone(a_test=[A], b_test=[A], c_test=[A])
    resolver = Resolver(zone, Hands(), max_entries=2)
    for name in ("a.test", "b.test", "a.test", "c.test", "a.test", "b.test"):
        await resolver.resolve(HostName(name))
    assert zone.asked == ["a.test", "b.test", "c.test", "b.test"]


async def test_closing_ends_what_is_under_way() -> None:
    zone = Zone(a_test=[A])
    zone.gate.clear()
    resolver = Resolver(zone, Hands())
    asking = spawn(_error_of(resolver, NAME), name="ask")
    await asyncio.sleep(0)
    await resolver.close()
    async with asyncio.timeout(5):
        assert await asking is NameServiceError


async def _error_of(resolver: Resolver, name: HostName) -> type[Exception]:
    try:
        await resolver.resolve(name)
    except (NameNotFoundError, NameServiceError) as error:
        return type(error)
    raise AssertionError("resolved")
