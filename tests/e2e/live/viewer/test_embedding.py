"""The element on a page of another origin, as docs/how-to/embed.md has it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route

from cloche.api.pages.render import LiveEmbed
from cloche.testing.live_pictures import plain_jpeg
from cloche.testing.live_server import FakeLiveServer

from .conftest import DESKTOP, TEAL, TEAL_RGB, colour_in_the_middle, control, is_near, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOST = "http://app.test"
EXAMPLES = (Path(__file__).parents[4] / "docs/how-to/embed.md").read_text()


@pytest_asyncio.fixture(loop_scope="module")
async def page(_browser: Browser) -> AsyncIterator[Page]:
    context = await _browser.new_context(**DESKTOP)
    yield await context.new_page()
    await context.close()


async def show(page: Page, html: str) -> None:
    async def answer(route: Route) -> None:
        await route.fulfill(content_type="text/html", body=f"<!doctype html><body>{html}")

    await page.route(f"{HOST}/**", answer)
    await page.goto(HOST)


def example(heading: str, live: FakeLiveServer) -> str:
    """The HTML under a heading of the page, with this server's addresses."""
    found = re.search(rf"^## {heading}\n.*?^```html\n(.*?)^```", EXAMPLES, re.DOTALL | re.MULTILINE)
    assert found is not None
    link = live.page_url(query="&transport=jpeg").replace("&", "&amp;")
    return re.sub(r"https://cloche\.example/v1/[^\"]*", link, found[1]).replace("https://cloche.example", live.origin)


async def test_the_element_of_the_guide_shows_a_session(live: FakeLiveServer, page: Page) -> None:
    live.hello["transports"] = ["jpeg"]
    await show(page, example("The element", live))
    await until(page, "live")
    assert is_near(await colour_in_the_middle(page), TEAL_RGB)


async def test_the_element_tells_and_does_what_the_guide_says(live: FakeLiveServer, page: Page) -> None:
    live.hello["transports"] = ["jpeg"]
    await show(page, example("The element", live))
    await page.evaluate("() => { window.told = []; }")
    await page.evaluate(
        """() => ["cloche-state", "cloche-control", "cloche-ended"].forEach((name) =>
            document.addEventListener(name, ({ detail }) => told.push([name, detail])))"""
    )
    await until(page, "live")
    await page.evaluate("document.querySelector('cloche-live').takeControl()")
    await live.heard("take_control")
    await live.change(control=control("taken", mine=True))
    await page.wait_for_function("told.some(([name, detail]) => name === 'cloche-control' && detail.mine)")
    await page.evaluate("document.querySelector('cloche-live').releaseControl()")
    await live.heard("release_control")
    await live.close_all(4401, "link_expired")
    await page.wait_for_function("told.some(([name, detail]) => name === 'cloche-ended' && detail.code === 4401)")
    await page.evaluate(
        "(src) => document.querySelector('cloche-live').setAttribute('src', src)", live.page_url("view")
    )
    await until(page, "live")
    assert live.peers[-1].right == "view"


async def test_an_element_that_is_taken_away_leaves(live: FakeLiveServer, page: Page) -> None:
    live.hello["transports"] = ["jpeg"]
    await show(page, example("The element", live))
    await until(page, "live")
    await page.evaluate("document.querySelector('cloche-live').remove()")
    await live.peers[0].socket.wait_closed() if live.peers else None
    assert live.visits == 1


async def test_two_elements_share_a_page(live: FakeLiveServer, page: Page) -> None:
    live.hello["transports"] = ["jpeg"]
    html = example("The element", live)
    await show(page, html + html)
    for element in await page.locator("cloche-live").all():
        await element.wait_for()
    await page.wait_for_function("document.querySelectorAll('cloche-live[data-status=live]').length === 2")


async def test_a_src_that_is_no_address_does_nothing(live: FakeLiveServer, page: Page) -> None:
    script = f'<script type="module" src="{live.origin}/live/cloche-live.js"></script>'
    await show(page, f'{script}<cloche-live src="javascript:alert(1)"></cloche-live><cloche-live></cloche-live>')
    await page.wait_for_function("Boolean(customElements.get('cloche-live'))")
    await page.get_by_text("Connecting…").first.wait_for()
    assert live.visits == 0


@pytest.mark.parametrize("is_allowed", [True, False])
async def test_a_frame_shows_the_page_only_where_the_operator_lets_it(page: Page, is_allowed: bool) -> None:
    async with FakeLiveServer(embed=LiveEmbed((HOST,) if is_allowed else ())) as live:
        await live.show(plain_jpeg(*TEAL))
        await show(page, example("A frame", live))
        if is_allowed:
            await page.frame_locator("iframe").locator("cloche-live[data-status=live]").wait_for()
        else:
            await page.wait_for_function("document.readyState === 'complete'")
            assert live.visits == 0
