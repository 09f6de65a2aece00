"""Waiting for what a page comes to, against a real Chromium."""

from collections.abc import Awaitable

import pytest

from cloche.browser.actions.waiting import wait_for
from cloche.browser.contract.actions import WaitForRequest
from cloche.browser.contract.common import ActionError, Failure

from .conftest import Ask, CallOf, Show

SOON_S = 0.15


async def failure(action: Awaitable[object]) -> ActionError:
    with pytest.raises(ActionError) as caught:
        await action
    return caught.value


@pytest.mark.parametrize(
    ("state", "change"),
    [
        ("attached", "document.body.append(Object.assign(document.createElement('p'), {id: 'x', hidden: true}))"),
        ("", "document.body.append(Object.assign(document.createElement('p'), {id: 'x', textContent: 'x'}))"),
        ("visible", "y.id = 'x'"),
        ("hidden", "z.hidden = true"),
        ("detached", "z.remove()"),
    ],
)
async def test_an_element_s_state_is_waited_for(show: Show, ask: Ask, call_of: CallOf, state: str, change: str) -> None:
    tab = await show("<p id=y>y</p><p id=z>z</p>")
    selector = "#z" if "z." in change else "#x"
    request = WaitForRequest(selector=selector, state=state)  # type: ignore[arg-type]
    assert (await failure(wait_for(call_of(tab, patience_s=SOON_S), request))).code is Failure.TIMEOUT
    await ask(f"setTimeout(() => {{ {change} }}, 40); 0")
    answer = await wait_for(call_of(tab), request)
    assert answer.matched_selector == selector
    assert answer.waited_ms >= 20


async def test_a_text_is_waited_for_in_any_frame(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<p hidden>Done</p><iframe id=f srcdoc='<p id=p>Work'></iframe>")
    request = WaitForRequest(text="all  DONE")
    assert (await failure(wait_for(call_of(tab, patience_s=SOON_S), request))).code is Failure.TIMEOUT
    await ask("setTimeout(() => { f.contentDocument.body.innerHTML = '<p>It is <b>all</b> done' }, 40); 0")
    assert (await wait_for(call_of(tab), request)).matched_text == "all  DONE"


async def test_what_comes_first_is_told(show: Show, call_of: CallOf) -> None:
    tab = await show("<p>Welcome</p>")
    answer = await wait_for(call_of(tab), WaitForRequest(selector="#none", text="Welcome", url="nowhere"))
    assert (answer.matched_selector, answer.matched_text, answer.matched_url) == ("", "Welcome", "")


async def test_an_address_is_waited_for(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<p>x")
    await ask("setTimeout(() => { location.hash = 'there' }, 30); 0")
    assert (await wait_for(call_of(tab), WaitForRequest(url="#there"))).matched_url == "about:blank#there"


async def test_loading_is_waited_for(show: Show, call_of: CallOf) -> None:
    tab = await show("<p>x")
    assert (await wait_for(call_of(tab), WaitForRequest(load_state="load"))).matched_url == "about:blank"


async def test_waiting_outlives_the_document(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<p>x")
    await ask("setTimeout(() => { location = 'data:text/html,<p id=there>x' }, 30); 0")
    # The page may not go to data: by itself.
    assert (await failure(wait_for(call_of(tab, patience_s=SOON_S), WaitForRequest(selector="#there")))).code
    deadline = call_of(tab).deadline
    tab.session.notify("Page.navigate", {"url": "data:text/html,<p id=there>x"})
    assert (await wait_for(call_of(tab), WaitForRequest(selector="#there"))).matched_selector == "#there"
    assert await tab.until(lambda: tab.url.startswith("data:"), deadline)


async def test_an_element_whose_ref_is_stale_is_gone(show: Show, call_of: CallOf) -> None:
    tab = await show("<p id=x>x")
    ref = (await tab.main.run("frameRef", {"parts": [{"engine": "css", "css": "#x"}]}, call_of(tab).deadline))["ref"]
    assert (await wait_for(call_of(tab), WaitForRequest(selector=f"ref={ref}"))).matched_selector
    await show("<p>y")
    answer = await wait_for(call_of(tab), WaitForRequest(selector=f"ref={ref}", state="detached"))
    assert answer.matched_selector == f"ref={ref}"


async def test_waiting_for_nothing_is_refused(show: Show, call_of: CallOf) -> None:
    tab = await show("<p>x")
    assert (await failure(wait_for(call_of(tab), WaitForRequest()))).code is Failure.INVALID_SELECTOR
