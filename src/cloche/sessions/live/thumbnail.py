"""A small picture of the tab that is shown, for lists of sessions."""

import asyncio
from typing import Final

from cloche.browser.devtools.errors import DevToolsError
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import ConflictError, DeadlineError
from cloche.live.held_picture import is_acceptable
from cloche.sessions.live.cdp_words import LayoutMetrics, Screenshot
from cloche.sessions.live.link import LiveLink
from cloche.sessions.live.page import ShownPage

KEPT_S: Final = 5.0
MAX_WIDTH: Final = 480
QUALITY: Final = 50
MAX_PASSED_ON_BYTES: Final = 200 << 10
"""Of a picture of the screencast that is handed out as it is; a larger one is not, for it goes out again and again."""
MAX_BYTES: Final = 1 << 20
"""Of one that was made. An honest browser's has a tenth; what another sends is handed to nobody."""
SETTLE_S: Final = 15.0
"""How long it may take to get to a browser that comes and goes."""
CAPTURE_S: Final = 5.0
PAGE_S: Final = 2.0
"""How long there may be no page yet to take a picture of."""


class Thumbnails:
    """Owned by the live service."""

    def __init__(self, link: LiveLink) -> None:
        self._link = link
        self._made: tuple[float, bytes] | None = None
        self._passing: bytes | None = None
        self._page_came = asyncio.Event()
        self._making: asyncio.Task[bytes] | None = None

    def page_shown(self, page: ShownPage | None) -> None:
        self._passing = None
        if page is None:
            self._page_came.clear()
        else:
            self._page_came.set()

    def picture(self, jpeg: bytes | None) -> None:
        """The last of the screencast: what the page looks like now, for as long as that goes on. None: it has ended."""
        self._passing = jpeg if jpeg is not None and len(jpeg) <= MAX_PASSED_ON_BYTES else None

    async def get(self) -> bytes:
        """Raises: ConflictError (`browser_stopped`), DeadlineError, GoneError."""
        if self._passing is not None:
            return self._passing
        now = asyncio.get_running_loop().time()
        if self._made is not None and now - self._made[0] < KEPT_S:
            return self._made[1]
        if self._making is None or self._making.done():
            self._making = spawn(self._make(), name="live-thumbnail")
        making = self._making
        try:
            # Shielded: whoever asked first may hang up while others wait for the same.
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            if making.cancelled():
                raise ConflictError("the session is ending", reason="session_ending") from None
            raise

    async def close(self) -> None:
        await cancel_and_wait(self._making)

    async def _make(self) -> bytes:
        with self._link.wanted():
            try:
                async with asyncio.timeout(SETTLE_S):
                    await self._link.settled_view()
            except TimeoutError:
                raise DeadlineError("the browser does not answer") from None
            try:
                async with asyncio.timeout(PAGE_S):
                    await self._page_came.wait()
                picture = await self._capture()
            except TimeoutError:
                raise DeadlineError("no page is open") from None
            except DevToolsError:
                raise DeadlineError("the page did not draw in time") from None
        if len(picture) > MAX_BYTES or not is_acceptable(picture):
            raise DeadlineError("the page drew nothing that is a picture")
        self._made = (asyncio.get_running_loop().time(), picture)
        return picture

    async def _capture(self) -> bytes:
        view = self._link.view
        page = view.page if view is not None else None
        if page is None:
            raise TimeoutError
        deadline = asyncio.get_running_loop().time() + CAPTURE_S
        metrics = await page.session.call("Page.getLayoutMetrics", {}, LayoutMetrics, deadline=deadline)
        box = metrics.cssVisualViewport
        wanted = {
            "format": "jpeg",
            "quality": QUALITY,
            "optimizeForSpeed": True,
            "clip": {
                "x": box.pageX,
                "y": box.pageY,
                "width": max(box.clientWidth, 1),
                "height": max(box.clientHeight, 1),
                "scale": min(1.0, MAX_WIDTH / max(box.clientWidth, 1)),
            },
        }
        return (await page.session.call("Page.captureScreenshot", wanted, Screenshot, deadline=deadline)).data
