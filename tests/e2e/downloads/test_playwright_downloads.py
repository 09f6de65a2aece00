"""What becomes of downloads that Playwright waits for."""

import pytest
from playwright.async_api import BrowserType

from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

from .conftest import Owner

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_playwright_sees_its_downloads_succeed_and_they_come_out(
    chromium: BrowserType, shared_daemon: DaemonProcess, local_web: LocalWeb
) -> None:
    place = Owner(shared_daemon, local_web, await shared_daemon.create_session())
    browser = await chromium.connect_over_cdp(place.session["connect_url"])
    try:
        for context in (browser.contexts[0], await browser.new_context()):
            page = await context.new_page()
            await page.goto(local_web.url("site.test", "/"))
            async with page.expect_download() as downloading:
                await page.click("text=download")
            download = await downloading.value
            assert (download.suggested_filename, await download.failure()) == ("report.txt", None)
            artifact = await place.one()
            assert (artifact["state"], artifact["file_name"]) == ("ready", "report.txt")
    finally:
        await browser.close()
