"""One action after the other on each tab: two hands on one keyboard type nonsense."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from cloche.browser.contract.common import ActionError, Failure


class Turns:
    """Owned by the session's browser service. First come, first served."""

    def __init__(self) -> None:
        # Weak: a lock lives for as long as somebody holds it or waits for it.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def taken(self, tab_id: str, deadline: float) -> AsyncIterator[None]:
        """Wait for a tab, at most until `deadline` on the loop's clock. Raises: ActionError (`timeout`)."""
        lock = self._locks.setdefault(tab_id, asyncio.Lock())
        try:
            async with asyncio.timeout_at(deadline):
                await lock.acquire()
        except TimeoutError:
            raise ActionError(Failure.TIMEOUT, "an earlier action on this tab is still under way") from None
        try:
            yield
        finally:
            lock.release()
