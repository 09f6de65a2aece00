"""Full Chromium as a session: made by the API, driven by Playwright, beside sessions of the light engine."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserType

from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        not Path("/usr/lib/chromium/chromium").exists(), reason="needs chromium (cloche doctor: chrome)"
    ),
]


async def test_playwright_drives_a_full_chromium(
    shared_daemon: DaemonProcess, chromium: BrowserType, local_web: LocalWeb
) -> None:
    session = await shared_daemon.create_session(engine="chrome", viewport={"width": 1000, "height": 700})
    assert (session["engine"], session["status"]) == ("chrome", "ready")
    assert "HeadlessShell" not in session["browser"]["product"]
    browser = await chromium.connect_over_cdp(session["connect_url"])
    try:
        page = await (await browser.new_context()).new_page()
        await page.goto(local_web.url("site.test", "/page"))
        assert await page.evaluate("[document.title, 6 * 7]") == ["page of site.test", 42]
        assert (await page.screenshot(type="png")).startswith(b"\x89PNG")
    finally:
        await browser.close()


async def test_it_has_its_start_page_its_size_and_its_language(
    shared_daemon: DaemonProcess, chromium: BrowserType, local_web: LocalWeb
) -> None:
    session = await shared_daemon.create_session(
        engine="chrome",
        viewport={"width": 1000, "height": 700, "device_scale_factor": 2.0},
        start_url=local_web.url("site.test", "/form"),
        locale="de-DE",
        timezone="Asia/Tokyo",
        user_agent="Mozilla/5.0 (Test) Cloche/1",
    )
    request = await local_web.wait_for_request("site.test", "/form")
    assert request.headers["user-agent"] == "Mozilla/5.0 (Test) Cloche/1"
    assert request.headers["accept-language"].startswith("de-DE")
    browser = await chromium.connect_over_cdp(session["connect_url"])
    try:
        (page,) = browser.contexts[0].pages
        seen = await page.evaluate(
            "[navigator.language, Intl.DateTimeFormat().resolvedOptions().timeZone, devicePixelRatio, outerWidth]"
        )
        assert seen == ["de-DE", "Asia/Tokyo", 2, 1000]
    finally:
        await browser.close()


async def test_sessions_of_both_engines_live_side_by_side(
    shared_daemon: DaemonProcess, chromium: BrowserType, local_web: LocalWeb
) -> None:
    engines = ("chrome", "shell", "chrome", "shell")
    sessions = await asyncio.gather(*(shared_daemon.create_session(engine=engine) for engine in engines))
    assert tuple(session["engine"] for session in sessions) == engines

    async def use(number: int, session: Json) -> list[Any]:
        browser = await chromium.connect_over_cdp(session["connect_url"])
        try:
            page = browser.contexts[0].pages[0]
            await page.goto(local_web.url("site.test", f"/cookies/set?number={number}"))
            await page.goto(local_web.url("site.test", "/cookies"))
            found: list[Any] = await page.evaluate("[JSON.parse(document.body.innerText).number, navigator.userAgent]")
            return found
        finally:
            await browser.close()

    seen = await asyncio.gather(*(use(number, session) for number, session in enumerate(sessions)))
    assert [number for number, _ in seen] == ["0", "1", "2", "3"]
    assert all("Chrome/" in agent for _, agent in seen)


async def test_a_full_chromium_ends_as_any_other(shared_daemon: DaemonProcess) -> None:
    session = await shared_daemon.create_session(engine="chrome")
    answer = await shared_daemon.request("DELETE", f"/v1/sessions/{session['id']}")
    assert answer.status == 200, answer.body
    # Nothing of it died on the way, or fell over its limits.
    events = [event for event in shared_daemon.log if event.get("session") == session["id"]]
    assert not [event for event in events if event.get("level") in ("warning", "error")], events
