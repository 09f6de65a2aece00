"""The viewer in a real Chromium, against a server that plays a session and remembers what it hears.

A test asks for `live` and `open_viewer`. Where the real thing is to be seen, a module overrides `live` with something
that has the same `page_url`, and asks it only what it can answer.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from cloche.testing.bare_chromium import BareChromium
from cloche.testing.live_pictures import plain_jpeg
from cloche.testing.live_server import FakeLiveServer
from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]
OpenViewer = Callable[..., Awaitable[Page]]
"""`await open_viewer("&transport=jpeg", right="view", until="live", **options_of_the_context)`"""

PATIENCE_MS: Final = 30_000
TEAL: Final = (150, 120, 60)
TEAL_RGB: Final = (55, 201, 136)
"""The same, as a screen shows it."""
DESKTOP: Final[Json] = {"viewport": {"width": 1280, "height": 800}}
PHONE: Final[Json] = {
    "viewport": {"width": 360, "height": 740},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}
SWITCHED_OFF: Final = ("WebRtcHideLocalIpsWithMdns", "LocalNetworkAccessChecks")
"""There is no multicast DNS where the tests run; and sites of the test's own making may ask for what is on loopback."""
EXPECTED_ERRORS: Final = ("WebSocket connection to", "Failed to load resource")
"""What the browser itself says of a server that goes away."""


@pytest.fixture(scope="module")
def _chromium(_web: LocalWeb) -> Iterator[BareChromium]:
    """With the wire of the local web in place, so that there is an interface besides loopback."""
    with BareChromium(f"--disable-features={','.join(SWITCHED_OFF)}", "--allow-loopback-in-peer-connection") as process:
        yield process


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def _browser(_chromium: BareChromium) -> AsyncIterator[Browser]:
    """Warm: what Chromium starts when a page first decodes and connects is there before the first test."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{_chromium.address[1]}")
        async with FakeLiveServer() as server:
            await server.show(plain_jpeg(*TEAL))
            context = await browser.new_context(**DESKTOP)
            for transport in ("webrtc", "webcodecs", "jpeg"):
                page = await context.new_page()
                await page.goto(server.page_url(query=f"&transport={transport}"))
                await until(page, "live")
            await context.close()
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def live() -> AsyncIterator[FakeLiveServer]:
    """A session that shows one colour."""
    async with FakeLiveServer() as server:
        await server.show(plain_jpeg(*TEAL))
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def open_viewer(_browser: Browser, live: FakeLiveServer) -> AsyncIterator[OpenViewer]:
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    async def opened(
        query: str = "&transport=jpeg",
        *,
        right: str = "control",
        status: str = "live",
        before: str = "",
        **options: Any,
    ) -> Page:
        context = await _browser.new_context(**(options or DESKTOP))
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        if before:
            await context.add_init_script(before)
        page = await context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        await page.goto(live.page_url(right, query))
        await until(page, status)
        return page

    yield opened
    for context in contexts:
        await context.close()
    said = [text for text in wrong if not text.startswith(EXPECTED_ERRORS)]
    assert not said, f"the page met errors or broke its policy: {said}"


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Where pictures of the page are kept: a folder that CI saves, or nowhere for long."""
    folder = Path(os.environ.get("CLOCHE_SCREENSHOTS") or tmp_path) / "live"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def until(page: Page, status: str) -> None:
    await expect(page.locator("cloche-live")).to_have_attribute("data-status", status, timeout=PATIENCE_MS)


async def until_true(page: Page, script: str) -> None:
    await page.wait_for_function(script, timeout=PATIENCE_MS)


async def colour_in_the_middle(page: Page) -> tuple[int, int, int]:
    """Of the picture, as the element's own `screenshot` has it."""
    colour = await page.evaluate(
        """async () => {
            const image = await createImageBitmap(await document.querySelector("cloche-live").screenshot());
            const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
            context.drawImage(image, 0, 0);
            return [...context.getImageData(image.width >> 1, image.height >> 1, 1, 1).data];
        }"""
    )
    return colour[0], colour[1], colour[2]


def is_near(colour: tuple[int, int, int], wanted: tuple[int, int, int]) -> bool:
    """Near enough to be no other: lossy codecs, and their matrix for colours is not that of JPEG."""
    return all(abs(one - other) <= 30 for one, other in zip(colour, wanted, strict=True))


async def box_of(page: Page) -> dict[str, float]:
    """Where the picture's box is on the page."""
    box = await page.locator(".stage").bounding_box()
    assert box is not None
    return dict(box)


async def settled(live: FakeLiveServer, page: Page) -> None:
    """All that the page has sent so far has been heard: the pings that come after it are in order behind it."""
    name = f"settled {len(live.received)}"
    await page.evaluate("(name) => document.querySelector('cloche-live').setAttribute('name', name)", name)
    await live.heard(lambda message: message["type"] == "name" and message["name"] == name)


async def next_frame(page: Page) -> None:
    await page.evaluate("() => new Promise(requestAnimationFrame)")


def control(state: str, *, mine: bool = False, holder: str = "", requests: tuple[str, ...] = ()) -> Json:
    return {"state": state, "holder": holder, "mine": mine, "requests": list(requests)}


def viewer(id_: str, **fields: Any) -> Json:
    """One of `viewers`."""
    plain = {
        "id": id_, "name": "", "right": "control", "has_control": False, "wants_control": False, "transport": "webrtc",
        "joined_at": "2026-11-22T20:00:00Z", "codec": "h264", "fallback_reason": "", "fps": 48.2, "rtt_ms": 12.0,
        "frame_age_ms": 44.0, "bits_per_second": 2.1e6, "dropped": 3,
    }  # fmt: skip
    return json.loads(json.dumps(plain)) | fields


async def soon(true: Callable[[], bool]) -> None:
    """Wait until something that a test counts itself has come true."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while not true():
            await asyncio.sleep(0.02)
