"""A bare Chromium with the processes there already that it starts when it first needs them: for tests that load pages.

A test that watches for what it leaves behind would otherwise find the network service and the GPU process.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cloche.browser.call import Call, Limits
from cloche.browser.contract.pages import NavigateRequest
from cloche.browser.navigation.navigate import navigate
from cloche.testing.bare_chromium import BareChromium

PATIENCE_S: Final = 5.0
_NOBODY: Final = "http://127.0.0.1:9999/"


@contextmanager
def warm_chromium() -> Iterator[BareChromium]:
    with BareChromium() as process:
        asyncio.run(_warm_up(process))
        yield process


async def _warm_up(process: BareChromium) -> None:
    async with process.browser() as browser:
        tab = browser.active_tab()
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        call = Call(browser=browser, limits=Limits(), deadline=deadline, selected=tab)
        await navigate(call, NavigateRequest(url=_NOBODY))
        await navigate(call, NavigateRequest(url="about:blank"))
        await tab.session.call("Page.captureScreenshot", {}, deadline=deadline)
