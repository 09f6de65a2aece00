"""Going to addresses with a real Chromium, on the local web."""

import asyncio

import pytest

from cloche.browser.call import Blocked
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.contract.pages import NavigateRequest, NavigateResponse
from cloche.browser.navigation.navigate import navigate
from cloche.browser.session_browser import Browser
from cloche.browser.tab import Tab
from cloche.testing.canned_answers import HANGS, html
from cloche.testing.web.server import LocalWeb

from .conftest import CallOf, Serve

SITE = "http://site.test"


@pytest.fixture
def go(tab: Tab, call_of: CallOf, local_web: LocalWeb):
    async def go(path: str, *, patience_s: float = 5.0, response_bytes: int = 1 << 20, **fields) -> NavigateResponse:
        url = SITE + path if path.startswith("/") else path
        call = call_of(tab, patience_s=patience_s, response_bytes=response_bytes)
        return await navigate(call, NavigateRequest(url=url, **fields))

    return go


def paths(local_web: LocalWeb) -> list[str]:
    return [request.path for request in local_web.requests() if request.path != "/favicon.ico"]


async def test_a_page_is_fetched_once_and_told_about(go, tab: Tab, local_web: LocalWeb) -> None:
    answer = await go("/large/5000")
    assert (answer.success, answer.status_code, answer.title, answer.reached) == (True, 200, "large", "load")
    assert answer.final_url == f"{SITE}/large/5000"
    assert answer.body_bytes == 5000 + len("<!doctype html><title>large</title>")
    timing = answer.timing
    assert 0 <= timing.response_ms <= timing.commit_ms <= timing.dom_content_loaded_ms <= timing.load_ms
    assert timing.load_ms <= answer.latency_ms
    assert answer.redirects == []
    assert paths(local_web) == ["/large/5000"]


async def test_a_status_that_is_no_success_is_an_answer(go) -> None:
    answer = await go("/status/404")
    assert (answer.success, answer.status_code) == (True, 404)


async def test_redirects_are_listed_hop_by_hop_without_secrets(go) -> None:
    answer = await go(
        "/redirect/302?to=http://other.test/redirect/307%3Faccess_token%3Dabcdef12345678%26to%3Dhttp://site.test/"
    )
    assert answer.success
    assert answer.final_url == f"{SITE}/"
    assert [hop.status_code for hop in answer.redirects] == [302, 307]
    assert answer.redirects[1].url.startswith("http://other.test/redirect/307?access_token=<redacted>")


async def test_a_hop_too_many_is_not_fetched(go, tab: Tab, local_web: LocalWeb) -> None:
    await go("/")
    local_web.restore()
    answer = await go("/redirects/5?to=/", max_redirects=2)
    assert (answer.success, answer.error, answer.status_code) == (False, Failure.TOO_MANY_REDIRECTS, 302)
    assert len(answer.redirects) == 3
    assert paths(local_web) == ["/redirects/5", "/redirects/4", "/redirects/3"]
    assert tab.url == f"{SITE}/"
    allowed = await go("/redirects/2?to=/", max_redirects=2)
    assert (allowed.success, len(allowed.redirects)) == (True, 2)
    local_web.restore()
    none = await go("/redirects/1?to=/echo", allow_redirects=False)
    assert (none.error, len(none.redirects)) == (Failure.TOO_MANY_REDIRECTS, 1)
    assert paths(local_web) == ["/redirects/1"]
    assert (await go("/echo")).success


async def test_redirects_in_a_circle_end(go) -> None:
    answer = await go("/circle")
    assert (answer.success, answer.error) == (False, Failure.TOO_MANY_REDIRECTS)
    assert len(answer.redirects) == 19


async def test_a_page_that_sends_on_before_it_has_loaded_is_followed(go, serve: Serve) -> None:
    origin = await serve(
        {"/": html("<script>location.replace('/next')</script>"), "/next": html("<title>next</title>")}
    )
    answer = await go(f"{origin}/")
    assert (answer.success, answer.title, answer.final_url) == (True, "next", f"{origin}/next")
    assert [(hop.url, hop.status_code) for hop in answer.redirects] == [(f"{origin}/", 200)]
    held = await go(f"{origin}/", allow_redirects=False)
    assert held.error == Failure.TOO_MANY_REDIRECTS


