"""Tabs are opened, switched to and closed, whatever their pages have against it."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.contract.tabs import CloseTabRequest, ListTabsRequest, OpenTabRequest, SwitchTabRequest
from cloche.browser.session_browser import Browser
from cloche.browser.tab import Tab
from cloche.browser.tabs import close_tab, list_tabs, open_tab, switch_tab
from cloche.testing.bare_chromium import BareChromium, CallOf, Show
from cloche.testing.canned_answers import canned_answers, html
from cloche.testing.warm_chromium import warm_chromium


@pytest.fixture(scope="module")
def chromium() -> Iterator[BareChromium]:
    with warm_chromium() as process:
        yield process


@pytest.fixture
async def origin() -> AsyncIterator[str]:
    async with canned_answers({"/": html("<title>opened</title>")}) as origin:
        yield origin


async def test_a_tab_is_opened_on_its_page_and_listed(browser: Browser, call_of: CallOf, origin: str) -> None:
    answer = await open_tab(call_of(), OpenTabRequest(url=f"{origin}/"))
    assert (answer.success, answer.navigated, answer.status_code) == (True, True, 200)
    assert answer.tab is not None
    assert (answer.tab.url, answer.tab.title, answer.tab.active) == (f"{origin}/", "opened", True)
    listed = await list_tabs(call_of(), ListTabsRequest())
    assert listed.active_tab_id == answer.tab.tab_id
    assert answer.tab in listed.tabs


async def test_a_tab_in_the_back_leaves_the_active_one_active(browser: Browser, tab: Tab, call_of: CallOf) -> None:
    answer = await open_tab(call_of(), OpenTabRequest(activate=False))
    assert answer.tab is not None
    assert not answer.tab.active
    assert browser.active_tab() is tab
    assert not answer.navigated


async def test_a_tab_whose_page_fails_stands_beside_the_failure(browser: Browser, call_of: CallOf) -> None:
    answer = await open_tab(call_of(), OpenTabRequest(url="http://127.0.0.1:9999/"))
    assert (answer.success, answer.error, answer.navigated) == (False, Failure.NAVIGATION_FAILED, False)
    assert answer.tab is not None
    assert answer.tab.tab_id in browser.tabs


async def test_there_are_no_more_tabs_than_the_budget_allows(browser: Browser, call_of: CallOf) -> None:
    with pytest.raises(ActionError) as refused:
        await open_tab(call_of(tabs=len(browser.tabs)), OpenTabRequest())
    assert refused.value.code is Failure.TAB_LIMIT_REACHED
    with pytest.raises(ActionError) as invalid:
        await open_tab(call_of(), OpenTabRequest(url="file:///"))
    assert invalid.value.code is Failure.INVALID_URL


async def test_switching_shows_the_tab(browser: Browser, tab: Tab, call_of: CallOf) -> None:
    other = (await open_tab(call_of(), OpenTabRequest())).tab
    assert other is not None
    answer = await switch_tab(call_of(), SwitchTabRequest(tab_id=tab.id))
    assert answer.active_tab is not None
    assert (answer.active_tab.tab_id, answer.active_tab.active) == (tab.id, True)
    assert browser.active_tab() is tab
    params = {"expression": "document.visibilityState + document.hasFocus()", "returnByValue": True}
    state = await tab.session.call("Runtime.evaluate", params, deadline=call_of().deadline)
    assert state["result"]["value"] == "visibletrue"
    with pytest.raises(ActionError) as missing:
        await switch_tab(call_of(), SwitchTabRequest(tab_id="nothing"))
    assert missing.value.code is Failure.TAB_NOT_FOUND


@pytest.mark.parametrize("script", ["0", "onbeforeunload = () => 1", "while (true);", "alert(1)", "for (;;) alert(1)"])
async def test_a_tab_is_closed_whatever_its_page_does(tab: Tab, call_of: CallOf, show: Show, script: str) -> None:
    await show("<p>page")
    tab.session.notify("Runtime.evaluate", {"expression": script, "userGesture": True})
    answer = await close_tab(call_of(), CloseTabRequest())
    assert answer.closed_tab_id == tab.id
    assert answer.tabs_remaining == 1
    assert tab.is_gone
    assert answer.active_tab is not None
    assert answer.active_tab.tab_id != tab.id


async def test_a_crashed_tab_is_closed(tab: Tab, call_of: CallOf) -> None:
    tab.session.notify("Page.crash")
    with pytest.raises(ActionError):
        await tab.until(lambda: False, call_of().deadline)
    assert (await close_tab(call_of(), CloseTabRequest(tab_id=tab.id))).closed_tab_id == tab.id


async def test_the_last_tab_cannot_be_closed(browser: Browser, call_of: CallOf) -> None:
    (only,) = browser.tabs.values()
    context = (await browser.call("Target.createBrowserContext"))["browserContextId"]
    made = await browser.call("Target.createTarget", {"url": "about:blank", "browserContextId": context})
    await browser.tab_opened(made["targetId"], call_of().deadline)
    with pytest.raises(ActionError) as refused:
        await close_tab(call_of(), CloseTabRequest(tab_id=only.id))
    assert refused.value.code is Failure.LAST_TAB
    await close_tab(call_of(), CloseTabRequest(tab_id=made["targetId"]))
    await browser.call("Target.disposeBrowserContext", {"browserContextId": context})


async def test_tabs_opened_at_once_are_no_more_than_may_be(browser: Browser, call_of: CallOf) -> None:
    most = len(browser.tabs) + 2
    answers = await asyncio.gather(
        *(open_tab(call_of(tabs=most), OpenTabRequest(activate=False)) for _ in range(5)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, ActionError)]
    assert [error.code for error in refused] == [Failure.TAB_LIMIT_REACHED] * 3
    assert len(browser.tabs) == most
