"""What drives a browser: our own raw DevTools client, or Playwright. Scenarios see no difference."""

import asyncio
from typing import Any, Protocol

from playwright.async_api import Browser
from playwright.async_api import Page as PlaywrightPage

from cloche.testing.cdp import CdpClient, CdpPage
from side_by_side.world import World


class Page(Protocol):
    async def evaluate(self, expression: str, *, timeout_s: float = 10.0) -> Any:
        """The value of a script, awaited when it is a promise."""


class Client(Protocol):
    """One connection to one browser."""

    async def open_page(self, url: str) -> Page:
        """A new tab at `url`, once its load event has fired."""

    async def close(self) -> None: ...


async def connect(world: World, url: str) -> Client:
    """Dial a DevTools URL with the kind of client that this run uses."""
    if world.client == "cdp":
        return OverCdp(await CdpClient.connect(url, timeout_s=60))
    playwright = await world.playwright()
    return OverPlaywright(await playwright.chromium.connect_over_cdp(url, timeout=60_000))


class OverCdp:
    def __init__(self, client: CdpClient) -> None:
        self.client = client

    async def open_page(self, url: str) -> CdpPage:
        return await self.client.new_page(url)

    async def close(self) -> None:
        await self.client.close()


class OverPlaywright:
    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    async def open_page(self, url: str) -> Page:
        contexts = self._browser.contexts
        page = await (contexts[0] if contexts else self._browser).new_page()
        await page.goto(url)
        return _PlaywrightsPage(page)

    async def close(self) -> None:
        await self._browser.close()


class _PlaywrightsPage:
    def __init__(self, page: PlaywrightPage) -> None:
        self._page = page

    async def evaluate(self, expression: str, *, timeout_s: float = 10.0) -> Any:
        async with asyncio.timeout(timeout_s):
            return await self._page.evaluate(expression)
