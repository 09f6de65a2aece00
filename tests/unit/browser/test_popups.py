"""Whose page has opened which, against a real Chromium."""

import pytest

from cloche.browser.actions.pointer import click
from cloche.browser.call import Call, Limits
from cloche.browser.contract.actions import ClickRequest
from cloche.browser.contract.common import ActionError
from cloche.browser.session_browser import Browser
from cloche.browser.tab import Tab
from cloche.testing.bare_chromium import BareChromium, Show, soon

BY_SCRIPT = "window.open(`about:blank#${i}`, `_blank`, `noopener`)"
ASIDE = "link.dispatchEvent(new MouseEvent(`click`, {ctrlKey: true}))"


async def opened_by(browser: Browser, tab: Tab, count: int) -> int:
    """Click, and wait until so many pages have come; how many are open then."""
    call = Call(browser=browser, limits=browser.limits, deadline=soon(), selected=tab)
    await click(call, ClickRequest(selector="#b"))
    assert await tab.until(lambda: browser.popups.opened[tab.id] >= count, soon())
    return len([other for other in browser.tabs.values() if other.opener_id == tab.id])


@pytest.mark.parametrize("way", [BY_SCRIPT, ASIDE], ids=["by a script", "by links clicked aside"])
async def test_pages_that_pages_open_are_limited_however_they_do_it(chromium: BareChromium, way: str) -> None:
    async with chromium.browser(limits=Limits(tabs=3)) as browser:
        made = await browser.call("Target.createTarget", {"url": "about:blank"})
        tab = await browser.tab_opened(made["targetId"], soon())
        others = len(browser.tabs)
        html = (
            f"<a id=link href='about:blank#x'></a><button id=b onclick='for (let i = 0; i < 4; i++) {way}'>x</button>"
        )
        await tab.session.call("Page.setDocumentContent", {"frameId": tab.id, "html": html}, deadline=soon())
        assert await opened_by(browser, tab, 4) < 4
        assert len(browser.tabs) <= max(others, 3)
        for tab_id in [id_ for id_, other in browser.tabs.items() if other.opener_id == tab.id] + [tab.id]:
            await browser.call("Target.closeTarget", {"targetId": tab_id})


async def test_a_tab_of_a_client_has_no_opener_though_a_page_has_opened_one(show: Show, browser: Browser) -> None:
    tab = await show("<a id=b href='about:blank#x' target=_blank>x</a>")
    assert await opened_by(browser, tab, 1) == 1
    made = await browser.call("Target.createTarget", {"url": "about:blank"})
    assert (await browser.tab_opened(made["targetId"], soon())).opener_id == ""


async def test_what_is_counted_goes_with_its_tab(show: Show, browser: Browser) -> None:
    tab = await show("<a id=b href='about:blank#x' target=_blank>x</a>")
    await opened_by(browser, tab, 1)
    await browser.call("Target.closeTarget", {"targetId": tab.id})
    with pytest.raises(ActionError, match="closed"):
        await tab.until(lambda: False, soon())
    assert tab.id not in browser.popups.opened
