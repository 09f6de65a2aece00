"""What a person does in the viewer's page arrives in the session's page, as if the person sat before it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

from .conftest import SIZE, SitDown
from .desk import Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]
SENTENCE = 'Hello, World! (100% "sure" of #1_A)'


@pytest_asyncio.fixture(loop_scope="module")
async def desk(kept_desk: Desk, local_web: LocalWeb) -> AsyncIterator[Desk]:
    """With the page as new."""
    await kept_desk.fresh()
    yield kept_desk
    # The session's browser keeps its connections to the site.
    local_web.hang_up()


# --- keys -------------------------------------------------------------------------------------------------------------


async def test_a_sentence_is_typed_with_shift(desk: Desk) -> None:
    await desk.in_field()
    await desk.type(SENTENCE)
    noted = await desk.told(lambda noted: noted["value"] == SENTENCE)
    assert ["keydown", "H", False, True, False] in noted["log"]


async def test_text_is_selected_copied_out_pasted_in_and_edited_by_shortcuts(desk: Desk) -> None:
    await desk.in_field()
    await desk.type("one two")
    await desk.page.keyboard.press("Control+a")
    await desk.told(lambda noted: noted["selected"] == "one two")
    await desk.page.keyboard.press("Control+c")
    await desk.until("navigator.clipboard.readText().then((text) => text === 'one two')")
    await desk.page.evaluate("navigator.clipboard.writeText(' from here')")
    await desk.page.keyboard.press("End")
    await desk.page.keyboard.press("Control+v")
    await desk.told(lambda noted: noted["value"] == "one two from here")
    await desk.page.keyboard.press("Shift+Insert")
    await desk.told(lambda noted: noted["value"] == "one two from here from here")
    await desk.page.keyboard.press("Control+Backspace")
    await desk.page.keyboard.press("Control+Backspace")
    await desk.page.keyboard.press("Backspace")
    await desk.page.keyboard.press("Control+Backspace")
    await desk.told(lambda noted: noted["value"] == "one two from ")
    await desk.page.keyboard.press("Shift+Home")
    await desk.page.keyboard.press("Control+x")
    await desk.until("navigator.clipboard.readText().then((text) => text === 'one two from ')")
    await desk.told(lambda noted: noted["value"] == "")
    await desk.page.keyboard.press("Control+z")
    await desk.told(lambda noted: noted["value"] == "one two from ")


async def test_a_dead_key_and_what_follows_make_one_letter(desk: Desk) -> None:
    await desk.in_field()
    keys = await desk.page.context.new_cdp_session(desk.page)
    quote = {"key": "Dead", "code": "Quote", "windowsVirtualKeyCode": 222}
    letter = {"key": "é", "code": "KeyE", "windowsVirtualKeyCode": 69}
    for type_, facts in (
        ("rawKeyDown", quote),
        ("keyUp", quote),
        ("keyDown", letter | {"text": "é"}),
        ("keyUp", letter),
    ):
        await keys.send("Input.dispatchKeyEvent", {"type": type_, **facts})
    await desk.page.keyboard.press("x")
    await desk.told(lambda noted: noted["value"] == "éx")


async def test_an_input_method_composes_in_the_page(desk: Desk) -> None:
    await desk.in_field()
    await desk.type("a")
    keys = await desk.page.context.new_cdp_session(desk.page)
    for text in ("に", "にほ", "日本"):
        at = {"selectionStart": len(text), "selectionEnd": len(text)}
        await keys.send("Input.imeSetComposition", {"text": text, **at})
        await desk.told(lambda noted, text=text: noted["value"] == "a" + text)  # type: ignore[misc]
    await keys.send("Input.insertText", {"text": "日本"})
    names = ("compositionstart", "compositionupdate", "compositionend")
    events = await desk.logged(*names, enough=lambda seen: ["compositionend", "日本"] in seen)
    assert [event[0] for event in events if event[0] != names[1]] == [names[0], names[2]]
    updates = [event[1] for event in events if event[0] == names[1]]
    assert updates[:3] == ["に", "にほ", "日本"] and set(updates[3:]) <= {"日本"}
    await desk.type("b")
    await desk.told(lambda noted: noted["value"] == "a日本b")


async def test_a_composition_that_is_given_up_leaves_nothing(desk: Desk) -> None:
    await desk.in_field()
    keys = await desk.page.context.new_cdp_session(desk.page)
    await keys.send("Input.imeSetComposition", {"text": "に", "selectionStart": 1, "selectionEnd": 1})
    await desk.told(lambda noted: noted["value"] == "に")
    await keys.send("Input.imeSetComposition", {"text": "", "selectionStart": 0, "selectionEnd": 0})
    await desk.told(lambda noted: noted["value"] == "")
    await desk.type("b")
    await desk.told(lambda noted: noted["value"] == "b")


# --- mouse ------------------------------------------------------------------------------------------------------------


async def test_a_double_click_selects_a_word_and_a_triple_click_the_line(desk: Desk) -> None:
    await desk.in_field()
    await desk.type("alpha beta")
    await desk.page.keyboard.press("Enter")
    await desk.type("gamma")
    await desk.click(32, 35, click_count=2)
    await desk.told(lambda noted: noted["selected"].strip() == "alpha")
    assert len(await desk.logged("dblclick", enough=bool)) == 1
    await desk.click(120, 35, click_count=3)
    await desk.told(lambda noted: noted["selected"].strip() == "alpha beta")


async def test_text_is_selected_by_dragging_over_it(desk: Desk) -> None:
    await desk.in_field()
    await desk.type("alpha beta")
    await desk.drag((21, 35), (410, 35))
    await desk.told(lambda noted: noted["selected"] == "alpha beta")


async def test_a_slider_and_a_knob_are_dragged(desk: Desk) -> None:
    await desk.drag((28, 140), (210, 140))
    await desk.told(lambda noted: int(noted["slider"]) >= 95)
    await desk.drag((30, 180), (330, 200))
    await desk.told(lambda noted: noted["knob"] == 320)


async def test_what_is_dragged_is_dropped(desk: Desk) -> None:
    await desk.drag((40, 250), (200, 250))
    noted = await desk.told(lambda noted: ["dragend", "card"] in noted["log"])
    assert noted["answers"] == ["the card"]


async def test_a_right_click_opens_a_context_menu_there_and_none_here(desk: Desk) -> None:
    await desk.click(120, 370, button="right")
    events = await desk.logged("mousedown", "contextmenu", "click", enough=lambda seen: len(seen) > 1)
    assert [event[:3] for event in events] == [["mousedown", "pad", 2], ["contextmenu", "pad", 2]]


async def test_the_wheel_scrolls(desk: Desk) -> None:
    await desk.page.mouse.move(*await desk.place(900, 300))
    for delta, y in ((300, 300), (-100, 200)):
        await desk.page.mouse.wheel(0, delta)
        await desk.told(lambda noted, y=y: noted["y"] == y)  # type: ignore[misc]


async def test_the_cursor_is_that_of_what_is_below_it(desk: Desk) -> None:
    for place, cursor in (((60, 300), "pointer"), ((200, 60), "text"), ((900, 500), "default")):
        await desk.page.mouse.move(*await desk.place(*place))
        stage = 'document.querySelector("cloche-live").shadowRoot.querySelector(".stage")'
        await desk.until(f"getComputedStyle({stage}).cursor === '{cursor}'")


@pytest.mark.parametrize(
    "window",
    [{"width": 700, "height": 500}, {"width": 500, "height": 900}, {"width": 1900, "height": 1000}],
    ids=["smaller", "bars above and below", "bars beside"],
)
async def test_a_click_hits_ten_pixels_in_each_corner(desk: Desk, window: Any) -> None:
    await desk.page.set_viewport_size(window)
    try:
        for name, x, y in (("nw", 3, 3), ("ne", 1277, 3), ("sw", 3, 717), ("se", 1277, 717)):
            await desk.click(x, y)
            await desk.logged("click", enough=lambda seen, name=name: seen[-1:] == [["click", name, 0, 1]])  # type: ignore[misc]
    finally:
        await desk.page.set_viewport_size({"width": 1340, "height": 840})


# --- fingers ----------------------------------------------------------------------------------------------------------


async def test_fingers_tap_and_scroll(shared_daemon: DaemonProcess, sit_down: SitDown, page_url: str) -> None:
    session = await shared_daemon.create_session(start_url=page_url, viewport=SIZE)
    desk = await sit_down(session, has_touch=True)
    x, y = await desk.place(120, 370)
    await desk.page.touchscreen.tap(x, y)
    events = await desk.logged("touchstart", "touchend", "click", enough=lambda seen: len(seen) >= 3)
    assert [event[:2] for event in events] == [["touchstart", "pad"], ["touchend", "pad"], ["click", "pad"]]
    hands = await desk.page.context.new_cdp_session(desk.page)
    for kind, up in (("touchStart", 0), *(("touchMove", step * 20) for step in range(1, 11)), ("touchEnd", None)):
        x, y = await desk.place(900, 600 - (up or 0))
        points = [] if up is None else [{"x": x, "y": y, "id": 1}]
        await hands.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        await desk.page.evaluate("() => new Promise(requestAnimationFrame)")
    await desk.told(lambda noted: noted["y"] > 100)


# --- the clipboard under other policies -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "comes_in", "goes_out"), [("in", True, False), ("out", False, True), ("off", False, False)]
)
async def test_the_policy_of_the_clipboard_holds(
    shared_daemon: DaemonProcess, sit_down: SitDown, page_url: str, policy: str, comes_in: bool, goes_out: bool
) -> None:
    session = await shared_daemon.create_session(start_url=page_url, viewport=SIZE, live={"clipboard": policy})
    desk = await sit_down(session, "&transport=jpeg", permissions=["clipboard-read", "clipboard-write"])
    await desk.page.evaluate("navigator.clipboard.writeText('secret of here')")
    await desk.in_field()
    await desk.page.keyboard.press("Control+v")
    await desk.type(".")
    noted = await desk.told(lambda noted: noted["value"].endswith("."))
    assert noted["value"] == ("secret of here." if comes_in else ".")
    await desk.page.keyboard.press("Control+a")
    await desk.page.keyboard.press("Control+c")
    await desk.told(lambda noted: ["keydown", "c", True, False, False] in noted["log"])
    # Its own clipboard goes on, under any policy.
    await desk.page.keyboard.press("End")
    await desk.page.keyboard.press("Control+v")
    await desk.told(lambda after: after["value"] == 2 * noted["value"])
    kept = noted["value"] if goes_out else "secret of here"
    assert await desk.page.evaluate("navigator.clipboard.readText()") == kept
