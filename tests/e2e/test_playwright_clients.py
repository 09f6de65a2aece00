"""Playwright's clients come and go, and several share a session."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import BrowserType, async_playwright

from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LOOPBACK_ONLY, LocalWeb

Json = dict[str, Any]


@pytest.fixture
async def chromium() -> AsyncIterator[BrowserType]:
    """A Playwright for one test: for each connection it keeps a directory until it ends."""
    async with async_playwright() as playwright:
        yield playwright.chromium


async def test_two_clients_at_once_see_the_same_pages(
    chromium: BrowserType, session: Json, local_web: LocalWeb
) -> None:
    one = await chromium.connect_over_cdp(session["connect_url"])
    other = await chromium.connect_over_cdp(session["connect_url"])
    async with other.contexts[0].expect_page() as appearing:
        mine = await one.contexts[0].new_page()
        await mine.goto(local_web.url("site.test", "/opened"))
    theirs = await appearing.value
    await theirs.wait_for_url("**/opened")
    await theirs.evaluate("document.title = 'set by the other'")
    assert await mine.title() == "set by the other"
    await other.close()
    assert await mine.evaluate("document.title += ', still here'") == "set by the other, still here"
    await one.close()


async def test_a_client_that_comes_back_finds_its_pages_as_it_left_them(
    chromium: BrowserType, session: Json, local_web: LocalWeb
) -> None:
    first = await chromium.connect_over_cdp(session["connect_url"])
    page = await first.contexts[0].new_page()
    await page.goto(local_web.url("site.test", "/form"))
    await page.evaluate("window.left = 'here'")
    await first.close()
    second = await chromium.connect_over_cdp(session["connect_url"])
    again = next(page for page in second.contexts[0].pages if page.url.endswith("/form"))
    assert await again.evaluate("window.left") == "here"
    await second.close()


async def test_the_http_form_of_the_address_works_too(
    chromium: BrowserType, shared_daemon: DaemonProcess, kept_session: Json
) -> None:
    endpoint = f"{shared_daemon.base_url}/v1/sessions/{kept_session['id']}"
    browser = await chromium.connect_over_cdp(endpoint, headers={"Authorization": f"Bearer {shared_daemon.key}"})
    assert browser.version in kept_session["browser"]["product"]
    await browser.close()


async def test_playwright_and_a_raw_client_share_a_session(
    chromium: BrowserType, cdp: Callable[..., Awaitable[CdpClient]], kept_session: Json
) -> None:
    browser = await chromium.connect_over_cdp(kept_session["connect_url"])
    page = await browser.new_page()
    await page.set_content("<title>seen by both</title>")
    raw = await cdp(kept_session["connect_url"])
    targets = (await raw.send("Target.getTargets"))["targetInfos"]
    assert "seen by both" in [target["title"] for target in targets]
    await browser.close()


async def test_a_service_worker_answers_for_its_page(chromium: BrowserType, shared_daemon: DaemonProcess) -> None:
    # Service workers ask for a secure context, and take no certificate of nobody: http on localhost is one too.
    async with LocalWeb(LOOPBACK_ONLY) as at_home:
        place = f"localhost:{at_home.http_port}"
        session = await shared_daemon.create_session(egress={"private_hosts": [place]})
        browser = await chromium.connect_over_cdp(session["connect_url"])
        page = await browser.contexts[0].new_page()
        await page.goto(f"http://{place}/service-worker")
        await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        # From here on it has this page too: the first one it may claim too late to answer for.
        await page.reload()
        await page.wait_for_function("document.title !== 'service worker'")
        assert await page.title() == "answered by the service worker"
        await browser.close()


async def test_a_download_through_devtools_lands_in_the_workspace(
    chromium: BrowserType, session: Json, local_web: LocalWeb
) -> None:
    playwright = await chromium.connect_over_cdp(session["connect_url"])
    cdp = await playwright.new_browser_cdp_session()
    folder = "/data/workspace/downloads"
    behaviour = {"behavior": "allow", "downloadPath": folder, "eventsEnabled": True}
    await cdp.send("Browser.setDownloadBehavior", behaviour)
    ended: asyncio.Future[Json] = asyncio.get_running_loop().create_future()

    def hear(told: Json) -> None:
        if told["state"] != "inProgress" and not ended.done():
            ended.set_result(told)

    cdp.on("Browser.downloadProgress", hear)
    # Playwright sets another folder for each context it makes; the session's own has just been set here.
    page = await playwright.contexts[0].new_page()
    await page.goto(local_web.url("site.test", "/"))
    await page.evaluate("location.href = '/download/big.bin?size=3000000'")
    told = await asyncio.wait_for(ended, 5)
    assert (told["state"], told["receivedBytes"], told["filePath"]) == ("completed", 3_000_000, f"{folder}/big.bin")
    await playwright.close()
