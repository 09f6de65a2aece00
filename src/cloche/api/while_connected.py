"""Work that is worth doing only as long as someone waits for it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from cloche.concurrency.tasks import cancel_and_wait, spawn

T = TypeVar("T")


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T | None:
    """Do `work` and return what it does, or raise what it raises; None when the client hung up first.

    Work that is given up has ended when this returns. The request's body must have been read.
    """
    working = spawn(work, name="request-work")
    gone = spawn(_until_gone(request), name="request-gone")
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        await cancel_and_wait(working, gone)


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
