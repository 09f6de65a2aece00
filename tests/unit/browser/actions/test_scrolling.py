"""Scrolling, against a real Chromium."""

import pytest

from cloche.browser.actions.scrolling import scroll
from cloche.browser.contract.actions import ScrollRequest
from cloche.browser.contract.common import ActionError, Failure

from .conftest import Ask, CallOf, Show

LONG = "<body style='margin:0'><div style='height:5000px;width:5000px'></div>"


async def test_the_page_is_scrolled_and_its_place_told(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<style>* { scroll-behavior: smooth }</style>" + LONG)
    answer = await scroll(call_of(tab), ScrollRequest(delta_x=30, delta_y=500))
    assert (answer.scroll_x, answer.scroll_y) == (30, 500)
    assert await ask("[scrollX, scrollY]") == [30, 500]
    assert (await scroll(call_of(tab), ScrollRequest(delta_y=-9_999_999))).scroll_y == 0


async def test_an_element_is_brought_into_view(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(LONG + "<p id=far>x")
    assert (await scroll(call_of(tab), ScrollRequest(selector="#far"))).scroll_y > 4000
    assert await ask("far.getBoundingClientRect().top < innerHeight") is True


async def test_what_is_around_an_element_is_scrolled(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<div id=d style='height:90px;overflow:auto'><p id=p>x</p><div style='height:900px'></div></div>")
    assert (await scroll(call_of(tab), ScrollRequest(selector="#p", delta_y=50))).scroll_y == 50
    assert await ask("[d.scrollTop, scrollY]") == [50, 0]


async def test_a_page_that_cannot_scroll_has_what_is_in_its_middle_scrolled(
    show: Show, ask: Ask, call_of: CallOf
) -> None:
    tab = await show("<div id=d style='position:fixed;inset:0;overflow:auto'><div style='height:9000px'></div></div>")
    assert (await scroll(call_of(tab), ScrollRequest(delta_y=70))).scroll_y == 70
    assert await ask("d.scrollTop") == 70


async def test_where_nothing_scrolls_a_wheel_is_turned(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<canvas id=c></canvas><script>c.onwheel = (e) => { turned = e.deltaY }</script>")
    await scroll(call_of(tab), ScrollRequest(selector="#c", delta_y=40))
    assert await ask("turned") == 40


async def test_scrolling_nowhere_is_refused(show: Show, call_of: CallOf) -> None:
    tab = await show(LONG)
    with pytest.raises(ActionError) as caught:
        await scroll(call_of(tab), ScrollRequest())
    assert caught.value.code is Failure.INVALID_SELECTOR
