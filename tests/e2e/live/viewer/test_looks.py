"""Pictures of the page in each of its states, light and dark, on a desk and in a hand: for people to look at."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from cloche.testing.live_server import FakeLiveServer

from .conftest import DESKTOP, PHONE, OpenViewer, control, until, viewer

pytestmark = pytest.mark.asyncio(loop_scope="module")

SITE = """<!doctype html><style>
body { margin: 0; font: 16px system-ui; background: #fff; color: #222 }
header { background: #123a63; color: #fff; padding: 18px 40px; font-size: 22px; font-weight: 600 }
main { padding: 20px 40px }
td, th { border: 1px solid #999; padding: 8px; text-align: start }
table { border-collapse: collapse }
</style><header>Northwind Orders</header><main><h1>Order 10248</h1><table><tr><th>Product<th>Quantity<th>Price
<tr><td>Queso Cabrales<td>12<td>14.00<tr><td>Hokkien Fried Mee<td>10<td>9.80
<tr><td>Mozzarella<td>5<td>34.80</table></main>"""
TABS = [
    {"id": "t1", "title": "Northwind Orders", "url": "https://orders.test/", "active": True},
    {"id": "t2", "title": "Suppliers, with a title too long to fit", "url": "https://suppliers.test/", "active": False},
]
PAGE = {
    "url": "https://orders.test/orders/10248",
    "title": "Northwind Orders",
    "loading": False,
    "can_go_back": True,
    "can_go_forward": False,
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("device", "options"), [("desktop", DESKTOP), ("phone", PHONE)], ids=["desktop", "phone"])
async def test_each_state_of_the_page(
    live: FakeLiveServer,
    open_viewer: OpenViewer,
    _browser: Browser,
    shots: Path,
    scheme: Any,
    device: str,
    options: dict[str, Any],
) -> None:
    await live.show(await picture_of_a_site(_browser))
    live.state |= {"tabs": TABS, "page": PAGE, "control": control("agent")}

    async def shoot(page: Page, name: str) -> None:
        await page.screenshot(path=shots / f"{device}-{scheme}-{name}.png")

    page = await open_viewer(color_scheme=scheme, **options)
    me = live.peers[-1].id
    others = [viewer("v8", name="Ada"), viewer("v9", right="view", transport="jpeg", fallback_reason="webrtc_timeout")]
    await live.change(viewers=[viewer(me), *others])
    await expect(page.locator(".banner")).to_be_visible()
    await shoot(page, "agent")
    await live.change(control=control("taken", mine=True, holder=me, requests=("v8",)))
    await expect(page.locator(".notice")).to_be_visible()
    await shoot(page, "in-control")
    for name, button in (("viewers", "Viewers: 3"), ("menu", "More"), ("clipboard", "Clipboard")):
        await page.get_by_role("button", name=button, exact=True).click()
        await shoot(page, name)
        await page.keyboard.press("Escape")
    await page.locator(".badge").click()
    await shoot(page, "connection")
    await page.keyboard.press("Escape")
    await live.change(dialog={"type": "prompt", "message": "Reference of this order?", "default_text": "10248"})
    await expect(page.get_by_role("alertdialog")).to_be_visible()
    await shoot(page, "dialog")
    await live.change(dialog=None, browser="crashed")
    await expect(page.get_by_text("This tab has crashed")).to_be_visible()
    await shoot(page, "crashed")
    await live.change(browser="up")
    live.is_deaf = True
    await live.cut()
    await expect(page.get_by_text("Connection lost")).to_be_visible()
    await shoot(page, "lost")
    live.is_deaf = False
    await until(page, "live")
    await live.close_all(4410, "session_ended")
    await until(page, "ended")
    await shoot(page, "ended")
    watching = await open_viewer(right="view", color_scheme=scheme, **options)
    await shoot(watching, "view-only")
    live.transports_dead = {"jpeg"}
    waiting = await open_viewer(status="waiting", color_scheme=scheme, **options)
    await expect(waiting.get_by_text("Waiting for the picture…")).to_be_visible()
    await shoot(waiting, "waiting")
    live.is_deaf = True
    connecting = await open_viewer(status="away", color_scheme=scheme, **options)
    await shoot(connecting, "connecting")


async def picture_of_a_site(browser: Browser) -> bytes:
    context = await browser.new_context(viewport={"width": 1280, "height": 720})
    page = await context.new_page()
    await page.set_content(SITE)
    picture = await page.screenshot(type="jpeg", quality=85)
    await context.close()
    return picture
