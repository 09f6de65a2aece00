"""Whether a key still opens what it has opened: streams and connections outlive the request that was let in."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

LOOK_EVERY_S: Final = 3.0

Stands = Callable[[], Awaitable[bool]]
"""Whether a key is valid now."""

_log = structlog.get_logger(__name__)


async def until_revoked(stands: Stands) -> None:
    """Wait until a key has been revoked."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        try:
            if not await stands():
                return
        except Exception as error:  # noqa: BLE001  One turn of a loop: a database that is busy has revoked nothing.
            _log.warning("key_not_looked_up", error=type(error).__name__)