async def test_a_status_without_a_body_is_an_answer(go, serve: Serve) -> None:
    origin = await serve({"/": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"})
    answer = await go(f"{origin}/")
    assert (answer.success, answer.status_code, answer.final_url) == (True, 500, f"{origin}/")


async def test_an_address_within_the_same_document_is_reached_at_once(go, tab: Tab, local_web: LocalWeb) -> None:
    await go("/large/10")
    answer = await go("/large/10#part")
    assert (answer.success, answer.status_code, answer.final_url) == (True, 0, f"{SITE}/large/10#part")
    assert answer.title == "large"
    assert paths(local_web) == ["/large/10"]


async def test_no_content_and_downloads_leave_the_page_as_it_is(go, tab: Tab) -> None:
    await go("/large/10")
    nothing = await go("/no-content")
    assert (nothing.success, nothing.error, nothing.status_code) == (False, Failure.NAVIGATION_ABORTED, 204)
    download = await go("/download/x.bin")
    assert (download.success, download.error) == (False, Failure.BECAME_DOWNLOAD)
    assert tab.url == f"{SITE}/large/10"


async def test_a_host_that_refuses_fails_with_chromiums_error(go, tab: Tab) -> None:
    answer = await go("http://closed.test:8181/")
    assert (answer.success, answer.error) == (False, Failure.NAVIGATION_FAILED)
    assert answer.detail == "net::ERR_CONNECTION_REFUSED"
    assert answer.final_url == "http://closed.test:8181/"
    assert (await go("/")).success


async def test_about_blank_has_no_status(go, tab: Tab) -> None:
    await go("/")
    answer = await go("about:blank")
    assert (answer.success, answer.status_code, answer.final_url, answer.title) == (True, 0, "about:blank", "")


async def test_a_server_that_does_not_answer_ends_at_the_deadline(go, tab: Tab) -> None:
    answer = await go("/hang", patience_s=0.3)
    assert (answer.success, answer.error) == (False, Failure.TIMEOUT)
    assert "did not answer" in answer.detail
    assert (await go("/")).success


async def test_a_page_that_never_finishes_tells_how_far_it_came(go, serve: Serve) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100000\r\n\r\n"
    origin = await serve({"/": head + b"<!doctype html><title>endless</title><p>" + HANGS})
    answer = await go(f"{origin}/", patience_s=0.7)
    assert (answer.error, answer.reached) == (Failure.TIMEOUT, "commit")
    committed = await go(f"{origin}/", wait_until="commit")
    assert (committed.success, committed.reached, committed.status_code) == (True, "commit", 200)


async def test_an_answer_that_is_too_long_is_broken_off(go) -> None:
    answer = await go("/large/200000", response_bytes=100_000)
    assert (answer.success, answer.error) == (False, Failure.RESPONSE_TOO_LARGE)


async def test_an_answer_without_a_length_is_counted_as_it_comes(go) -> None:
    answer = await go("/slow?chunks=100&interval_ms=1", response_bytes=100)
    assert (answer.success, answer.error) == (False, Failure.RESPONSE_TOO_LARGE)


async def test_network_idle_comes_after_load(go) -> None:
    answer = await go("/", wait_until="networkidle")
    assert (answer.success, answer.reached) == (True, "networkidle")


@pytest.mark.parametrize("busy", ["while(true);", "setInterval(() => { while(true); }, 0)", "for(;;) alert(1)"])
async def test_a_page_that_is_busy_for_ever_can_be_left(go, tab: Tab, busy: str) -> None:
    await go("/")
    tab.session.notify("Runtime.evaluate", {"expression": busy})
    answer = await go("/large/10")
    assert (answer.success, answer.title) == (True, "large")


async def test_a_page_that_asks_whether_to_stay_is_left(go, tab: Tab) -> None:
    await go("/")
    params = {
        "expression": "onbeforeunload = (event) => { event.preventDefault(); return 'stay'; }",
        "userGesture": True,
    }
    await tab.session.call("Runtime.evaluate", params, deadline=1e18)
    assert (await go("/large/10")).success
    assert tab.dialog is None


async def test_a_page_that_has_crashed_can_be_left(go, tab: Tab) -> None:
    await go("about:blank")
    tab.session.notify("Page.crash")
    assert await tab_crashed(tab)
    still = await go("/no-content")
    assert still.error == Failure.NAVIGATION_ABORTED
    assert tab.crashed
    assert (await go("/large/10")).title == "large"
    assert not tab.crashed


async def tab_crashed(tab: Tab) -> bool:
    with pytest.raises(ActionError) as crashed:
        await tab.until(lambda: False, 1e18)
    return crashed.value.code is Failure.PAGE_CRASHED


async def test_a_navigation_that_another_takes_the_place_of_is_aborted(go, tab: Tab, local_web: LocalWeb) -> None:
    async with asyncio.TaskGroup() as group:
        going = group.create_task(go("/hang"))
        await local_web.wait_for_request("site.test", "/hang")
        tab.session.notify("Page.navigate", {"url": f"{SITE}/large/10"})
    answer = going.result()
    assert (answer.success, answer.error) == (False, Failure.NAVIGATION_ABORTED)


async def test_what_the_gateway_refused_says_which_rule(browser: Browser, go, serve: Serve) -> None:
    asked = []

    def why(host: str, port: int) -> Blocked:
        asked.append((host, port))
        return Blocked("private_address", "10.0.0.0/8")

    browser.why_blocked = why
    # A connection that is cut before an answer is what a gateway's refusal may come to.
    origin = await serve({"/": b""})
    answer = await go(f"/redirect/302?to={origin}/")
    assert (answer.success, answer.error, answer.rule) == (False, Failure.POLICY_BLOCKED, "10.0.0.0/8")
    assert "private_address" in answer.detail
    assert asked == [("127.0.0.1", int(origin.rpartition(":")[2]))]


async def test_addresses_that_are_no_pages_are_refused_before_the_browser_is_asked(go, tab: Tab) -> None:
    for url in ("javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "chrome://version"):
        with pytest.raises(ActionError) as refused:
            await go(url)
        assert refused.value.code is Failure.INVALID_URL


async def test_a_page_that_comes_back_when_it_is_left_is_left_all_the_same(go) -> None:
    for _ in range(3):
        await go("/pages/reload.html", wait_until="commit")
        answer = await go("http://cdn.test/pages/empty.html")
        assert (answer.success, answer.title, answer.redirects) == (True, "empty of cdn.test", [])
