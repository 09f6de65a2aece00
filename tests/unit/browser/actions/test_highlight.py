"""Marking an element, against a real Chromium."""

import asyncio

from cloche.browser.actions.highlight import highlight
from cloche.browser.contract.actions import HighlightRequest

from .conftest import Ask, CallOf, Show


async def test_a_mark_is_seen_in_pictures_and_goes_by_itself(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<button id=b>x</button>")
    deadline = call_of(tab).deadline
    before = (await tab.session.call("Page.captureScreenshot", {}, deadline=deadline))["data"]
    assert (await highlight(call_of(tab), HighlightRequest(selector="#b", duration_ms=400))).selector == "#b"
    marked = (await tab.session.call("Page.captureScreenshot", {}, deadline=deadline))["data"]
    assert marked != before
    while await ask("document.documentElement.lastElementChild.localName") != "body":
        assert asyncio.get_running_loop().time() < deadline
    assert (await tab.session.call("Page.captureScreenshot", {}, deadline=deadline))["data"] == before


async def test_a_mark_is_neither_found_nor_in_the_way(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<button id=b onclick='this.id = `done`'>x</button>")
    await highlight(call_of(tab), HighlightRequest(selector="#b"))
    counted = await tab.main.run("count", {"parts": [{"engine": "css", "css": "cloche-mark"}]}, call_of(tab).deadline)
    assert counted["attached"] == 0
    hit = "document.elementFromPoint(b.offsetLeft + 5, b.offsetTop + 5).id"
    assert await ask(hit) == "b"
