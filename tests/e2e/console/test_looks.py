"""Pictures of every page, light and dark, on a desk and in a hand: for people to look at."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

from .conftest import DESKTOP, PHONE, Json, OpenConsole, act

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLACES = ("sessions", "profiles", "downloads", "usage", "audit", "policy", "keys")
TABS = (
    "live", "actions", "console", "network", "downloads", "processes", "files", "budget", "metrics", "recordings",
    "events",
)  # fmt: skip


@pytest.fixture
async def furnished(shared_daemon: DaemonProcess, local_web: LocalWeb, session: Json) -> Json:
    """A session in which much has happened, and a server on which there is something of everything."""
    download = local_web.url("site.test", "/download/report.txt?size=99&type=application/pdf")
    await act(shared_daemon, session, "evaluate", expression="console.warn('the till is nearly empty')")
    await shared_daemon.request("GET", f"/v1/sessions/{session['id']}/console_log")
    await shared_daemon.request("GET", f"/v1/sessions/{session['id']}/network_log")
    await act(shared_daemon, session, "evaluate", expression=f"void (location.href = {download!r})")
    await act(shared_daemon, session, "navigate", url=local_web.url("site.test", "/form"))
    await shared_daemon.request("POST", f"/v1/sessions/{session['id']}/click", {"selector": "#none", "timeout_ms": 1})
    for name in ("Shopping", "Research"):
        await shared_daemon.request("POST", "/v1/profiles", {"name": name, "theme_color": "#e8590c"})
    await shared_daemon.request("POST", "/v1/keys", {"principal": "alice", "name": "laptop", "scopes": ["machine"]})
    return session


async def settled(page: Page) -> None:
    """Nothing says that it loads any more, and what fades in has."""
    await expect(page.locator(".mantine-Skeleton-root, .mantine-Loader-root")).to_have_count(0)
    await page.evaluate("() => Promise.allSettled(document.getAnimations().map((each) => each.finished))")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("device", "options"), [("desktop", DESKTOP), ("phone", PHONE)], ids=["desktop", "phone"])
async def test_every_page(
    open_console: OpenConsole, furnished: Json, shots: Path, scheme: Any, device: str, options: Json
) -> None:
    async def shoot(name: str) -> None:
        await settled(page)
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name} is {wide} px wider than the screen"
        await page.screenshot(path=shots / f"{device}-{scheme}-{name}.png")

    signing_in = page = await open_console(key="", color_scheme=scheme, reduced_motion="reduce", **options)
    await shoot("sign-in")
    await signing_in.close()
    page = await open_console("/app/sessions", color_scheme=scheme, reduced_motion="reduce", **options)
    base = page.url.removesuffix("/app/sessions")

    async def go(path: str) -> None:
        # Within the console, as a click goes: no page is loaded anew.
        await page.evaluate("(to) => { history.pushState({}, '', to); dispatchEvent(new PopStateEvent('popstate')) }", path)
        await page.wait_for_url(base + path)
        await expect(page.get_by_role("main").locator("h1")).to_have_count(1)

    for place in PLACES:
        await go(f"/app/{place}")
        await shoot(place)
    await go("/app/nowhere")
    await shoot("not-found")
    await go("/app/sessions?new")
    await expect(page.get_by_role("dialog", name="New session")).to_be_visible()
    await shoot("new-session")
    await page.keyboard.press("Escape")
    for tab in TABS:
        await go(f"/app/sessions/{furnished['id']}/{tab}")
        if tab == "live":
            await expect(page.locator("cloche-live")).to_have_attribute("data-status", "live")
        await shoot(f"session-{tab}")
