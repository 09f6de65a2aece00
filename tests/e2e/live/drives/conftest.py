"""A real daemon, a session of it with a known page, and people with a Chromium each module shares."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, async_playwright

from cloche.testing.bare_chromium import BareChromium
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

from .desk import PATIENCE_S, PROBE, Desk

Json = dict[str, Any]
SitDown = Callable[..., Awaitable[Desk]]
"""`await sit_down(session, "&transport=jpeg", url="", daemon=…, **options_of_the_context)`"""

OF_THE_MODULE: Final = {"kept": "module"}
SWITCHED_OFF: Final = "WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks"
"""There is no multicast DNS where tests run."""
WINDOW: Final[Json] = {"viewport": {"width": 1340, "height": 840}}
SIZE: Final = {"width": 1280, "height": 720}


@pytest.fixture(scope="module")
def _chromium(_web: LocalWeb) -> Iterator[BareChromium]:
    with BareChromium(f"--disable-features={SWITCHED_OFF}", "--allow-loopback-in-peer-connection") as process:
        yield process


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def _browser(_chromium: BareChromium) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{_chromium.address[1]}")
        yield browser
        await browser.close()


@pytest.fixture(scope="module")
def page_url(_web: LocalWeb) -> str:
    return _web.url("site.test", "/pages/live.html")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kept_session(_shared_daemon: DaemonProcess, page_url: str) -> Json:
    """The session that a module's tests share, if they want to."""
    wanted = {"start_url": page_url, "viewport": SIZE, "live": {"clipboard": "both"}, "labels": OF_THE_MODULE}
    return await _shared_daemon.create_session(**wanted)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kept_desk(
    _browser: Browser, _shared_daemon: DaemonProcess, _web: LocalWeb, kept_session: Json
) -> AsyncIterator[Desk]:
    """One viewer for the module, by whichever transport comes first."""
    async with _sitting(_browser, _shared_daemon, _web) as sit:
        yield await sit(kept_session, permissions=["clipboard-read", "clipboard-write"])


@pytest_asyncio.fixture(loop_scope="module")
async def sit_down(_browser: Browser, shared_daemon: DaemonProcess, local_web: LocalWeb) -> AsyncIterator[SitDown]:
    """Open a session's live page, in a context that ends with the test."""
    async with _sitting(_browser, shared_daemon, local_web) as sit:
        yield sit


@asynccontextmanager
async def _sitting(browser: Browser, daemon: DaemonProcess, web: LocalWeb) -> AsyncGenerator[SitDown]:
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    async def sit(
        session: Json, query: str = "", *, url: str = "", daemon: DaemonProcess = daemon, **options: Any
    ) -> Desk:
        context = await browser.new_context(**(WINDOW | options))
        context.set_default_timeout(PATIENCE_S * 1000)
        contexts.append(context)
        await context.add_init_script(PROBE)
        page = await context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        await page.goto((url or session["live_url"]) + query)
        desk = Desk(daemon, web, session, page)
        await desk.is_live()
        return desk

    yield sit
    for context in contexts:
        await context.close()
    assert not wrong, f"the page met errors: {wrong}"
