"""Reach a session's browser, also across the moment in which one dies and the next takes its place."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from cloche.concurrency.splice import abort
from cloche.errors import AgentError
from cloche.sessions.interface import Attachment

RETRIES: Final = 2
NEWS_WAIT_S: Final = 0.5
"""How long the news of a browser's death may take to get here, once its connection has ended."""
RETRY_WITHIN_S: Final = 5.0
"""A failure that took longer is no browser's sudden death: somebody has waited already."""

T = TypeVar("T")


async def reach(attachment: Attachment, converse: Callable[[socket.socket], Awaitable[T]]) -> tuple[socket.socket, T]:
    """Dial the browser and have a conversation; when it dies in the middle of it, have it with the next one.

    The kernel accepts connections for a browser that is about to die, so a dial that worked says little.
    Returns the connection, which is the caller's to close, and what `converse` returned.
    Raises: what `dial` and `converse` raise.
    """
    retry_until = asyncio.get_running_loop().time() + RETRY_WITHIN_S
    for _ in range(RETRIES):
        try:
            return await _once(attachment, converse)
        except AgentError:
            if asyncio.get_running_loop().time() > retry_until:
                raise
        await asyncio.wait({attachment.ended}, timeout=NEWS_WAIT_S)
    return await _once(attachment, converse)


async def _once(attachment: Attachment, converse: Callable[[socket.socket], Awaitable[T]]) -> tuple[socket.socket, T]:
    browser = await attachment.dial()
    try:
        said = await converse(browser)
        if attachment.ended.done():
            # It has ended meanwhile: what it said of itself is of no use any more.
            raise AgentError("the browser went away")
        return browser, said
    except BaseException:
        abort(browser)
        raise
