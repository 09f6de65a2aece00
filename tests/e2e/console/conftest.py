"""The built console in a real Chromium, served by a real daemon whose sessions browse the local web.

A test asks for `open_console`, and where it looks at one session's page for `session`. The console is what
`script/console` last built.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright, expect

from cloche.console.serve import STATIC
from cloche.testing.bare_chromium import BareChromium
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]
OpenConsole = Callable[..., Awaitable[Page]]
"""`await open_console("/app/keys", key="ck_…", **options_of_the_context)`: signed in, unless `key` is empty."""

PATIENCE_MS: Final = 30_000
DESKTOP: Final[Json] = {"viewport": {"width": 1280, "height": 800}}
SWITCHED_OFF: Final = ("WebRtcHideLocalIpsWithMdns", "LocalNetworkAccessChecks")
"""There is no multicast DNS where the tests run, and the daemon is on loopback."""
EXPECTED_ERRORS: Final = ("WebSocket connection to", "Failed to load resource")
"""What the browser itself says of answers that are none of 2xx, and of sessions that end."""


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    if not (STATIC / "index.html").exists():
        pytest.fail("the console has not been built: script/console")


@pytest.fixture(scope="module")
def _chromium(_web: LocalWeb) -> Iterator[BareChromium]:
    with BareChromium(f"--disable-features={','.join(SWITCHED_OFF)}", "--allow-loopback-in-peer-connection") as process:
        yield process


@pytest.fixture(scope="module", autouse=True)
def _patient() -> Iterator[None]:
    """What is expected of a page may take a while on a machine with much else to do."""
    expect.set_options(timeout=PATIENCE_MS)
    yield
    expect.set_options(timeout=None)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def _browser(_chromium: BareChromium, _shared_daemon: DaemonProcess) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{_chromium.address[1]}")
        # Warm: what Chromium starts for the first page that decodes pictures is there before the first test.
        page = await browser.new_page()
        await page.goto(_shared_daemon.base_url)
        await expect(page.get_by_label("API key")).to_be_visible()
        await page.close()
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def open_console(_browser: Browser, shared_daemon: DaemonProcess) -> AsyncIterator[OpenConsole]:
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    async def opened(path: str = "/", *, key: str | None = None, **options: Any) -> Page:
        context = await _browser.new_context(**(DESKTOP | options))
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        await page.goto(shared_daemon.base_url + path)
        secret = shared_daemon.key if key is None else key
        if secret:
            await sign_in(page, secret)
            await expect(page.get_by_role("main").locator("h1")).to_be_visible(timeout=PATIENCE_MS)
        return page

    yield opened
    for context in contexts:
        await context.close()
    said = [text for text in wrong if not text.startswith(EXPECTED_ERRORS)]
    assert not said, f"the page met errors or broke its policy: {said}"


@pytest.fixture
async def session(shared_daemon: DaemonProcess, local_web: LocalWeb) -> Json:
    """A session with the machine API, which shows a page of the local web."""
    return await shared_daemon.create_session(machine=True, start_url=local_web.url("site.test", "/page"))


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Where pictures of the console are kept: a folder that CI saves, or nowhere for long."""
    folder = Path(os.environ.get("CLOCHE_SCREENSHOTS") or tmp_path) / "console"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def sign_in(page: Page, key: str) -> None:
    await page.get_by_label("API key").fill(key)
    await page.get_by_role("button", name="Sign in").click()


async def act(daemon: DaemonProcess, session: Json, use_case: str, **fields: Any) -> Json:
    """Have the browser service do something in the session, as a program would."""
    answer = await daemon.request("POST", f"/v1/sessions/{session['id']}/{use_case}", fields)
    assert answer.status == 200 and answer.json["success"], answer.body
    response: Json = answer.json
    return response


def row(page: Page, text: str) -> Locator:
    """The row of a table, or the card of a list, with that text."""
    return page.get_by_role("row").filter(has_text=text)


def toast(page: Page, text: str | re.Pattern[str]) -> Locator:
    """What the console says in its corner."""
    return page.get_by_role("alert").filter(has_text=text)


def short(id_: str) -> str:
    """An id as the console shows it in lists."""
    return f"{id_.partition('_')[0]}_…{id_[-6:]}"


async def soon(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something outside of the page has come true."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while not await true():
            await asyncio.sleep(0.05)


async def emptied(daemon: DaemonProcess) -> None:
    """Delete all named pools, and wait until nothing waits in any of them."""
    for pool in (await daemon.request("GET", "/v1/pools")).json["pools"]:
        await daemon.request("DELETE", f"/v1/pools/{pool['name']}")
    sessions = (await daemon.request("GET", "/v1/sessions?limit=200")).json["sessions"]

    async def is_gone() -> bool:
        return {path.name for path in daemon.run_dir.glob("ses_*")} <= {session["id"] for session in sessions}

    await soon(is_gone)


async def recorded(daemon: DaemonProcess, session: Json, seconds: float) -> None:
    """Wait until so much of the session has been recorded."""

    async def is_long_enough() -> bool:
        answer = await daemon.request("GET", f"/v1/sessions/{session['id']}/recordings")
        return bool(answer.json["recordings"][0]["seconds"] >= seconds)

    await soon(is_long_enough)
