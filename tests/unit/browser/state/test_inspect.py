"""The debug bundle: all that is asked for, bounded, and none of the secrets."""

from cloche.browser.contract.pages import NavigateRequest
from cloche.browser.contract.state import Cookie, InspectSessionRequest, SetCookiesRequest
from cloche.browser.navigation.navigate import navigate
from cloche.browser.state.cookies import set_cookies
from cloche.browser.state.inspect import inspect_session
from cloche.browser.tab import Tab
from cloche.testing.canned_answers import html

from .conftest import Ask, CallOf, Serve

PAGE = """<title>shop</title><p>Hello there<script>
  localStorage.setItem('theme', 'dark');
  localStorage.setItem('access_token', 'abcdef0123456789');
  sessionStorage.setItem('step', 'three');
  console.log('said');
</script>"""


async def test_everything_is_told_but_secrets(tab: Tab, call_of: CallOf, serve: Serve, ask: Ask) -> None:
    origin = await serve({"/?access_token=s3cretvalue": html(PAGE)})
    cookies = [
        Cookie(name="session", value="s3cret-cookie", domain="127.0.0.1"),
        Cookie(name="color", value="blue", domain="127.0.0.1"),
    ]
    await set_cookies(call_of(), SetCookiesRequest(cookies=cookies))
    assert (await navigate(call_of(tab), NavigateRequest(url=f"{origin}/?access_token=s3cretvalue"))).title == "shop"
    answer = await inspect_session(call_of(tab), InspectSessionRequest())
    assert "s3cret" not in repr(answer)
    assert "abcdef0123456789" not in repr(answer)
    assert {(one.area, one.name, one.value) for one in answer.storage} == {
        ("local", "theme", "dark"), ("local", "access_token", "<redacted>"), ("session", "step", "three"),
    }  # fmt: skip
    assert {"session": "<redacted>", "color": "blue"}.items() <= {one.name: one.value for one in answer.cookies}.items()
    assert answer.page_url == f"{origin}/?access_token=<redacted>"
    assert "Hello there" in answer.visible_text
    assert answer.dom_snapshot
    assert any("said" in entry.message for entry in answer.console_log)
    assert any(entry.status_code == 200 for entry in answer.network_log)
    assert answer.page_diagnostics is not None
    assert tab.id in {one.tab_id for one in answer.tabs}
    assert answer.action_log == []


async def test_only_what_is_asked_for_is_told_and_no_more_than_fits(tab: Tab, call_of: CallOf, ask: Ask) -> None:
    cookies = [Cookie(name=f"c{number}", value="x" * 100, domain="site.test") for number in range(20)]
    await set_cookies(call_of(), SetCookiesRequest(cookies=cookies))
    request = InspectSessionRequest(include_cookies=True, max_cookie_bytes=1000)
    answer = await inspect_session(call_of(tab), request)
    assert 0 < len(answer.cookies) < 20
    assert answer.cookies_truncated
    assert (answer.dom_snapshot, answer.network_log, answer.console_log, answer.page_diagnostics) == ("", [], [], None)
    await tab.browser.call("Storage.clearCookies")


async def test_a_page_that_does_not_answer_is_inspected_too(tab: Tab, call_of: CallOf) -> None:
    tab.session.notify("Runtime.evaluate", {"expression": "while (true);"})
    request = InspectSessionRequest(include_cookies=True, include_storage=True, include_console_log=True)
    answer = await inspect_session(call_of(tab), request)
    assert answer.success
    tab.session.notify("Runtime.terminateExecution")
