"""Pictures of every page, light and dark, on a desk and in a hand: for people to look at."""

from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.async_api import Page, ViewportSize, expect

from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

from .conftest import PATIENCE_MS, Json, OpenConsole, act, emptied, recorded, row

pytestmark = pytest.mark.asyncio(loop_scope="module")

Look = tuple[Literal["desktop", "phone"], Literal["light", "dark"]]

SETTINGS = {"state_key": b64encode(32 * b"k").decode()}
"""For profiles."""
SIZES: Final[dict[str, ViewportSize]] = {
    "desktop": {"width": 1280, "height": 800},
    "phone": {"width": 360, "height": 740},
}
PLACES = ("Sessions", "Profiles", "Pools", "Downloads", "Usage", "Audit", "Policy", "Keys")
TABS = {
    "Live": "live", "Actions": "actions", "Console": "console", "Network": "network", "Downloads": "downloads",
    "Terminal": "processes", "Files": "files", "Budget": "budget", "Health": "metrics", "Recordings": "recordings",
    "Events": "events",
}  # fmt: skip

STILL = """async () => {
    const frame = () => new Promise(requestAnimationFrame);
    do {
        await frame();
        await Promise.allSettled(document.getAnimations().map((each) => each.finished));
        await frame();
    } while (document.getAnimations().length > 0);
}"""
"""A colour that is inherited fades level by level: each begins in the frame after the one above it."""


@pytest.fixture
async def furnished(shared_daemon: DaemonProcess, local_web: LocalWeb, session: Json) -> AsyncIterator[Json]:
    """A session in which much has happened, and a server on which there is something of everything."""
    options = {
        "viewport": {"width": 1440, "height": 900},
        "locale": "de-AT",
        "egress": {"allow_hosts": ["shop.test", "cdn.test"]},
        "labels": {"team": "shop"},
    }
    await shared_daemon.request("POST", "/v1/pools", {"name": "shop", "size": 1, "options": options})
    await shared_daemon.request("POST", "/v1/pools", {"name": "night-shift", "size": 0})
    await shared_daemon.request("POST", f"/v1/sessions/{session['id']}/recordings", {"format": "webm"})
    await recorded(shared_daemon, session, 0.2)
    download = local_web.url("site.test", "/download/report.txt?size=99&type=application/pdf")
    await act(shared_daemon, session, "evaluate", expression="console.warn('the till is nearly empty')")
    await shared_daemon.request("GET", f"/v1/sessions/{session['id']}/console_log")
    await shared_daemon.request("GET", f"/v1/sessions/{session['id']}/network_log")
    await act(shared_daemon, session, "evaluate", expression=f"void (location.href = {download!r})")
    await act(shared_daemon, session, "navigate", url=local_web.url("site.test", "/form"))
    await shared_daemon.request("POST", f"/v1/sessions/{session['id']}/click", {"selector": "#none", "timeout_ms": 1})
    stopped = await shared_daemon.request("POST", f"/v1/sessions/{session['id']}/recordings/stop")
    assert stopped.json["status"] == "ready", stopped.body
    for name in ("Shopping", "Research"):
        await shared_daemon.request("POST", "/v1/profiles", {"name": name, "theme_color": "#e8590c"})
    await shared_daemon.request("POST", "/v1/keys", {"principal": "alice", "name": "laptop", "scopes": ["machine"]})
    yield session
    await emptied(shared_daemon)


@pytest.mark.parametrize(
    "looks",
    [
        pytest.param((("desktop", "light"), ("phone", "dark")), id="some"),
        pytest.param((("desktop", "dark"), ("phone", "light")), id="others", marks=pytest.mark.long),
    ],
)
async def test_every_page(open_console: OpenConsole, furnished: Json, shots: Path, looks: tuple[Look, ...]) -> None:
    async def shoot(name: str) -> None:
        for device, scheme in looks:
            await page.set_viewport_size(SIZES[device])
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
            await settled(page)
            wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{name} is {wide} px wider than a {device}"
            await page.screenshot(path=shots / f"{device}-{scheme}-{name}.png")
        await page.set_viewport_size(SIZES["desktop"])

    async def go(path: str, heading: str) -> None:
        # Within the console, as a click goes: no page is loaded anew.
        await page.evaluate(
            "(to) => { history.pushState({}, '', to); dispatchEvent(new PopStateEvent('popstate')) }", path
        )
        await expect(page.get_by_role("main").get_by_role("heading", level=1)).to_have_text(heading)
        await expect(page.get_by_role("heading", level=1)).to_have_count(1)

    page = await open_console(key="")
    await shoot("sign-in")
    await page.close()
    page = await open_console("/app/sessions")
    for place in PLACES:
        await go(f"/app/{place.lower()}", place)
        if place == "Sessions":
            await expect(page.get_by_role("main").locator("img").first).to_be_visible()
        if place == "Pools":
            await expect(row(page, "shop").get_by_role("cell").nth(1)).to_have_text("1 of 1")
        await shoot(place.lower())
    await go("/app/nowhere", "There is no such page")
    await shoot("not-found")
    await go("/app/sessions?new", "Sessions")
    await expect(page.get_by_role("dialog", name="New session")).to_be_visible()
    await shoot("new-session")
    await page.keyboard.press("Escape")
    await go("/app/pools", "Pools")
    await page.get_by_role("button", name="New pool").click()
    await expect(page.get_by_role("dialog", name="New pool")).to_be_visible()
    await shoot("new-pool")
    await page.keyboard.press("Escape")
    id_ = furnished["id"]
    for label, tab in TABS.items():
        await go(f"/app/sessions/{id_}/{tab}", id_)
        await expect(page.get_by_role("tab", name=label)).to_have_attribute("aria-selected", "true")
        if tab == "live":
            await expect(page.locator("cloche-live")).to_have_attribute("data-status", "live", timeout=PATIENCE_MS)
        if tab == "processes":
            await page.get_by_role("button", name="New terminal").click()
            await page.get_by_role("textbox", name="Terminal input").press_sequentially("ls -la /\n")
            await expect(page.locator(".xterm-rows")).to_contain_text("workspace")
        await shoot(f"session-{tab}")
    await go(f"/app/sessions/{id_}/recordings/r1", "Recording r1")
    await expect(page.get_by_role("button", name="navigate site.test").first).to_be_enabled(timeout=PATIENCE_MS)
    await page.get_by_role("button", name="navigate site.test").first.click()
    await expect(page.locator("[aria-current=step]")).to_have_count(1)
    await shoot("replay")


async def settled(page: Page) -> None:
    """Nothing says that it loads any more, and what fades in has."""
    await expect(page.locator(".mantine-Skeleton-root, .mantine-Loader-root")).to_have_count(0)
    await page.evaluate(STILL)
