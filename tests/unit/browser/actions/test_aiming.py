"""Pointing through frames in other processes, and at elements by ref, against a real Chromium."""

import pytest

from cloche.browser.actions.pointer import click
from cloche.browser.actions.typing import type_text
from cloche.browser.contract.actions import ClickRequest, TypeRequest
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.locate import element_box
from cloche.browser.tab import Tab

from .conftest import Ask, CallOf, Show, Visit

PAGES = {
    "/": "<p style='height:1500px'>top</p>"
    "<iframe id=f src='http://b.test:PORT/middle' style='margin:30px;height:150px'></iframe>"
    "<p style='height:1500px'></p><script>onmessage = (e) => { heard = e.data }</script>",
    "/middle": "<p style='height:900px'></p><iframe src='http://a.test:PORT/inner' style='padding:9px'></iframe>",
    "/inner": "<button onclick='top.postMessage(event.isTrusted, `*`)'>Inner</button>"
    "<input oninput='top.postMessage(this.value, `*`)'>",
}

HEARD = "new Promise((done) => { (function look() { window.heard === %s ? done() : setTimeout(look, 10) })() })"
"""Words from another process arrive when they do."""


async def test_elements_in_frames_of_other_processes_are_clicked_and_typed_into(
    tab: Tab, visit: Visit, ask: Ask, call_of: CallOf
) -> None:
    await visit("a.test", PAGES)
    processes = lambda: {frame.session.id for frame in tab.frames.values()}  # noqa: E731
    assert await tab.until(lambda: len(tab.frames) == 3 and len(processes()) > 1, call_of(tab).deadline)
    await click(call_of(tab), ClickRequest(selector='role=button[name="Inner"]'))
    await ask(HEARD % "true")
    await type_text(call_of(tab), TypeRequest(selector="frame=#f >> frame=iframe >> input", text="abc"))
    await ask(HEARD % "'abc'")
    box = await element_box(call_of(tab), "text=Inner")
    assert 0 < box.y < await ask("innerHeight")


async def test_a_ref_means_one_element_of_one_document(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<iframe srcdoc='<button onclick=top.done=1>In</button>'></iframe><i id=gone>x</i>")
    assert await tab.until(lambda: len(tab.frames) == 2, call_of(tab).deadline)
    frame = tab.frames_in_order()[1]
    args = {"parts": [{"engine": "css", "css": "button"}]}
    ref = (await frame.run("frameRef", args, call_of(tab).deadline))["ref"]
    await click(call_of(tab), ClickRequest(selector=f"ref={ref}"))
    assert await ask("done") == 1
    await show("<button>other</button>")
    for wrong, code in ((ref, Failure.STALE_REF), (f"zzzz{ref[4:]}", Failure.UNKNOWN_REF)):
        with pytest.raises(ActionError) as caught:
            await click(call_of(tab), ClickRequest(selector=f"ref={wrong}"))
        assert caught.value.code is code


async def test_an_element_that_has_left_the_page_is_stale(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<button id=b>x</button>")
    args = {"parts": [{"engine": "css", "css": "#b"}]}
    ref = (await tab.main.run("frameRef", args, call_of(tab).deadline))["ref"]
    await ask("b.remove()")
    with pytest.raises(ActionError) as caught:
        await click(call_of(tab), ClickRequest(selector=f"ref={ref}"))
    assert caught.value.code is Failure.STALE_REF


async def test_a_page_that_reloads_all_the_time_is_given_up_in_time(tab: Tab, visit: Visit, call_of: CallOf) -> None:
    await visit(
        "a.test", {"/": "<script>addEventListener('load', () => setTimeout(() => location.reload(), 1))</script>"}
    )
    with pytest.raises(ActionError) as caught:
        await click(call_of(tab, patience_s=0.4), ClickRequest(selector="#b"))
    assert caught.value.code in (Failure.SELECTOR_NOT_FOUND, Failure.NAVIGATED_AWAY, Failure.PAGE_UNRESPONSIVE)
