"""`…/{id}/events`: a session's events as server-sent events (WHATWG HTML, section 9.2).

Every event has an id; a client that comes back with `Last-Event-ID` (browsers do so by themselves) gets what it
missed. The stream ends after the session's last event; asked for more after that the answer is 204, which tells an
EventSource to stop asking. It also ends, within some seconds, when the key it was asked for with is revoked.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response, StreamingResponse

from cloche.api.auth.revocation import until_revoked
from cloche.api.deps import KEY_SECURITY, Caller, Deps, SessionIdPath, deps_of
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import InvalidError
from cloche.ids import EventId
from cloche.sessions.model import FINAL_STATUSES, SessionEvent

router = APIRouter(prefix="/v1/sessions/{session_id}", tags=["sessions"], dependencies=KEY_SECURITY)

KEEP_ALIVE_S: Final = 15.0
"""Below the minute after which proxies drop a silent connection."""
RETRY_MS: Final = 2000
MAX_EVENT_ID: Final = (1 << 63) - 1


class EventStreamResponse(StreamingResponse):
    media_type = "text/event-stream"


@router.get("/events", response_class=EventStreamResponse, responses={204: {"description": "It has ended; no more"}})
async def stream_events(
    caller: Caller,
    session_id: SessionIdPath,
    deps: Deps,
    request: Request,
    after: Annotated[str | None, Query(max_length=32, description="The id of the last event you have")] = None,
    last_event_id: Annotated[str | None, Header(max_length=32)] = None,
) -> Response:
    """Read a session's events, stored ones first, then live ones until it has ended."""
    position = _event_id(last_event_id or after)
    session = await deps.manager.get(caller, session_id)
    events = deps.manager.events(caller, session_id, after=position)
    if session.status in FINAL_STATUSES:
        # Nothing will be added: read the first here, because a 204 cannot be sent once a stream has begun.
        first = await anext(events, None)
        if first is None:
            return Response(status_code=204)
        events = _chain(first, events)
    return EventStreamResponse(_stream(events, request))


async def until_stream_ends(request: Request) -> None:
    """Wait until what answers a request without end has to: the server stops, or the request's key was revoked."""
    stands = partial(deps_of(request).credentials().stands, request.headers)
    revoked: asyncio.Task[Any] = spawn(until_revoked(stands), name="stream-key")
    stopping: asyncio.Task[Any] = spawn(request.app.state.stopping.wait(), name="stream-stop")
    try:
        await asyncio.wait({revoked, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel_and_wait(revoked, stopping)


async def _stream(events: AsyncIterator[SessionEvent], request: Request) -> AsyncGenerator[bytes]:
    """Write events as they come and a comment when none came for a while; end with the session, the key or the
    server."""
    stop = spawn(until_stream_ends(request), name="events-stop")
    coming: asyncio.Task[SessionEvent | None] | None = None
    try:
        yield f"retry: {RETRY_MS}\n\n".encode()
        while True:
            coming = coming or spawn(_next(events), name="events-next")
            await asyncio.wait({coming, stop}, timeout=KEEP_ALIVE_S, return_when=asyncio.FIRST_COMPLETED)
            if stop.done():
                return
            if coming.done():
                event, coming = coming.result(), None
                if event is None:
                    return
                yield encode_event(event)
            else:
                yield b": still here\n\n"
    finally:
        await cancel_and_wait(stop, coming)
        if isinstance(events, AsyncGenerator):
            with suppress(RuntimeError):  # already running: its task was cancelled just above and ends it
                await events.aclose()


async def _next(events: AsyncIterator[SessionEvent]) -> SessionEvent | None:
    return await anext(events, None)


async def _chain(first: SessionEvent, rest: AsyncIterator[SessionEvent]) -> AsyncGenerator[SessionEvent]:
    yield first
    async for event in rest:
        yield event


def encode_event(event: SessionEvent) -> bytes:
    """One event on the wire. The JSON holds no line break, so one `data` field is enough."""
    body = {
        "id": event.id,
        "session_id": event.session_id,
        "type": event.type,
        "at": event.at.isoformat().replace("+00:00", "Z"),
        "data": dict(event.data),
    }
    return f"id: {event.id}\nevent: {event.type}\ndata: {json.dumps(body, separators=(',', ':'))}\n\n".encode()


def _event_id(text: str | None) -> EventId | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_EVENT_ID):
        raise InvalidError("an event id is a whole number", field="after")
    return EventId(int(text))
