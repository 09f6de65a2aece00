"""ListTabs, OpenTab, SwitchTab, CloseTab."""

import asyncio
import contextlib
from dataclasses import replace
from typing import Final

import msgspec

from cloche.browser.call import Call
from cloche.browser.contexts import own_tabs, visible_tabs
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.contract.tabs import (
    BrowserTab,
    CloseTabRequest,
    CloseTabResponse,
    ListTabsRequest,
    ListTabsResponse,
    OpenTabRequest,
    OpenTabResponse,
    SwitchTabRequest,
    SwitchTabResponse,
)
from cloche.browser.devtools.errors import DevToolsError
from cloche.browser.frame import told
from cloche.browser.navigation.destination import BLANK, check_destination
from cloche.browser.navigation.follow import follow
from cloche.browser.navigation.navigate import allowed_redirects
from cloche.browser.page_events import TargetsAnswer
from cloche.browser.session_browser import Browser
from cloche.browser.tab import Tab
from cloche.browser.titles import clipped

PATIENCE_S: Final = 1.0
"""How long a page may take to close by itself."""


class _Made(msgspec.Struct):
    targetId: str


async def list_tabs(call: Call, request: ListTabsRequest) -> ListTabsResponse:
    """All of them, also those of clients' own browser contexts."""
    await _refresh_titles(call.browser)
    tabs = [_described(call, tab) for tab in visible_tabs(call.browser)]
    return ListTabsResponse(tabs=tabs, active_tab_id=_active_id(call.browser))


async def open_tab(call: Call, request: OpenTabRequest) -> OpenTabResponse:
    """Raises: ActionError (`tab_limit_reached`, `invalid_url`); once the tab is there, failures stand beside it."""
    url = check_destination(request.url) if request.url else BLANK
    browser = call.browser
    if len(visible_tabs(browser)) + browser.tabs_to_come >= call.limits.tabs:
        raise ActionError(Failure.TAB_LIMIT_REACHED, f"{call.limits.tabs} tabs are open, as many as the budget allows")
    browser.tabs_to_come += 1
    try:
        tab = await open_blank(browser, call.deadline, background=not request.activate)
    finally:
        browser.tabs_to_come -= 1
    if request.activate:
        browser.set_active(tab)
    if url == BLANK:
        return OpenTabResponse(tab=_described(call, tab))
    try:
        answer = await follow(
            replace(call, selected=tab),
            "Page.navigate",
            {"url": url, "transitionType": "typed"},
            wait_until=request.wait_until,
            max_redirects=allowed_redirects(allow=request.allow_redirects, most=request.max_redirects),
        )
    except ActionError as error:
        shown = None if tab.is_gone else _described(call, tab)
        return OpenTabResponse(success=False, error=str(error.code), detail=error.detail, rule=error.rule, tab=shown)
    return OpenTabResponse(
        success=answer.success,
        error=answer.error,
        detail=answer.detail,
        rule=answer.rule,
        tab=_described(call, tab),
        navigated=answer.success,
        status_code=answer.status_code,
    )


async def open_blank(browser: Browser, deadline: float, *, background: bool) -> Tab:
    """A fresh one in the default browser context. Raises: ActionError."""
    params = {"url": BLANK, "background": background}
    made = await browser.call("Target.createTarget", params, _Made, deadline=deadline)
    tab = await browser.tab_opened(made.targetId, deadline)
    await tab.until(lambda: tab.is_set_up, deadline)  # before that it has no address, not even this one
    return tab


async def switch_tab(call: Call, request: SwitchTabRequest) -> SwitchTabResponse:
    """Raises: ActionError (`tab_not_found`)."""
    browser, tab = call.browser, call.browser.tab(request.tab_id)
    await browser.call("Target.activateTarget", {"targetId": tab.id}, deadline=call.deadline)
    try:
        # Answered by the browser itself, whatever the page is doing.
        await tab.session.call("Page.bringToFront", deadline=call.deadline, held_up=False)
    except DevToolsError as error:
        raise told(error) from None
    browser.set_active(tab)
    await _refresh_titles(browser)
    return SwitchTabResponse(active_tab=_described(call, tab))


async def close_tab(call: Call, request: CloseTabRequest) -> CloseTabResponse:
    """Raises: ActionError (`tab_not_found`, `last_tab`)."""
    browser = call.browser
    tab = browser.tab(request.tab_id) if request.tab_id else browser.active_tab()
    if await own_tabs(browser) == [tab]:
        raise ActionError(Failure.LAST_TAB, "it is the session's last tab; open another first")
    await close(tab, call.deadline)
    await _refresh_titles(browser)
    active = browser.active_tab() if browser.tabs else None
    return CloseTabResponse(
        closed_tab_id=tab.id,
        active_tab=_described(call, active) if active is not None else None,
        tabs_remaining=len(visible_tabs(browser)),
    )


async def close(tab: Tab, deadline: float) -> None:
    """Close a tab, whatever its page has against it. Raises: ActionError (`timeout`)."""
    loop = asyncio.get_running_loop()
    with tab.dismissing_dialogs():
        await _ask_to_close(tab, deadline)
        if not await _is_gone(tab, min(deadline, loop.time() + PATIENCE_S)):
            tab.session.notify("Page.crash")
            await _ask_to_close(tab, deadline)
            if not await _is_gone(tab, deadline):
                raise ActionError(Failure.TIMEOUT, "the tab did not close in time")


async def _ask_to_close(tab: Tab, deadline: float) -> None:
    try:
        await tab.browser.call("Target.closeTarget", {"targetId": tab.id}, deadline=deadline)
    except ActionError:
        if not tab.is_gone and tab.browser.is_closed:
            raise


async def _is_gone(tab: Tab, deadline: float) -> bool:
    loop = asyncio.get_running_loop()
    tab.crashed = False
    while not tab.is_gone and loop.time() < deadline:
        with contextlib.suppress(ActionError):  # tab_not_found is what is waited for, and a crash on the way to it
            await tab.until(lambda: tab.is_gone, deadline)
        tab.crashed = False
    return tab.is_gone


async def _refresh_titles(browser: Browser) -> None:
    """DevTools tells of some titles only when it is asked."""
    answer = await browser.call("Target.getTargets", {}, TargetsAnswer)
    for facts in answer.targetInfos:
        if (tab := browser.tabs.get(facts.targetId)) is not None:
            tab.title = facts.title


def _active_id(browser: Browser) -> str:
    return browser.active_tab().id if browser.tabs else ""


def _described(call: Call, tab: Tab) -> BrowserTab:
    return BrowserTab(
        tab_id=tab.id,
        url=tab.url,
        title=clipped(tab.title, call.limits.title_bytes),
        active=tab.id == _active_id(call.browser),
        opener_tab_id=tab.opener_id,
        crashed=tab.crashed,
        dialog=tab.dialog,
    )
