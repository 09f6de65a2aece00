"""Bodies that take their time or their room, as ASGI answers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

CHUNK: Final = bytes(256 * 1024)
"""Large enough that the loop is not what a transfer of 200 MB measures, small enough to fit a socket buffer."""

MAX_BODY_BYTES: Final = 4 << 30


async def sized(request: Request) -> Response:
    """`/bytes/{size}`: exactly that many zero bytes, as fast as they are taken."""
    size = min(request.path_params["size"], MAX_BODY_BYTES)
    headers = {"content-length": str(size), "cache-control": "no-store", "access-control-allow-origin": "*"}
    return StreamingResponse(_zeros(size), media_type="application/octet-stream", headers=headers)


async def endless(_request: Request) -> Response:
    """`/endless`: a body without end and without length."""
    return StreamingResponse(_zeros(None), media_type="application/octet-stream")


async def slow(request: Request) -> Response:
    """`/slow?chunks=5&interval_ms=100`: head at once, then a line every so often."""
    chunks = int(request.query_params.get("chunks", "5"))
    interval_ms = int(request.query_params.get("interval_ms", "100"))
    return StreamingResponse(_ticks(chunks, interval_ms / 1000), media_type="text/plain")


async def hang(_request: Request) -> Response:
    """`/hang`: the request is taken and never answered, until the client goes or the web stops."""
    await asyncio.Event().wait()
    return Response()


async def server_sent_events(request: Request) -> Response:
    """`/sse?count=3`: that many events at once, then the stream stays open."""
    count = int(request.query_params.get("count", "3"))
    return StreamingResponse(_events(count), media_type="text/event-stream")


async def _zeros(size: int | None) -> AsyncIterator[bytes]:
    left = size
    while left is None or left > 0:
        piece = CHUNK if left is None or left >= len(CHUNK) else CHUNK[:left]
        yield piece
        if left is not None:
            left -= len(piece)
        # uvicorn's send() returns at once while the socket takes everything, and also when the peer has gone: without
        # a turn of the loop the disconnect would never be seen.
        await asyncio.sleep(0)


async def _ticks(chunks: int, interval_s: float) -> AsyncIterator[bytes]:
    for number in range(chunks):
        yield f"{number}\n".encode()
        await asyncio.sleep(interval_s)


async def _events(count: int) -> AsyncIterator[bytes]:
    for number in range(count):
        yield f"id: {number}\ndata: event {number}\n\n".encode()
    await asyncio.Event().wait()
