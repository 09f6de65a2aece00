"""Turns: every adapter in every round, the order turning with the rounds, each alone and after a rest."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from side_by_side.adapters.adapter import Adapter
from side_by_side.results import Results

SETTLE_S: Final = 1.0
"""Between turns: what one leaves the kernel to clean up must not slow the next down."""

HOPELESS: Final = 3

T = TypeVar("T")


def in_turn(things: Sequence[T], number: int) -> list[T]:
    """The order of a round: every second one the other way round, and each pair begins one further on."""
    if not things:
        return []
    start = (number // 2) % len(things)
    turned = [*things[start:], *things[:start]]
    return turned if number % 2 == 0 else turned[::-1]


async def rested(results: Results, adapters: Sequence[Adapter], settle_s: float = SETTLE_S) -> None:
    """Wait until none of them has anything left to do, then a moment more."""
    for adapter in adapters:
        await attempt(results, adapter, "rest", adapter.rest)
    await asyncio.sleep(settle_s)


def still_works(results: Results, adapter: Adapter, case: str) -> bool:
    """Whether another try makes sense: not after the first three have all failed, each maybe after minutes."""
    found = results.failures_of(adapter.name, case)
    return found.failed < found.tried or found.tried < HOPELESS


async def attempt(
    results: Results, adapter: Adapter, case: str, step: Callable[[], Awaitable[T]], *, timeout_s: float = 120.0
) -> T | None:
    """Do one thing that counts: it has a deadline, and when it fails that is written down and the run goes on."""
    results.tried(adapter.name, case)
    try:
        async with asyncio.timeout(timeout_s):
            return await step()
    except Exception as error:
        results.failed(adapter.name, case, error)
        print(f"{adapter.name}, {case}, failed: {error!r}"[:400], file=sys.stderr)
        return None


async def attempts(
    results: Results, adapter: Adapter, case: str, steps: Sequence[Callable[[], Awaitable[T]]]
) -> list[T]:
    """Several at once; those that did not fail."""
    done = await asyncio.gather(*(attempt(results, adapter, case, step) for step in steps))
    return [each for each in done if each is not None]
