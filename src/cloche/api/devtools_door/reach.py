"""Reach a session's browser, also across the moment in which one dies and the next takes its place."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from cloche.concurrency.splice import abort
from cloche.errors import AgentError
from cloche.sessions.interface import Attachment

ATTEMPTS: Final = 3
NEWS_WAIT_S: Final = 1.0
"""How long the news of a browser's death may take to get here, once its connection has ended."""

T = TypeVar("T")


async def reach(attachment: Attachment, converse: Callable[[socket.socket], Awaitable[T]]) -> tuple[socket.socket, T]:
    """Dial the browser and have a conversation; when it dies in the middle of it, have it with the next one.

    The kernel accepts connections for a browser that is about to die, so a dial that worked says little.
    Returns the connection, which is the caller's to close, and what `converse` returned.
    Raises: what `dial` and `converse` raise.
    """
    for left in reversed(range(ATTEMPTS)):
        browser = await attachment.dial()
        try:
            return browser, await converse(browser)
        except AgentError:
            abort(browser)
            if not left or not await _has_died(attachment):
                raise
        except BaseException:
            abort(browser)
            raise
    raise AssertionError("the last attempt returns or raises")


async def _has_died(attachment: Attachment) -> bool:
    await asyncio.wait({attachment.ended}, timeout=NEWS_WAIT_S)
    return attachment.ended.done()
