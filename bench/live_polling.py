"""The viewer to compare with: `Page.captureScreenshot` in a loop, each picture in base64 in JSON to a page.

So did the system whose place this takes. It gets its best case: a raw DevTools connection on the same machine and no
server in between.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from live_page import Pages
from live_viewer import LiveViewer, viewing
from raw_chromium import RawChromium


@asynccontextmanager
async def polled(browser: Browser, pages: Pages, path: str) -> AsyncIterator[LiveViewer]:
    """A viewer of a page in a bare Chromium, by polling."""
    async with (
        RawChromium("--window-size=1280,720") as watched,
        connect(watched.websocket_url, max_size=None) as devtools,
    ):
        page = _Page(devtools)
        await page.open(pages.url(path))

        async def serve_one(socket: ServerConnection) -> None:
            with contextlib.suppress(ConnectionClosed):
                while True:
                    await socket.send(json.dumps({"type": "frame", "data": await page.picture()}))

        async with serve(serve_one, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            address = pages.url("/polling") + f"#ws://127.0.0.1:{port}"
            async with viewing(browser, address) as viewer:
                yield viewer


class _Page:
    def __init__(self, devtools: Any) -> None:
        self._devtools = devtools
        self._number = 0
        self._session = ""

    async def open(self, url: str) -> None:
        target = await self._call("Target.createTarget", {"url": "about:blank"})
        attached = await self._call("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
        self._session = attached["sessionId"]
        size = {"width": 1280, "height": 720, "deviceScaleFactor": 1, "mobile": False}
        await self._call("Emulation.setDeviceMetricsOverride", size)
        await self._call("Page.navigate", {"url": url})
        await asyncio.sleep(1)

    async def picture(self) -> str:
        answer = await self._call("Page.captureScreenshot", {"format": "jpeg", "quality": 80})
        return str(answer["data"])

    async def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        await self._devtools.send(json.dumps(message))
        while True:
            answer = json.loads(await self._devtools.recv())
            if answer.get("id") == self._number:
                result: dict[str, Any] = answer["result"]
                return result
