"""Clicks, hovers and drags, against a real Chromium."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from cloche.browser.actions.pointer import click, drag, hover
from cloche.browser.contract.actions import ClickRequest, DragRequest, HoverRequest
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.tab import Tab

from .conftest import Ask, CallOf, Show

SOON_S = 0.25

LOG = """<script>window.log = []; const tell = (e) => log.push(
  [e.type, e.target.id, e.button, e.buttons, e.detail, e.isTrusted].join(' '));
  for (const type of ['mousedown', 'mouseup', 'click', 'dblclick', 'contextmenu', 'auxclick'])
  addEventListener(type, tell);
</script>"""


async def failure(action: Awaitable[object]) -> ActionError:
    with pytest.raises(ActionError) as caught:
        await action
    return caught.value


async def test_a_click_presses_and_releases_as_a_hand_does(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(LOG + "<button id=b>Save</button>")
    answer = await click(call_of(tab), ClickRequest(selector="text=Save"))
    assert answer.matches == 1
    assert await ask("log") == ["mousedown b 0 1 1 true", "mouseup b 0 0 1 true", "click b 0 0 1 true"]
    box = await ask("(({x, y, width, height}) => [x + width / 2, y + height / 2])(b.getBoundingClientRect())")
    assert [answer.x, answer.y] == box


async def test_a_double_click_counts(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(LOG + "<button id=b>Save</button>")
    await click(call_of(tab), ClickRequest(selector="#b", click_count=2))
    assert (await ask("log"))[3:] == [
        "mousedown b 0 1 2 true", "mouseup b 0 0 2 true", "click b 0 0 2 true", "dblclick b 0 0 2 true",
    ]  # fmt: skip


async def test_buttons_and_modifiers_are_told(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(
        LOG + "<button id=b onmousedown='mods = [event.ctrlKey, event.shiftKey, event.altKey]'>Save</button>"
    )
    await click(call_of(tab), ClickRequest(selector="#b", button="right", modifiers=["Control", "Shift"], delay_ms=1))
    assert await ask("mods") == [True, True, False]
    log = await ask("log")
    assert log[0] == "mousedown b 2 2 1 true"
    assert "contextmenu b 2 2 0 true" in log or "contextmenu b 2 0 0 true" in log


async def test_coordinates_alone_are_clicked(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(LOG + "<body style='margin:0'><div id=d style='width:50px;height:50px'></div>")
    answer = await click(call_of(tab), ClickRequest(position_x=10, position_y=20))
    assert (answer.x, answer.y) == (10, 20)
    assert "click d 0 0 1 true" in await ask("log")
    outside = await failure(click(call_of(tab), ClickRequest(position_x=10, position_y=20_000)))
    assert outside.code is Failure.OUTSIDE_VIEWPORT
    assert (await failure(click(call_of(tab), ClickRequest(position_x=1)))).code is Failure.INVALID_SELECTOR


async def test_a_place_in_the_element_is_clicked_wherever_it_is(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<div id=d style='height:5000px;width:90px' onclick='at = event.offsetY'></div>")
    await click(call_of(tab), ClickRequest(selector="#d", position_x=5, position_y=4000))
    assert await ask("at") == 4000


@pytest.mark.parametrize(
    ("html", "code", "told"),
    [
        ("", Failure.SELECTOR_NOT_FOUND, ""),
        ("<button id=b hidden>x</button>", Failure.NOT_VISIBLE, '<button id="b">'),
        ("<div style='visibility:hidden'><button id=b>x</button></div>", Failure.NOT_VISIBLE, ""),
        ("<button id=b disabled>x</button>", Failure.NOT_ENABLED, ""),
        ("<fieldset disabled><button id=b>x</button></fieldset>", Failure.NOT_ENABLED, ""),
        ("<button disabled><span id=b>x</span></button>", Failure.NOT_ENABLED, ""),
        ("<button id=b aria-disabled=true>x</button>", Failure.NOT_ENABLED, ""),
        (
            "<button id=b>x</button><p class='o v' style='position:fixed;inset:0;margin:0'>",
            Failure.COVERED,
            '<p class="o v">',
        ),
        ("<button id=b style='position:fixed;left:-500px'>x</button>", Failure.OUTSIDE_VIEWPORT, ""),
        (
            "<style>@keyframes k { to { transform: translate(300px, 200px) } }"
            "#b { animation: k .7s infinite alternate }</style><button id=b>x</button>",
            Failure.NOT_STABLE,
            "is moving",
        ),
    ],
)  # fmt: skip
async def test_what_cannot_be_clicked_says_why(
    show: Show, ask: Ask, call_of: CallOf, html: str, code: Failure, told: str
) -> None:
    tab = await show(LOG + html)
    error = await failure(click(call_of(tab, patience_s=SOON_S), ClickRequest(selector="#b")))
    assert (error.code, told in error.detail) == (code, True), error.detail
    assert await ask("log") == []


async def test_a_click_waits_until_it_can_be_done(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(
        "<div id=o style='position:fixed;inset:0'></div>"
        "<button id=b disabled hidden onclick='this.id = `done`'>x</button>"
        "<script>setTimeout(() => b.hidden = false, 30); setTimeout(() => b.disabled = false, 60);"
        "setTimeout(() => o.remove(), 90)</script>"
    )
    await click(call_of(tab), ClickRequest(selector="#b"))
    assert await ask("!!window.done") is True


async def test_force_waits_for_nothing(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(LOG + "<button id=b>x</button><div id=over style='position:fixed;inset:0'></div>")
    await click(call_of(tab), ClickRequest(selector="#b", force=True))
    assert "click over 0 0 1 true" in await ask("log")
    await show("<button id=b hidden>x</button>")
    error = await failure(click(call_of(tab, patience_s=SOON_S), ClickRequest(selector="#b", force=True)))
    assert error.code is Failure.NOT_VISIBLE


async def test_several_matches_mean_the_first_that_is_visible(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(LOG + "<button hidden id=a>x</button><button id=b>x</button><button id=c>x</button>")
    assert (await click(call_of(tab), ClickRequest(selector="button"))).matches == 3
    assert (await ask("log"))[-1] == "click b 0 0 1 true"
    error = await failure(click(call_of(tab), ClickRequest(selector="button", strict=True)))
    assert error.code is Failure.SELECTOR_AMBIGUOUS


async def test_an_element_that_a_sticky_header_hides_is_scrolled_clear_of_it(
    show: Show, ask: Ask, call_of: CallOf
) -> None:
    tab = await show(
        "<header style='position:fixed;top:0;left:0;right:0;height:60%'></header><div style='height:3000px'></div>"
        "<button id=b onclick='this.id = `done`'>x</button><div style='height:3000px'></div>"
    )
    await click(call_of(tab), ClickRequest(selector="#b"))
    assert await ask("!!window.done") is True


async def test_an_element_in_nested_scrollers_is_brought_into_view(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(
        "<div style='height:2000px'></div><div style='height:100px;overflow:auto'><div style='height:900px'></div>"
        "<div style='height:80px;overflow:auto'><div style='height:700px'></div>"
        "<button id=b onclick='this.id = `done`'>x</button></div></div>"
    )
    await click(call_of(tab), ClickRequest(selector="#b"))
    assert await ask("!!window.done") is True


async def test_a_control_in_its_label_is_hit_through_it(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(
        "<label style='position:relative'><input id=c type=checkbox>"
        "<span style='position:absolute;inset:-5px'></span></label>"
    )
    await click(call_of(tab), ClickRequest(selector="#c"))
    assert await ask("c.checked") is True


async def test_what_comes_over_the_element_as_the_pointer_does_keeps_the_click_from_it(
    show: Show, ask: Ask, call_of: CallOf
) -> None:
    tab = await show(
        LOG + "<button id=b>x</button><div id=o style='position:fixed;inset:0;display:none'></div>"
        "<script>b.onmousemove = () => { o.style.display = 'block' }</script>"
    )
    error = await failure(click(call_of(tab, patience_s=SOON_S), ClickRequest(selector="#b")))
    assert error.code is Failure.COVERED
    assert 'id="o"' in error.detail
    assert await ask("log") == []


async def test_what_comes_over_it_between_look_and_press_gets_no_click_either(
    show: Show, ask: Ask, call_of: CallOf
) -> None:
    tab = await show(
        LOG + "<button id=b>x</button><div id=o style='position:fixed;inset:0;display:none'></div><script>"
        "b.onmouseenter = () => requestAnimationFrame(() => { o.style.display = 'block' })</script>"
    )
    error = await failure(click(call_of(tab, patience_s=SOON_S), ClickRequest(selector="#b")))
    assert error.code is Failure.COVERED
    assert await ask("log") == []


async def test_an_element_that_goes_when_the_pointer_comes_is_detached(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(LOG + "<button id=b onmousemove='this.remove()'>x</button><div id=under style='height:99vh'>")
    error = await failure(click(call_of(tab, patience_s=SOON_S), ClickRequest(selector="#b")))
    assert error.code is Failure.DETACHED
    assert await ask("log") == []


async def test_an_element_that_is_made_anew_all_the_time_is_clicked(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(
        "<div id=d></div><script>"
        "const make = () => { d.innerHTML = '<button id=b onclick=\"window.done = 1\">x</button>' };"
        "make(); const t = setInterval(make, 25); setTimeout(() => clearInterval(t), 150)</script>"
    )
    await click(call_of(tab), ClickRequest(selector="#b"))
    assert await ask("window.done") == 1


async def test_a_click_goes_through_frames_in_frames(show: Show, ask: Ask, call_of: CallOf) -> None:
    inner = "<body style=margin:0><div style=height:700px></div><button onclick=top.done=1>In</button>"
    middle = f"<iframe style='margin:20px;border:3px solid;padding:5px;height:90px' srcdoc='{inner}'></iframe>"
    middle = middle.replace("'", "&quot;")
    tab = await show(
        f"<div style='height:2000px'></div><iframe style='transform:scale(.8)' srcdoc=\"{middle}\"></iframe>"
    )
    answer = await click(call_of(tab), ClickRequest(selector="text=In"))
    assert (answer.matches, await ask("window.done")) == (1, 1)
    await ask("done = 0")
    await click(call_of(tab), ClickRequest(selector="frame=iframe >> frame=iframe >> button"))
    assert await ask("done") == 1


async def test_an_iframe_itself_is_clicked(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<iframe srcdoc='<html style=height:100% onclick=top.done=1>In'></iframe>")
    assert await tab.until(lambda: "load" in tab.frames_in_order()[-1].reached, call_of(tab).deadline)
    await click(call_of(tab), ClickRequest(selector="iframe"))
    assert await ask("window.done") == 1


async def test_what_covers_a_frame_covers_what_is_in_it(show: Show, call_of: CallOf) -> None:
    tab = await show(
        "<iframe srcdoc='<button>In</button>'></iframe><p id=over style='position:fixed;inset:0;margin:0'>"
    )
    error = await failure(click(call_of(tab, patience_s=SOON_S), ClickRequest(selector="frame=iframe >> button")))
    assert error.code is Failure.COVERED
    assert 'id="over"' in error.detail


async def test_a_click_works_in_open_shadow_roots(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(
        "<x-a id=a></x-a><script>a.attachShadow({mode: 'open'}).innerHTML = '<p class=q><button>In</button></p>';"
        "a.shadowRoot.querySelector('button').onclick = (e) => { window.trusted = e.isTrusted }</script>"
    )
    await click(call_of(tab), ClickRequest(selector="x-a .q > button"))
    assert await ask("window.trusted") is True


async def test_a_dialog_ends_the_click_and_is_told(show: Show, call_of: CallOf) -> None:
    tab = await show("<button id=b onclick='confirm(`sure?`)'>x</button>")
    answer = await click(call_of(tab), ClickRequest(selector="#b"))
    assert answer.effects.dialog is not None
    assert (answer.effects.dialog.type, answer.effects.dialog.message) == ("confirm", "sure?")
    assert (await failure(click(call_of(tab), ClickRequest(selector="#b")))).code is Failure.DIALOG_OPEN
    await tab.answer_dialog(accept=True, prompt_text="", deadline=call_of(tab).deadline)


async def test_a_page_that_hangs_in_the_click_is_unresponsive(show: Show, call_of: CallOf) -> None:
    tab = await show("<button id=b onclick='const t = Date.now(); while (Date.now() < t + 900);'>x</button>")
    began = asyncio.get_running_loop().time()
    error = await failure(click(call_of(tab, patience_s=SOON_S), ClickRequest(selector="#b")))
    assert error.code is Failure.PAGE_UNRESPONSIVE
    assert asyncio.get_running_loop().time() - began < SOON_S + 0.6


async def test_names_of_fields_do_not_confuse(show: Show, ask: Ask, call_of: CallOf) -> None:
    names = (
        "parentNode getBoundingClientRect ownerDocument tagName localName checkVisibility closest matches shadowRoot id"
    )
    fields = "".join(f"<input name={name} hidden>" for name in names.split())
    images = "".join(f"<img name={name} hidden>" for name in ("querySelectorAll", "body", "elementFromPoint", "cloche"))
    tab = await show(
        f"<p id=cloche></p>{images}<form onclick='window.done = 1' style='padding:9px'>{fields}<b>Buy</b></form>"
    )
    await click(call_of(tab), ClickRequest(selector="form"))
    await click(call_of(tab), ClickRequest(selector="text=Buy"))
    assert await ask("done") == 1


async def test_two_clicks_at_once_both_arrive(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(LOG + "<button id=a>a</button><button id=b>b</button>")
    requests = [ClickRequest(selector="#a"), ClickRequest(selector="#b")]
    await asyncio.gather(*(click(call_of(tab), request) for request in requests))
    assert sorted(entry for entry in await ask("log") if entry.startswith("click")) == [
        "click a 0 0 1 true", "click b 0 0 1 true",
    ]  # fmt: skip


async def test_hovering_leaves_the_pointer_there(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show("<button id=b disabled>x</button>")
    await hover(call_of(tab), HoverRequest(selector="#b"))
    assert await ask("b.matches('button:hover')") is True


BOXES = "<style>div { width: 60px; height: 60px; background: #ccc; margin: 10px }</style>"


async def test_what_is_draggable_is_dropped_with_its_data(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(
        BOXES + "<div id=a draggable=true></div><div id=b></div><script>window.log = [];"
        "a.ondragstart = (e) => { e.dataTransfer.setData('text/plain', 'card'); log.push('start') };"
        "b.ondragover = (e) => e.preventDefault(); a.ondragend = () => log.push('end');"
        "b.ondrop = (e) => { e.preventDefault(); log.push('drop ' + e.dataTransfer.getData('text/plain')) }</script>"
    )
    await drag(call_of(tab), DragRequest(selector="#a", target_selector="#b"))
    assert await tab.until(lambda: True, call_of(tab).deadline)
    assert await ask("new Promise((done) => setTimeout(() => done(log), 30))") == ["start", "drop card", "end"]


async def test_what_follows_the_pointer_is_dragged_in_steps(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(
        BOXES + "<div id=a></div><script>window.moves = []; a.onpointerdown = (e) => a.setPointerCapture(e.pointerId);"
        "a.onpointermove = (e) => { if (e.buttons) moves.push(e.clientX) };"
        "a.onpointerup = (e) => { up = e.clientX }</script>"
    )
    await drag(call_of(tab), DragRequest(selector="#a", target_x=300, target_y=40, steps=4))
    moves = await ask("moves")
    assert len(moves) == 1 + 4 + 1
    assert moves == sorted(moves)
    assert (moves[-1], await ask("up")) == (300, 300)


@pytest.mark.parametrize(
    "start", [{"position_x": 10.0, "position_y": 20.0}, {"selector": "#under", "force": True}], ids=["place", "forced"]
)
async def test_what_is_pressed_is_dragged_whatever_it_is_when_nobody_asks(
    show: Show, ask: Ask, call_of: CallOf, start: dict[str, Any]
) -> None:
    tab = await show(
        "<style>div { position: absolute; left: 0; top: 0; width: 90px; height: 90px }</style>"
        "<div id=under></div><div></div><script>window.seen = []; for (const type of ['mousedown', 'mouseup'])"
        "addEventListener(type, (e) => seen.push(`${type} ${e.clientX} ${e.clientY}`))</script>"
    )
    await drag(call_of(tab), DragRequest(target_x=300, target_y=60, steps=2, **start))
    down = "mousedown 10 20" if "position_x" in start else "mousedown 45 45"
    assert await ask("seen") == [down, "mouseup 300 60"]


async def test_nothing_is_picked_up_for_a_target_that_is_not_there(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(LOG + "<div id=a draggable=true>a</div>")
    request = DragRequest(selector="#a", target_selector="#none")
    assert (await failure(drag(call_of(tab, patience_s=SOON_S), request))).code is Failure.SELECTOR_NOT_FOUND
    assert await ask("log") == []


async def test_a_drag_that_fails_on_its_way_lets_go(show: Show, ask: Ask, call_of: CallOf) -> None:
    tab = await show(LOG + BOXES + "<div id=a></div><div id=b></div><script>a.onmousedown = () => b.remove()</script>")
    request = DragRequest(selector="#a", target_selector="#b")
    assert (await failure(drag(call_of(tab, patience_s=0.4), request))).code is Failure.SELECTOR_NOT_FOUND
    # It lets go without waiting for the page to take that in.
    let_go = "new Promise((done) => { const look = () => log.length > 1 ? done(log) : setTimeout(look, 5); look(); })"
    assert [entry.split()[0] for entry in await ask(let_go)][:2] == ["mousedown", "mouseup"]


async def test_a_drag_to_what_is_far_below_scrolls_there(show: Show, ask: Ask, call_of: CallOf, tab: Tab) -> None:
    await show(
        BOXES + "<div id=a draggable=true></div><div id=b style='margin-top:2500px'></div><script>"
        "a.ondragstart = (e) => e.dataTransfer.setData('text/plain', 'card'); b.ondragover = (e) => e.preventDefault();"
        "b.ondrop = (e) => { e.preventDefault(); window.got = e.dataTransfer.getData('text/plain') }</script>"
    )
    await drag(call_of(tab), DragRequest(selector="#a", target_selector="#b"))
    assert await ask("new Promise((done) => setTimeout(() => done(window.got), 30))") == "card"
