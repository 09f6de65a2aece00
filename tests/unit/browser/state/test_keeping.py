"""What is taken out of one browser is there in the next, before the pages' own scripts look for it."""

import asyncio

import pytest

from cloche.browser.contexts import own_tabs
from cloche.browser.contract.pages import NavigateRequest
from cloche.browser.contract.state import SetPermissionsRequest
from cloche.browser.navigation.navigate import navigate
from cloche.browser.page_events import TargetsAnswer
from cloche.browser.session_browser import Browser
from cloche.browser.state import keeping
from cloche.browser.state.kept_state import KeptState, KeptStorage, KeptTab
from cloche.browser.state.permissions import permissions_of, reset_permissions, set_permissions
from cloche.browser.tab import Tab
from cloche.browser.tabs import open_blank
from cloche.concurrency.tasks import cancel_and_wait
from cloche.testing.bare_chromium import BareChromium, soon
from cloche.testing.canned_answers import HANGS, html

from .conftest import Ask, CallOf, Serve

SAYS_WHAT_IT_FOUND = html(
    "<!doctype html><body style='height:9000px;width:100px'>"
    "<script>window.found = Object.keys(sessionStorage).sort().map((name) => [name, sessionStorage.getItem(name)]);"
    "sessionStorage.own = 'the page’s'</script>"
)


async def _settle(restored: keeping.Restored) -> None:
    await restored.rest


async def test_permissions_are_set_again_and_remembered(browser: Browser, call_of: CallOf) -> None:
    await set_permissions(call_of(), SetPermissionsRequest(reset_to_default=True, camera="allow", location="deny"))
    state = await keeping.capture(browser, soon())
    await reset_permissions(browser)
    restored = await keeping.restore(browser, KeptState(permissions=state.permissions), soon())
    await _settle(restored)
    assert (permissions_of(browser).camera, permissions_of(browser).location) == ("allow", "deny")
    assert restored.permissions == 2
    await reset_permissions(browser)


async def test_a_tab_comes_back_with_its_storage_before_its_scripts_run_and_where_it_was_scrolled_to(
    browser: Browser, tab: Tab, call_of: CallOf, serve: Serve, ask: Ask
) -> None:
    origin = await serve({"/page": SAYS_WHAT_IT_FOUND})
    await navigate(call_of(tab), NavigateRequest(url=f"{origin}/page"))
    await ask(
        "sessionStorage.cart = 'três'; sessionStorage.setItem('__proto__', '1'); sessionStorage.removeItem('own')"
    )
    await ask("sessionStorage.setItem('broken', '\\ud800')")
    await ask("scrollTo(0, 1234)")
    state = await keeping.capture(browser, soon())
    kept = next(one for one in state.tabs if one.url == f"{origin}/page")
    assert kept.scroll_y == 1234
    assert [(one.origin, dict(one.entries)) for one in kept.storage] == [(origin, {"__proto__": "1", "cart": "três"})]
    again = KeptState.from_json(KeptState(tabs=(kept,)).to_json())
    restored = await keeping.restore(browser, again, soon())
    await _settle(restored)
    assert restored.tabs == 1
    back = browser.active_tab()
    assert back is not tab
    assert await ask("window.found", of=back) == [["__proto__", "1"], ["cart", "três"]]
    assert await ask("scrollY", of=back) == 1234
    await ask("sessionStorage.clear()", of=back)
    await navigate(call_of(back), NavigateRequest(url=f"{origin}/page"))
    assert await ask("window.found", of=back) == [], "only the first page gets it"


async def test_each_origin_finds_its_own_also_in_frames_of_other_processes_and_keeps_what_it_sets(serve: Serve) -> None:
    inner = (await serve({"/": SAYS_WHAT_IT_FOUND})).replace("127.0.0.1", "localhost")
    origin = await serve({"/": html(f"<iframe src='{inner}/'></iframe><script>sessionStorage.k += '!'</script>")})
    storage = tuple(KeptStorage(origin=one, entries=(("k", one), ("own", "old"))) for one in (origin, inner))
    with BareChromium("--site-per-process") as chromium:
        async with chromium.browser() as browser:
            state = KeptState(tabs=(KeptTab(url=f"{origin}/", storage=storage),))
            await (await keeping.restore(browser, state, soon())).rest
            (tab,) = browser.tabs.values()
            frame = next(frame for frame in tab.frames_in_order() if frame.url == f"{inner}/")
            assert frame.session is not tab.session, "it has a process of its own"
            params = {"expression": "window.found", "returnByValue": True}
            found = await frame.session.call("Runtime.evaluate", params, deadline=soon())
            assert found["result"]["value"] == [["k", inner], ["own", "old"]]
            (kept,) = (await keeping.capture(browser, soon())).tabs
            state = KeptState(tabs=(KeptTab(url=f"{origin}/", storage=storage[1:]),))
            await (await keeping.restore(browser, state, soon())).rest
            frame = next(frame for frame in browser.active_tab().frames_in_order() if frame.url == f"{inner}/")
            found = await frame.session.call("Runtime.evaluate", params, deadline=soon())
            assert found["result"]["value"] == [["k", inner], ["own", "old"]], "it alone had something"
    assert {one.origin: dict(one.entries) for one in kept.storage} == {
        origin: {"k": f"{origin}!", "own": "old"},
        inner: {"k": inner, "own": "the page’s"},
    }


