"""Which tab is in front. Full Chromium tells a tab only that it is not; its shell has them all in front."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from cloche.browser.devtools.connection import Connection
from cloche.browser.devtools.errors import DevToolsError
from cloche.browser.devtools.session import TargetSession
from cloche.browser.frame import Evaluated
from cloche.browser.page_events import Detached

LOOK_S: Final = 1.0
MAX_LOOKED_AT: Final = 32


async def tab_in_front(connection: Connection, tab_ids: Sequence[str]) -> str:
    """The first of these that can be seen; empty: none."""
    for tab_id in tab_ids[:MAX_LOOKED_AT]:
        if await _is_visible(connection, tab_id):
            return tab_id
    return ""


async def _is_visible(connection: Connection, tab_id: str) -> bool:
    deadline = asyncio.get_running_loop().time() + LOOK_S
    attach = {"targetId": tab_id, "flatten": True}
    try:
        made = await connection.call("Target.attachToTarget", attach, Detached, deadline=deadline)
    except DevToolsError:
        return False
    session = TargetSession(connection, made.sessionId, tab_id)
    question = {"expression": "document.visibilityState === 'visible'", "returnByValue": True}
    try:
        seen = await session.call("Runtime.evaluate", question, Evaluated, deadline=deadline)
    except DevToolsError:
        return False
    finally:  # also from a page that hangs
        connection.begin("Target.detachFromTarget", {"sessionId": session.id}).add_done_callback(_look_away)
    return bytes(seen.result.value) == b"true"


def _look_away(future: "asyncio.Future[msgspec.Raw]") -> None:
    if not future.cancelled():
        future.exception()
