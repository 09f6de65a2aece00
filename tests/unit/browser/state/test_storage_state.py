"""localStorage and cookies as Playwright's JSON, and forgetting them."""

import asyncio

import msgspec
import pytest

from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.contract.pages import NavigateRequest
from cloche.browser.contract.state import (
    GetStorageStateRequest,
    NameValue,
    OriginState,
    ResetStateRequest,
    SetPermissionsRequest,
    SetStorageStateRequest,
    StorageState,
    StoredCookie,
)
from cloche.browser.devtools.session import TargetSession
from cloche.browser.navigation.navigate import navigate
from cloche.browser.session_browser import Browser
from cloche.browser.state import origin_page
from cloche.browser.state.permissions import set_permissions
from cloche.browser.state.reset import reset_state
from cloche.browser.state.storage_state import get_storage_state, kept_storage_state, set_storage_state
from cloche.browser.tab import Tab
from cloche.testing.canned_answers import html

from .conftest import Ask, CallOf, Serve


def state_of(origin: str, **entries: str) -> StorageState:
    pairs = [NameValue(name=name, value=value) for name, value in entries.items()]
    return StorageState(origins=[OriginState(origin=origin, localStorage=pairs)])


async def test_what_is_set_is_there_for_pages_and_comes_back(tab: Tab, call_of: CallOf, serve: Serve, ask: Ask) -> None:
    origin = await serve({"/": html("page")})
    cookie = StoredCookie(name="a", value="b", domain="127.0.0.1")
    state = state_of(origin, length="1", getItem='ü\n"</script>')
    wanted = StorageState(cookies=[cookie], origins=state.origins)
    answer = await set_storage_state(call_of(), SetStorageStateRequest(storage_state=wanted, clear_first=True))
    assert (answer.cookies_set, answer.origins_set) == (1, 1)
    assert (await navigate(call_of(tab), NavigateRequest(url=f"{origin}/"))).success
    assert await ask("[localStorage.getItem('getItem'), localStorage.getItem('length'), document.cookie]") == [
        'ü\n"</script>', "1", "a=b"
    ]  # fmt: skip
    got = (await get_storage_state(call_of(), GetStorageStateRequest())).storage_state
    assert got.cookies == [cookie]
    assert [(one.origin, {e.name: e.value for e in one.localStorage}) for one in got.origins] == [
        (origin, {"length": "1", "getItem": 'ü\n"</script>'})
    ]