async def test_tabs_come_back_in_order_with_the_same_one_in_front_and_none_is_waited_for(
    browser: Browser, serve: Serve
) -> None:
    origin = await serve({"/slow": html("x")[:-1] + HANGS, "/1": html("1"), "/2": html("2")})
    blank = await open_blank(browser, soon(), background=True)
    others = set(browser.tabs) - {blank.id}
    for tab_id in others:
        browser.tabs[tab_id].main.url = "https://taken.test/"  # so that it is this blank one that is taken
    urls = [f"{origin}/1", f"{origin}/slow", "http://nobody.invalid/", f"{origin}/2"]
    restored = await keeping.restore(browser, KeptState(tabs=tuple(map(_tab, urls)), active=1), soon())
    front = browser.active_tab()
    assert restored.tabs == 4
    assert await front.until(lambda: front.url == urls[1] and blank.url == urls[0], soon())
    assert not restored.all_there.is_set() and browser.tabs_to_come == 2
    await asyncio.wait_for(restored.all_there.wait(), 5)
    assert len(set(browser.tabs) - others) == 4 and browser.tabs_to_come == 0
    *_, failed, last = (tab for tab in await own_tabs(browser) if tab.id not in others)
    assert await last.until(lambda: last.url == urls[3], soon())
    assert await failed.until(lambda: failed.url != "about:blank", soon())
    assert browser.active_tab() is front
    await cancel_and_wait(restored.rest)
    assert browser.tabs_to_come == 0


async def test_all_are_there_once_pages_that_answer_have_come_and_one_that_does_not_is_not_waited_for(
    browser: Browser, serve: Serve
) -> None:
    origin = await serve({"/slow": HANGS, "/1": html("1")})
    others = set(browser.tabs)
    for tab_id in others:
        browser.tabs[tab_id].main.url = "https://taken.test/"  # so that it is not taken
    urls = [f"{origin}/1", f"{origin}/slow", "http://127.0.0.1:1/nobody-there"]
    restored = await keeping.restore(browser, KeptState(tabs=tuple(map(_tab, urls))), soon())
    await asyncio.wait_for(restored.all_there.wait(), 5)
    answered, slow, failed = (tab for tab in await own_tabs(browser) if tab.id not in others)
    assert (answered.url, slow.url, failed.url) == (urls[0], "about:blank", "chrome-error://chromewebdata/")
    shown = (await browser.call("Target.getTargets", {}, TargetsAnswer, deadline=soon())).targetInfos
    assert {facts.url for facts in shown if facts.targetId == slow.id} == {urls[1]}
    await cancel_and_wait(restored.rest)


def _tab(url: str) -> KeptTab:
    return KeptTab(url=url)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "javascript:alert(1)", "chrome://version/", "http://u:p@a.test/"]
)
async def test_what_is_no_web_page_is_not_opened(browser: Browser, url: str) -> None:
    restored = await keeping.restore(browser, KeptState(tabs=(_tab(url),)), soon())
    await _settle(restored)
    assert restored.tabs == 0


async def test_a_page_that_does_not_answer_is_kept_by_its_address(
    browser: Browser, tab: Tab, call_of: CallOf, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "PATIENCE_S", 0.05)
    origin = await serve({"/": html("page")})
    await navigate(call_of(tab), NavigateRequest(url=f"{origin}/"))
    tab.session.notify("Runtime.evaluate", {"expression": "alert('wait')"})
    assert await tab.until(lambda: tab.dialog is not None, soon())
    state = await keeping.capture(browser, soon())
    assert _tab(f"{origin}/") in state.tabs
    await tab.answer_dialog(accept=True, prompt_text="", deadline=soon())


async def test_tabs_whose_page_is_still_to_come_or_could_not_be_reached_are_kept_at_their_addresses(
    browser: Browser, tab: Tab, call_of: CallOf, serve: Serve
) -> None:
    origin, unreached = await serve({"/slow": HANGS}), "http://127.0.0.1:1/nobody-there"
    told = await navigate(call_of(tab), NavigateRequest(url=unreached))
    assert not told.success
    slow = await open_blank(browser, soon(), background=True)
    slow.session.notify("Page.navigate", {"url": f"{origin}/slow"})
    state = await keeping.capture(browser, soon())
    kept = {one.url: one for one in state.tabs}
    assert (kept[unreached].storage, kept[f"{origin}/slow"].storage) == ((), ())
