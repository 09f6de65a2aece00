"""Getting a page's main thread back from a script that does not end.

CDP Runtime.terminateExecution is handled beside the main thread, but ends the script that runs next when none runs. So
it is only sent to a page that has just been seen not to answer.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final

from cloche.browser.contract.common import ActionError
from cloche.browser.devtools.errors import DevToolsError, NoAnswerError
from cloche.browser.devtools.session import TargetSession
from cloche.browser.tab import Tab
from cloche.concurrency.tasks import cancel_and_wait, spawn

PATIENCE_S: Final = 0.25
"""How long a page may take to answer before it counts as busy; no page is that slow by itself for long."""
AGAIN_S: Final = 0.05
TRIES: Final = 5
CRASH_S: Final = 1.0


async def is_busy(session: TargetSession) -> bool:
    """Whether the page gives no sign of life. Takes `PATIENCE_S` if so."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    try:
        await session.call("Runtime.evaluate", {"expression": "0"}, deadline=deadline, held_up=False)
    except NoAnswerError:
        return True
    except DevToolsError:
        return False
    return False


async def release(session: TargetSession) -> bool:
    """End the scripts that keep the page busy; False when it is busy even then."""
    for _ in range(TRIES):
        if not await is_busy(session):
            return True
        session.notify("Runtime.terminateExecution")
    return not await is_busy(session)


async def make_leavable(tab: Tab, deadline: float) -> None:
    """See to it that the tab's page does not stand in the way of the document that is to come.

    Chromium commits a document of the same site in the same process, on the main thread that the old page may be
    blocking, and from then on DevTools cannot reach the old page any more: so this comes before. It also makes sure
    that a page opened just now has taken in what was switched on in it, without which its end would not be told.
    """
    if tab.crashed or not await is_busy(tab.session):
        return
    loop = asyncio.get_running_loop()
    for _ in range(TRIES):
        tab.session.notify("Runtime.terminateExecution")
        if not await is_busy(tab.session) and not await _is_busy_again(tab.session):
            return
        if loop.time() >= deadline:
            return
    # It begins anew each time it is ended. Chromium gives the tab another process with the next document.
    tab.session.notify("Page.crash")
    with contextlib.suppress(ActionError):  # page_crashed: what is waited for
        await tab.until(lambda: tab.crashed, loop.time() + CRASH_S)


async def _is_busy_again(session: TargetSession) -> bool:
    await asyncio.sleep(AGAIN_S)
    return await is_busy(session)


@asynccontextmanager
async def releasing(tab: Tab, until: Callable[[], bool]) -> AsyncGenerator[None]:
    """Meanwhile end scripts that keep the tab's page from being left, as long as `until` is not so."""

    async def watch() -> None:
        while True:
            await asyncio.sleep(PATIENCE_S)
            if until():
                return
            if await is_busy(tab.session) and not until():
                tab.session.notify("Runtime.terminateExecution")

    watching = spawn(watch(), name="releasing-page")
    try:
        yield
    finally:
        await cancel_and_wait(watching)
