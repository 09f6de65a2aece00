"""A session from its creation to its release, as scenarios use it."""

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from side_by_side.adapters.adapter import Adapter, Lease
from side_by_side.clients import Client, Page
from side_by_side.results import Results
from side_by_side.rounds import attempt


@dataclass(slots=True)
class Session:
    """One that is up, with a page open."""

    lease: Lease
    client: Client
    page: Page


async def begin(adapter: Adapter, path: str = "/link") -> Session:
    """Create, connect and open a page. Nothing is left of one that fails."""
    lease = await adapter.create()
    try:
        client = await adapter.connect(lease)
        try:
            return Session(lease, client, await client.open_page(adapter.url(path)))
        except BaseException:
            await client.close()
            raise
    except BaseException:
        await adapter.release(lease)
        raise


async def end(adapter: Adapter, session: Session) -> None:
    try:
        await session.client.close()
    finally:
        await adapter.release(session.lease)


async def one_each(results: Results, adapters: Sequence[Adapter], stack: AsyncExitStack) -> dict[str, Session]:
    """A session of every adapter that gives one, by its name. They end with the stack; ends that fail are counted."""
    found = {}
    for adapter in adapters:
        begun = await attempt(results, adapter, "begin", partial(begin, adapter))
        if begun is not None:
            found[adapter.name] = begun
            stack.push_async_callback(attempt, results, adapter, "end", partial(end, adapter, begun))
    return found


def ms_since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000
