"""GetStorageState and SetStorageState: cookies of all sites and localStorage by origin, as Playwright's JSON."""

from cloche.browser.call import Call
from cloche.browser.contexts import own_tabs
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.contract.state import (
    GetStorageStateRequest,
    GetStorageStateResponse,
    NameValue,
    OriginState,
    SetStorageStateRequest,
    SetStorageStateResponse,
    StorageState,
    StoredCookie,
)
from cloche.browser.state.cookies import all_cookies, cookie_of, put_cookies
from cloche.browser.state.origin_page import origin_page
from cloche.browser.state.origins import check_origin, origin_of


async def get_storage_state(call: Call, request: GetStorageStateRequest) -> GetStorageStateResponse:
    """Origins without localStorage are left out, as Playwright does. Raises: ActionError (`invalid_url`)."""
    return await _storage_state(call, request, lenient=False)


async def kept_storage_state(call: Call, request: GetStorageStateRequest) -> GetStorageStateResponse:
    """As `get_storage_state`, and without origins that the browser shows no page at any more: a site that asks for
    https from now on (HSTS, RFC 6797) must not cost all the others. Raises: ActionError."""
    return await _storage_state(call, request, lenient=True)


async def _storage_state(call: Call, request: GetStorageStateRequest, *, lenient: bool) -> GetStorageStateResponse:
    origins = dict.fromkeys(check_origin(origin) for origin in request.origins)
    for tab in await own_tabs(call.browser):
        origins |= dict.fromkeys(origin for frame in tab.frames_in_order() if (origin := origin_of(frame.url)))
    cookies = [cookie_of(cookie, StoredCookie) for cookie in await all_cookies(call.browser)]
    kept = dict[str, list[NameValue]]()
    if origins:
        async with origin_page(call) as page:
            for origin in origins:
                try:
                    kept[origin] = await page.read(origin)
                except ActionError as error:
                    if not lenient or error.code is not Failure.NAVIGATION_FAILED:
                        raise
    states = [OriginState(origin=origin, localStorage=entries) for origin, entries in kept.items() if entries]
    return GetStorageStateResponse(storage_state=StorageState(cookies=cookies, origins=states))


async def set_storage_state(call: Call, request: SetStorageStateRequest) -> SetStorageStateResponse:
    """Raises: ActionError (`invalid_url`, `input_too_large`), InvalidError for a cookie that Chromium does not take."""
    state = request.storage_state
    origins = [check_origin(one.origin) for one in state.origins]
    if request.clear_first:
        await call.browser.call("Storage.clearCookies")
    await put_cookies(call.browser, state.cookies)
    if origins:
        async with origin_page(call) as page:
            for origin, one in zip(origins, state.origins, strict=True):
                await page.write(origin, one.localStorage, clear_first=request.clear_first)
    return SetStorageStateResponse(cookies_set=len(state.cookies), origins_set=len(origins))
