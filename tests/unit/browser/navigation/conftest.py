"""Tabs whose network ends with the test, and a server whose answers a test writes itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest

from cloche.browser.call import Call
from cloche.browser.session_browser import Browser
from cloche.browser.tab import Tab
from cloche.testing.bare_chromium import BareChromium
from cloche.testing.canned_answers import canned_answers
from cloche.testing.warm_chromium import warm_chromium

PATIENCE_S = 5.0


@pytest.fixture(scope="module")
def chromium() -> Iterator[BareChromium]:
    with warm_chromium() as process:
        yield process


@pytest.fixture
async def tab(browser: Browser) -> AsyncIterator[Tab]:
    """In a browser context of its own: its connections to the local web end with it."""
    context = (await browser.call("Target.createBrowserContext"))["browserContextId"]
    made = await browser.call("Target.createTarget", {"url": "about:blank", "browserContextId": context})
    tab = await browser.tab_opened(made["targetId"], asyncio.get_running_loop().time() + PATIENCE_S)
    browser.set_active(tab)
    yield tab
    await browser.call("Target.disposeBrowserContext", {"browserContextId": context})


CallOf = Callable[..., Call]
Serve = Callable[[dict[str, bytes]], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`await serve({"/": html("…")})` answers with an origin."""
    async with AsyncExitStack() as stack:

        async def serve(answers: dict[str, bytes]) -> str:
            return await stack.enter_async_context(canned_answers(answers))

        yield serve
