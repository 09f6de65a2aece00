"""A bare Chromium that the tests of a module share, and a fresh tab in it for each."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from cloche.browser.call import Call, Limits
from cloche.browser.session_browser import Browser
from cloche.browser.tab import Tab
from cloche.testing.bare_chromium import PATIENCE_S, BareChromium, CallOf, Show, soon
from cloche.testing.warm_chromium import warm_chromium
from cloche.testing.web.server import LocalWeb


@pytest.fixture(scope="module")
def chromium() -> Iterator[BareChromium]:
    with warm_chromium() as process:
        yield process


@pytest.fixture
def local_web(local_web: LocalWeb) -> Iterator[LocalWeb]:
    """The shared one. The browser outlives the test, and with it the connections that it keeps for later."""
    yield local_web
    local_web.hang_up()


@pytest.fixture
async def browser(chromium: BareChromium) -> AsyncIterator[Browser]:
    """A connection of its own; the pages that the test leaves are closed."""
    async with chromium.browser() as browser:
        before = set(browser.tabs)
        yield browser
        if not browser.is_closed:
            for tab_id in set(browser.tabs) - before:
                await browser.call("Target.closeTarget", {"targetId": tab_id})


@pytest.fixture
async def tab(browser: Browser) -> Tab:
    """A fresh, active one, on about:blank."""
    made = await browser.call("Target.createTarget", {"url": "about:blank"})
    tab = await browser.tab_opened(made["targetId"], soon())
    assert await tab.until(lambda: tab.is_set_up, soon())
    browser.set_active(tab)
    return tab


@pytest.fixture
def show(tab: Tab) -> Show:
    """`await show("<button>OK</button>")`: the tab shows that document from here on."""

    async def show(html: str) -> Tab:
        await tab.session.call("Page.setDocumentContent", {"frameId": tab.id, "html": html}, deadline=soon())
        return tab

    return show


@pytest.fixture
def call_of(browser: Browser) -> CallOf:
    """`call_of(tab)`: what a use case is handed, with `patience_s` and the fields of `Limits` as one likes."""

    def call_of(tab: Tab | None = None, *, patience_s: float = PATIENCE_S, **limits: int) -> Call:
        deadline = asyncio.get_running_loop().time() + patience_s
        return Call(browser=browser, limits=Limits(**limits), deadline=deadline, selected=tab)

    return call_of
