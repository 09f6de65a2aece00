"""`/v1/events`: that something has changed, as server-sent events, for lists that keep themselves up to date.

An event says which thing of what kind, never what is in it; who listens then asks for it. Nothing is stored: who was
away looks at everything again, and is told to (`resync`) when too much happened at once. The stream ends, within some
seconds, when the key it was asked for with is revoked.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from cloche.api.deps import KEY_SECURITY, Caller, Deps
from cloche.api.rest.events import KEEP_ALIVE_S, RETRY_MS, EventStreamResponse, until_stream_ends
from cloche.concurrency.event_bus import FellBehindError, Subscription
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.sessions.news import Change, News
from cloche.sessions.principal import Principal

router = APIRouter(prefix="/v1", tags=["operations"], dependencies=KEY_SECURITY)

GATHER_S: Final = 0.2
"""Changes that come within it are told together, each once."""
MAX_GATHERED: Final = 200


@router.get("/events", response_class=EventStreamResponse)
async def stream_changes(caller: Caller, deps: Deps, request: Request) -> Response:
    """Follow what changes in what the caller may see: sessions, profiles, artifacts, keys, and that the journal grew.

    `event: change` with `{"kind", "id", "type"}`, or `event: resync` when changes were missed.
    """
    return EventStreamResponse(_stream(deps.news, caller, request))


async def _stream(news: News, caller: Principal, request: Request) -> AsyncGenerator[bytes]:
    with news.follow(caller) as subscription:
        changes = aiter(subscription)
        assert isinstance(changes, AsyncGenerator)
        stop = spawn(until_stream_ends(request), name="news-stop")
        coming: asyncio.Task[list[Change] | None] | None = None
        try:
            yield f"retry: {RETRY_MS}\n\n".encode()
            while True:
                coming = coming or spawn(_gather(changes, subscription), name="news-next")
                await asyncio.wait({coming, stop}, timeout=KEEP_ALIVE_S, return_when=asyncio.FIRST_COMPLETED)
                if stop.done():
                    return
                if coming.done():
                    gathered, coming = coming.result(), None
                    if gathered is None:
                        yield b"event: resync\ndata: {}\n\n"
                        return
                    yield b"".join(_encoded(change) for change in gathered)
                else:
                    yield b": still here\n\n"
        finally:
            await cancel_and_wait(stop, coming)
            await changes.aclose()


async def _gather(changes: AsyncIterator[Change], subscription: Subscription[Change]) -> list[Change] | None:
    """The next changes, each kind and id once; None when some were lost."""
    try:
        found = {await anext(changes): None}
        await asyncio.sleep(GATHER_S)
        while subscription.has_waiting and len(found) < MAX_GATHERED:
            found[await anext(changes)] = None
    except FellBehindError:
        return None
    return list(found)


def _encoded(change: Change) -> bytes:
    body = json.dumps({"kind": change.kind, "id": change.id, "type": change.type}, separators=(",", ":"))
    return f"event: change\ndata: {body}\n\n".encode()
