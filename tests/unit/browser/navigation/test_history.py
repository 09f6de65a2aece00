"""Back, forward and reload."""

import pytest

from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.contract.pages import BackRequest, ForwardRequest, NavigateRequest, ReloadRequest
from cloche.browser.navigation.history import back, forward, reload
from cloche.browser.navigation.navigate import navigate
from cloche.browser.tab import Tab
from cloche.testing.bare_chromium import soon
from cloche.testing.canned_answers import html
from cloche.testing.web.server import LocalWeb

from .conftest import CallOf, Serve


async def test_history_leads_back_and_forward(tab: Tab, call_of: CallOf, serve: Serve) -> None:
    origin = await serve({"/one": html("<title>one</title>"), "/two": html("<title>two</title>")})
    for path in ("/one", "/two", "/two#part"):
        await navigate(call_of(tab), NavigateRequest(url=origin + path))
    within = await back(call_of(tab), BackRequest())
    assert (within.success, within.status_code, within.final_url) == (True, 0, f"{origin}/two")
    first = await back(call_of(tab), BackRequest())
    assert (first.success, first.title, first.status_code, first.reached) == (True, "one", 200, "load")
    blank = await back(call_of(tab), BackRequest())
    assert (blank.success, blank.final_url) == (True, "about:blank")
    with pytest.raises(ActionError) as nothing:
        await back(call_of(tab), BackRequest())
    assert nothing.value.code is Failure.NO_HISTORY_ENTRY
    again = await forward(call_of(tab), ForwardRequest())
    assert (again.success, again.final_url) == (True, f"{origin}/one")


async def test_a_reload_fetches_the_page_again(tab: Tab, call_of: CallOf, serve: Serve) -> None:
    answers = {"/": html("<title>before</title>")}
    origin = await serve(answers)
    await navigate(call_of(tab), NavigateRequest(url=f"{origin}/"))
    answers["/"] = html("<title>after</title>")
    answer = await reload(call_of(tab), ReloadRequest(ignore_cache=True))
    assert (answer.success, answer.title, answer.status_code) == (True, "after", 200)
    answers["/"] = b""
    failed = await reload(call_of(tab), ReloadRequest())
    assert (failed.success, failed.error, failed.detail) == (
        False, Failure.NAVIGATION_FAILED, "net::ERR_EMPTY_RESPONSE"
    )  # fmt: skip


async def test_a_page_that_has_crashed_is_revived_by_a_reload(tab: Tab, call_of: CallOf, serve: Serve) -> None:
    origin = await serve({"/": html("<title>alive</title>")})
    await navigate(call_of(tab), NavigateRequest(url=f"{origin}/"))
    tab.session.notify("Page.crash")
    with pytest.raises(ActionError):
        await tab.until(lambda: False, call_of(tab).deadline)
    answer = await reload(call_of(tab), ReloadRequest())
    assert (answer.success, answer.title) == (True, "alive")


async def test_a_page_that_reloads_itself_for_ever_can_be_left(tab: Tab, call_of: CallOf, serve: Serve) -> None:
    origin = await serve({"/": html("<script>location.reload()</script>"), "/calm": html("<title>calm</title>")})
    answer = await navigate(call_of(tab, patience_s=1.0), NavigateRequest(url=f"{origin}/"))
    assert answer.error in ("", Failure.TIMEOUT, Failure.TOO_MANY_REDIRECTS)
    # Now and then Chromium lets a reload that the page had begun come last. That is told.
    for _ in range(5):
        left = await navigate(call_of(tab), NavigateRequest(url=f"{origin}/calm"))
        if left.title == "calm":
            break
        assert left.success or left.error in (Failure.NAVIGATION_ABORTED, Failure.TOO_MANY_REDIRECTS)
    assert tab.url == f"{origin}/calm"


async def test_frames_go_with_their_page_and_come_back_with_it(tab: Tab, local_web: LocalWeb) -> None:
    """Chromium keeps a page for going back to, and does not say that its frames are out of sight."""

    async def is_at(page: str, frames: int) -> bool:
        return await tab.until(lambda: tab.url.endswith(page) and len(tab.frames) == frames, soon())

    for page, frames in (("frames.html", 7), ("empty.html", 1), ("frames.html?again", 7)):
        params = {"url": f"http://site.test/pages/{page}"}
        await tab.session.call("Page.navigate", params, deadline=soon())
        assert await is_at(page, frames), list(tab.frames.values())
        assert await tab.until(lambda: "load" in tab.main.reached, soon())
    for step, page, frames in ((-1, "empty.html", 1), (-1, "frames.html", 7)):
        await tab.session.call("Runtime.evaluate", {"expression": f"history.go({step})"}, deadline=soon())
        assert await is_at(page, frames), list(tab.frames.values())