async def test_an_origin_that_has_become_https_is_told_and_does_not_cost_a_profile_the_others(
    call_of: CallOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_storage_state(call_of(), SetStorageStateRequest(storage_state=state_of("https://other.invalid", a="1")))
    real = origin_page._answer

    def as_hsts(session: TargetSession, params: msgspec.Raw) -> None:
        paused = msgspec.json.decode(params)
        url = paused["request"]["url"]
        if url.startswith("https:"):
            return real(session, params)
        location = {"name": "Location", "value": url.replace("http:", "https:")}
        answer = {"requestId": paused["requestId"], "responseCode": 307, "responseHeaders": [location]}
        return session.notify("Fetch.fulfillRequest", answer)

    monkeypatch.setattr(origin_page, "_answer", as_hsts)
    request = GetStorageStateRequest(origins=["http://moved.invalid", "https://other.invalid"])
    with pytest.raises(ActionError) as caught:
        await get_storage_state(call_of(), request)
    assert caught.value.code is Failure.NAVIGATION_FAILED
    kept = (await kept_storage_state(call_of(), request)).storage_state
    assert [one.origin for one in kept.origins] == ["https://other.invalid"]


async def test_storage_of_an_origin_that_no_tab_shows_needs_no_network(browser: Browser, call_of: CallOf) -> None:
    origin = "https://nowhere.invalid"
    before = set(browser.tabs)
    await set_storage_state(call_of(), SetStorageStateRequest(storage_state=state_of(origin, a="1")))
    await set_storage_state(call_of(), SetStorageStateRequest(storage_state=state_of(origin, b="2")))
    got = (await get_storage_state(call_of(), GetStorageStateRequest(origins=[origin]))).storage_state
    assert {entry.name for entry in got.origins[0].localStorage} == {"a", "b"}
    request = SetStorageStateRequest(storage_state=state_of(origin, c="3"), clear_first=True)
    await set_storage_state(call_of(), request)
    got = (await get_storage_state(call_of(), GetStorageStateRequest(origins=[origin]))).storage_state
    assert [entry.name for entry in got.origins[0].localStorage] == ["c"]
    for tab in [tab for id_, tab in browser.tabs.items() if id_ not in before]:
        with pytest.raises(ActionError):
            await tab.until(lambda: False, asyncio.get_running_loop().time() + 5)
    assert set(browser.tabs) == before


async def test_more_than_chromium_keeps_is_refused(call_of: CallOf) -> None:
    request = SetStorageStateRequest(storage_state=state_of("https://nowhere.invalid", big="x" * (6 << 20)))
    with pytest.raises(ActionError) as refused:
        await set_storage_state(call_of(), request)
    assert refused.value.code is Failure.INPUT_TOO_LARGE


@pytest.mark.parametrize("origin", ["file:///", "null", "site.test", "http://a@b", "https://a.test/path", "http://a b"])
async def test_what_is_no_origin_is_refused(call_of: CallOf, origin: str) -> None:
    with pytest.raises(ActionError) as refused:
        await get_storage_state(call_of(), GetStorageStateRequest(origins=[origin]))
    assert refused.value.code is Failure.INVALID_URL


async def test_a_reset_makes_chromium_forget(tab: Tab, call_of: CallOf, serve: Serve, ask: Ask) -> None:
    origin = await serve({"/": html("page")})
    await navigate(call_of(tab), NavigateRequest(url=f"{origin}/"))
    await ask("document.cookie = 'a=b'; localStorage.a = 1; sessionStorage.a = 1; caches.open('a').then(() => 1)")
    await set_storage_state(call_of(), SetStorageStateRequest(storage_state=state_of("https://nowhere.invalid", a="1")))
    answer = await reset_state(call_of(), ResetStateRequest())
    assert answer.cookies_cleared == 1
    assert answer.storage_entries_cleared >= 2
    left = "caches.keys().then(k => [document.cookie, localStorage.length, sessionStorage.length, k.length])"
    assert await ask(left) == ["", 0, 0, 0]
    asked = GetStorageStateRequest(origins=["https://nowhere.invalid"])
    assert (await get_storage_state(call_of(), asked)).storage_state.origins == []


async def test_a_reset_of_tabs_leaves_a_fresh_one_and_others_contexts(
    browser: Browser, tab: Tab, call_of: CallOf
) -> None:
    context = (await browser.call("Target.createBrowserContext"))["browserContextId"]
    made = await browser.call("Target.createTarget", {"url": "about:blank", "browserContextId": context})
    theirs = await browser.tab_opened(made["targetId"], call_of().deadline)
    tab.session.notify("Runtime.evaluate", {"expression": "onbeforeunload = () => 1; while (true);"})
    before = set(browser.tabs) - {theirs.id}
    answer = await reset_state(call_of(), ResetStateRequest(reset_tabs=True))
    assert answer.tabs_closed == len(before)
    assert before.isdisjoint(browser.tabs)
    assert len(browser.tabs) == 2
    assert not theirs.is_gone
    assert browser.active_tab() is not theirs
    await browser.call("Target.disposeBrowserContext", {"browserContextId": context})


async def test_a_reset_of_permissions_is_chromiums_too(call_of: CallOf, browser: Browser) -> None:
    await set_permissions(call_of(), SetPermissionsRequest(camera="allow"))
    answer = await reset_state(call_of(), ResetStateRequest(reset_permissions=True))
    assert answer.permissions.camera == "ask"
    assert browser.memory.permissions == {}
