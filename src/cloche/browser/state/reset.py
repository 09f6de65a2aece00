"""ResetState: make Chromium forget, in the default browser context only."""

from typing import Final

from cloche.browser.call import Call
from cloche.browser.contexts import own_tabs
from cloche.browser.contract.state import ResetStateRequest, ResetStateResponse
from cloche.browser.devtools.errors import DevToolsError
from cloche.browser.frame import told
from cloche.browser.state.cookies import all_cookies
from cloche.browser.state.origins import origin_of
from cloche.browser.state.permissions import permissions_of, reset_permissions
from cloche.browser.tab import Tab
from cloche.browser.tabs import close, open_blank
from cloche.concurrency.tasks import together

EVERYWHERE: Final = "*"
"""No origin, which Chromium takes for all of them: also those of an earlier Chromium on the same profile."""
_STORAGE: Final = (
    "local_storage,indexeddb,cache_storage,service_workers,file_systems,storage_buckets,shared_storage,"
    "interest_groups,shader_cache,websql"
)
_PATIENCE_S: Final = 1.0


async def reset_state(call: Call, request: ResetStateRequest) -> ResetStateResponse:
    browser = call.browser
    some = request.clear_cookies or request.clear_storage or request.reset_tabs or request.reset_permissions
    closed = await _reset_tabs(call) if request.reset_tabs else 0
    cookies = 0
    if request.clear_cookies or not some:
        cookies = len(await all_cookies(browser))
        await browser.call("Storage.clearCookies", deadline=call.deadline)
    origins = await _clear_storage(call) if request.clear_storage or not some else 0
    if request.reset_permissions:
        await reset_permissions(browser)
    return ResetStateResponse(
        cookies_cleared=cookies,
        storage_entries_cleared=origins,
        tabs_closed=closed,
        permissions=permissions_of(browser),
    )


async def _clear_storage(call: Call) -> int:
    """Return how many origins the session has shown or shows, all of which have lost what they had."""
    tabs = await own_tabs(call.browser)
    shown = {origin_of(frame.url) for tab in tabs for frame in tab.frames_in_order()} - {""}
    origins = shown | set(call.browser.memory.origins.all)
    for tab in tabs:
        _clear_session_storage(tab)
    for tab in tabs[:1]:
        try:
            # Answered by the browser itself, whatever the page is doing.
            await tab.session.call(
                "Storage.clearDataForOrigin",
                {"origin": EVERYWHERE, "storageTypes": _STORAGE},
                deadline=call.deadline,
                held_up=False,
            )
        except DevToolsError as error:
            raise told(error) from None
    call.browser.memory.origins.clear()
    return len(origins)


def _clear_session_storage(tab: Tab) -> None:
    """It belongs to a tab, not to the profile; a page that is busy does it when it gets to it."""
    for frame in tab.frames_in_order():
        if origin := origin_of(frame.url):
            storage = {"securityOrigin": origin, "isLocalStorage": False}
            frame.session.notify("DOMStorage.clear", {"storageId": storage})


async def _reset_tabs(call: Call) -> int:
    browser = call.browser
    old = await own_tabs(browser)
    browser.set_active(await open_blank(browser, call.deadline, background=False))
    await together(*(close(tab, call.deadline) for tab in old))
    return len(old)
