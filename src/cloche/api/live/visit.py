"""From the moment a viewer has its place to the moment it has left: what runs meanwhile, and how it ends."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from cloche.api.auth.revocation import Stands, until_revoked
from cloche.api.live.closing import closing_for
from cloche.api.live.socket import LeftError, LiveSocket, UnresponsiveError
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.sessions.live.interface import Joining, LeaveReason, LiveSeat


async def until_left(
    seat: LiveSeat, socket: LiveSocket, stopping: "asyncio.Future[None]", *work: Coroutine[Any, Any, None]
) -> LeaveReason:
    """Do `work` until the place ends, the viewer goes or the server stops; say why, and close the connection.

    Work may raise UnresponsiveError and LeftError. When this returns none of it runs any more.
    """
    tasks = [spawn(each, name="live-visit") for each in (*work, socket.keep_alive())]
    try:
        waiting: set[asyncio.Future[Any]] = {seat.ended, socket.left, stopping, *tasks}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        reason = _reason(seat, socket, stopping, tasks)
    finally:
        await cancel_and_wait(*tasks)
    leave(seat, reason)
    await socket.finish(closing_for(reason))
    return reason


async def tell_news(seat: LiveSeat, socket: LiveSocket) -> None:
    """Pass on what there is to be told, for ever. Raises: UnresponsiveError, LeftError."""
    while True:
        news = await seat.news()
        await socket.writable()
        for message in news.messages:
            socket.send_text(message)


def leave(seat: LiveSeat, reason: LeaveReason) -> None:
    """End the place for a reason that only the door knows."""
    if not seat.ended.done():
        seat.ended.set_result(reason)


@asynccontextmanager
async def left_when_revoked(seat: LiveSeat, joining: Joining) -> AsyncIterator[None]:
    """As long as the block lasts, end the place once the key that it was taken with has been revoked."""
    watching = None if joining.stands is None else spawn(_watch_key(seat, joining.stands), name="live-key")
    try:
        yield
    finally:
        await cancel_and_wait(watching)


async def _watch_key(seat: LiveSeat, stands: Stands) -> None:
    await until_revoked(stands)
    leave(seat, LeaveReason.KEY_REVOKED)


def _reason(
    seat: LiveSeat, socket: LiveSocket, stopping: "asyncio.Future[None]", tasks: list[asyncio.Task[None]]
) -> LeaveReason:
    if seat.ended.done():
        return seat.ended.result()
    if stopping.done():
        return LeaveReason.SERVER_STOPPING
    for task in tasks:
        if task.done():
            try:
                task.result()
            except UnresponsiveError:
                return LeaveReason.UNRESPONSIVE
            except LeftError:
                return LeaveReason.LEFT
    return LeaveReason.LEFT
