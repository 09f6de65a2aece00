"""What hands do, told to a real Chromium over raw DevTools, and what the page sees of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest

from cloche.browser.key_table import CHARACTERS, NAMES
from cloche.live.input.commands import Command, Step, TellSelection
from cloche.live.input.hands import Hands
from cloche.live.messages import (
    Compose,
    Copy,
    InputMessage,
    Insert,
    KeyDown,
    KeyUp,
    MouseDown,
    MouseMove,
    MouseUp,
    Paste,
    Touch,
    TouchPoint,
    Wheel,
)
from cloche.testing.bare_chromium import BareChromium
from cloche.testing.cdp import CdpClient, CdpPage
from cloche.testing.warm_chromium import warm_chromium

CODES: Final = {character: key.code for character, key in CHARACTERS.items()}
SIZE: Final = (800.0, 600.0)
PAGE: Final = """<!doctype html>
<body style="margin:0;height:5000px;font:20px/30px monospace">
<textarea id=field style="position:absolute;left:0;top:0;width:400px;height:90px;font:inherit;padding:0;border:0">
</textarea>
<button id=button style="position:absolute;left:0;top:100px;width:100px;height:40px">b</button>
<div id=pad style="position:absolute;left:200px;top:100px;width:400px;height:200px;touch-action:none"></div>
<div id=item draggable=true style="position:absolute;left:0;top:200px;width:80px;height:40px">item</div>
<div id=target style="position:absolute;left:0;top:400px;width:80px;height:40px">target</div>
<script>
const log = [];
const see = (names, tell) => {
    for (const name of names.split(" ")) addEventListener(name, event => log.push([name, ...tell(event)]));
};
see("mousedown mouseup mousemove click dblclick contextmenu auxclick",
    e => [e.target.id, e.button, e.buttons, e.detail, e.clientX, e.clientY, e.shiftKey]);
see("keydown keyup keypress", e => [e.key, e.code, e.keyCode, e.ctrlKey, e.shiftKey, e.metaKey, e.repeat, e.location]);
see("compositionstart compositionupdate compositionend", e => [e.data]);
see("copy cut paste drop dragend", e => []);
see("wheel", e => [e.deltaX, e.deltaY, e.deltaMode, e.ctrlKey]);
see("touchstart touchmove touchend touchcancel", e => [[...e.touches].map(t => [t.clientX, t.clientY])]);
addEventListener("dragover", event => event.preventDefault());
addEventListener("contextmenu", event => event.preventDefault());
const until = holds => new Promise(done => { const look = () => holds() ? done(true) : setTimeout(look, 5); look(); });
</script>"""


class Viewer:
    """A page, the hands on it, and what it has seen."""

    def __init__(self, page: CdpPage) -> None:
        self.page = page
        self.hands = Hands({key.code: key.virtual_key for key in NAMES.values()})
        self.now_s = 0.0

    async def do(self, *messages: InputMessage) -> list[Step]:
        """Sent one after the other and without waiting in between, as a session does."""
        steps = [step for message in messages for step in self.hands.translate(message, self.now_s, *SIZE)]
        await self.send(steps)
        return steps

    async def send(self, steps: list[Step]) -> None:
        await asyncio.gather(
            *(self.page.send(step.method, dict(step.params)) for step in steps if isinstance(step, Command))
        )

    async def click(self, x: float, y: float, button: Any = "left") -> None:
        await self.do(MouseDown(x=x, y=y, button=button), MouseUp(x=x, y=y, button=button))

    async def press(self, key: str, code: str = "", modifiers: int = 0) -> None:
        await self.do(KeyDown(key=key, code=code, modifiers=modifiers), KeyUp(key=key, code=code, modifiers=modifiers))

    async def type(self, text: str) -> None:
        """As a person does on a German keyboard, with Shift where it takes one."""
        for character in text:
            code = CODES.get(character.lower(), "")
            shifted = character.isupper() or character == "!"
            if shifted:
                await self.do(KeyDown(key="Shift", code="ShiftLeft", modifiers=8))
            await self.press(character, code, 8 if shifted else 0)
            if shifted:
                await self.do(KeyUp(key="Shift", code="ShiftLeft"))

    async def fill(self, text: str) -> None:
        """Have the field hold that, with the focus in it and the cursor at its end."""
        await self.page.evaluate(f"field.value = {json.dumps(text)}; field.focus(); log.length = 0")

    async def value(self) -> str:
        value: str = await self.page.evaluate("field.value")
        return value

    async def selected(self) -> str:
        text: str = await self.page.evaluate("field.value.slice(field.selectionStart, field.selectionEnd)")
        return text

    async def seen(self, *names: str, until: str = "true") -> list[list[Any]]:
        """Events of these names so far, once `until` holds in the page; then it begins anew."""
        await self.page.evaluate(f"until(() => {until})")
        log: list[list[Any]] = await self.page.evaluate("log.splice(0)")
        return [event for event in log if event[0] in names]


@pytest.fixture(scope="module")
def chromium() -> Iterator[BareChromium]:
    with warm_chromium() as process:
        yield process


@pytest.fixture
async def viewer(chromium: BareChromium) -> AsyncIterator[Viewer]:
    async with await CdpClient.connect(chromium.websocket_url) as client:
        page = await client.new_page()
        await page.send(
            "Emulation.setDeviceMetricsOverride",
            {"width": int(SIZE[0]), "height": int(SIZE[1]), "deviceScaleFactor": 1, "mobile": False},
        )
        await page.send("Page.setDocumentContent", {"frameId": page.target_id, "html": PAGE})
        yield Viewer(page)
        await client.send("Target.closeTarget", {"targetId": page.target_id})


async def test_a_click_is_a_click(viewer: Viewer) -> None:
    await viewer.click(50, 120)
    assert await viewer.seen("mousedown", "mouseup", "click", until="log.some(e => e[0] == 'click')") == [
        ["mousedown", "button", 0, 1, 1, 50, 120, False],
        ["mouseup", "button", 0, 0, 1, 50, 120, False],
        ["click", "button", 0, 0, 1, 50, 120, False],
    ]


async def test_a_double_click_selects_a_word_and_a_triple_click_a_line(viewer: Viewer) -> None:
    await viewer.fill("one two three\nfour")
    await viewer.click(60, 15)
    viewer.now_s = 0.2
    await viewer.click(60, 15)
    assert (await viewer.selected()).strip() == "two"
    assert [event[4] for event in await viewer.seen("dblclick")] == [2]
    viewer.now_s = 0.4
    await viewer.click(60, 15)
    assert (await viewer.selected()).strip() == "one two three"


async def test_slow_clicks_are_single_ones(viewer: Viewer) -> None:
    for viewer.now_s in (0.0, 1.0):
        await viewer.click(50, 120)
    assert await viewer.seen("dblclick") == []


async def test_a_hover_has_no_button_and_a_drag_has(viewer: Viewer) -> None:
    await viewer.do(MouseMove(x=300, y=150))
    await viewer.do(MouseDown(x=300, y=150))
    await viewer.do(MouseMove(x=310, y=160))
    await viewer.do(MouseUp(x=310, y=160))
    events = await viewer.seen("mousemove", until="log.some(e => e[0] == 'mouseup')")
    # The second move of the drag is where it is let go.
    assert [event[3] for event in events] == [0, 1, 1]


async def test_dragging_over_text_selects_it(viewer: Viewer) -> None:
    await viewer.fill("one two three")
    await viewer.do(MouseDown(x=1, y=15), MouseMove(x=60, y=15), MouseMove(x=399, y=15), MouseUp(x=399, y=15))
    assert await viewer.selected() == "one two three"


async def test_what_can_be_dragged_is_dropped(viewer: Viewer) -> None:
    await viewer.do(MouseDown(x=20, y=210))
    for y in range(220, 420, 20):
        await viewer.do(MouseMove(x=20, y=y))
    await viewer.do(MouseUp(x=20, y=410))
    assert await viewer.seen("drop", "dragend", until="log.some(e => e[0] == 'dragend')") == [["drop"], ["dragend"]]


async def test_a_right_click_opens_the_context_menu(viewer: Viewer) -> None:
    await viewer.click(50, 120, "right")
    events = await viewer.seen("contextmenu", "mousedown", "auxclick", until="log.some(e => e[0] == 'auxclick')")
    assert [(event[0], event[2], event[3]) for event in events] == [
        ("mousedown", 2, 2),
        ("contextmenu", 2, 2),
        ("auxclick", 2, 0),
    ]


async def test_a_sentence_with_shift_and_an_umlaut_is_typed(viewer: Viewer) -> None:
    await viewer.fill("")
    await viewer.type("Hello, Wörld!")
    assert await viewer.value() == "Hello, Wörld!"
    events = await viewer.seen("keydown")
    assert events[:3] == [
        ["keydown", "Shift", "ShiftLeft", 16, False, True, False, False, 1],
        ["keydown", "H", "KeyH", 72, False, True, False, False, 0],
        ["keydown", "e", "KeyE", 69, False, False, False, False, 0],
    ]


async def test_what_altgr_makes_is_typed(viewer: Viewer) -> None:
    await viewer.fill("")
    await viewer.press("@", "KeyQ", modifiers=3)
    await viewer.press("€", "KeyE", modifiers=1)
    assert await viewer.value() == "@€"


async def test_dead_keys_type_nothing_and_a_held_key_repeats(viewer: Viewer) -> None:
    await viewer.fill("")
    await viewer.press("Dead", "BracketLeft")
    down = KeyDown(key="x", code="KeyX")
    await viewer.do(down, down, down, KeyUp(key="x", code="KeyX"))
    assert await viewer.value() == "xxx"
    assert [event[7] for event in await viewer.seen("keydown")] == [False, False, True, True]


@pytest.mark.parametrize(("modifier", "bit"), [("Control", 2), ("Meta", 4)])
async def test_selecting_all_and_typing_replaces(viewer: Viewer, modifier: str, bit: int) -> None:
    await viewer.fill("one two")
    await viewer.do(KeyDown(key=modifier, code=f"{modifier}Left", modifiers=bit))
    await viewer.press("a", "KeyA", bit)
    await viewer.do(KeyUp(key=modifier, code=f"{modifier}Left"))
    assert await viewer.selected() == "one two"
    await viewer.type("x")
    assert await viewer.value() == "x"


@pytest.mark.parametrize("bit", [2, 4])
async def test_cut_undo_and_redo(viewer: Viewer, bit: int) -> None:
    await viewer.fill("one two")
    await viewer.press("a", "KeyA", bit)
    steps = await viewer.do(KeyDown(key="x", code="KeyX", modifiers=bit), KeyUp(key="x", code="KeyX"))
    assert steps[0] == TellSelection(cut=True)
    assert await viewer.value() == ""
    await viewer.press("z", "KeyZ", bit)
    assert await viewer.value() == "one two"
    await viewer.press("Z", "KeyZ", bit | 8)
    assert await viewer.value() == ""


@pytest.mark.parametrize(
    ("key", "code", "modifiers"), [("v", "KeyV", 2), ("V", "KeyV", 10), ("v", "KeyV", 4), ("Insert", "Insert", 8)]
)
async def test_pasting_keys_put_in_what_was_copied_there(viewer: Viewer, key: str, code: str, modifiers: int) -> None:
    await viewer.fill("secret")
    await viewer.press("a", "KeyA", 2)
    await viewer.press("c", "KeyC", 2)
    assert await viewer.seen("copy") == [["copy"]]
    await viewer.fill("")
    await viewer.press(key, code, modifiers)
    seen = await viewer.seen("keydown", "paste", until="log.some(e => e[0] == 'paste')")
    assert [event[1:3] for event in seen] == [[key, code], []]
    assert await viewer.value() == "secret"


async def test_pasted_text_and_text_of_an_input_method_are_put_in(viewer: Viewer) -> None:
    await viewer.fill("")
    await viewer.do(Insert(text="日本語"), Paste(text=" a\r\nb"))
    assert await viewer.value() == "日本語 a\nb"


async def test_copying_without_keys_copies_and_cuts(viewer: Viewer) -> None:
    await viewer.fill("one")
    await viewer.press("a", "KeyA", 2)
    await viewer.do(Copy(), Copy(cut=True))
    assert await viewer.seen("copy", "cut") == [["copy"], ["cut"]]
    assert await viewer.value() == ""


async def test_enter_backspace_tab_and_arrows(viewer: Viewer) -> None:
    await viewer.fill("")
    await viewer.type("ab")
    for key in ("ArrowLeft", "Enter", "ArrowRight", "Backspace"):
        await viewer.press(key, key)
    assert await viewer.value() == "a\n"
    await viewer.press("Tab", "Tab")
    assert await viewer.page.evaluate("document.activeElement.id") == "button"
    await viewer.press("F5", "F5")
    assert ["keydown", "F5", "F5", 116, False, False, False, False, 0] in await viewer.seen("keydown")


async def test_a_composition_is_begun_changed_and_ended(viewer: Viewer) -> None:
    await viewer.fill("")
    await viewer.do(Compose(text="に", cursor=1), Compose(text="にほ", cursor=2), Insert(text="日本"))
    assert await viewer.value() == "日本"
    events = await viewer.seen("compositionstart", "compositionupdate", "compositionend")
    assert events == [
        ["compositionstart", ""],
        ["compositionupdate", "に"],
        ["compositionupdate", "にほ"],
        ["compositionupdate", "日本"],
        ["compositionend", "日本"],
    ]


async def test_a_composition_that_is_given_up_leaves_nothing(viewer: Viewer) -> None:
    await viewer.fill("a")
    await viewer.do(Compose(text="に", cursor=1), Compose(text=""))
    assert await viewer.value() == "a"
    assert (await viewer.seen("compositionend")) == [["compositionend", ""]]


async def test_a_wheel_scrolls_by_pixels_lines_and_pages(viewer: Viewer) -> None:
    for mode, delta, expected in ((0, 120.0, 120), (1, 3.0, 220), (2, 1.0, 820), (2, -1.0, 220)):
        await viewer.do(Wheel(x=500, y=400, delta_y=delta, mode=mode))
        assert await viewer.page.evaluate(f"until(() => Math.round(scrollY) == {expected})")
    events = await viewer.seen("wheel")
    assert [round(event[2]) for event in events] == [120, 100, 600, -600]


async def test_two_fingers_begin_move_and_lift(viewer: Viewer) -> None:
    def fingers(*at: tuple[int, float, float]) -> list[TouchPoint]:
        return [TouchPoint(id=number, x=x, y=y) for number, x, y in at]

    await viewer.do(Touch(phase="start", points=fingers((5, 250, 150))))
    await viewer.do(Touch(phase="start", points=fingers((5, 250, 150), (9, 350, 150))))
    await viewer.do(Touch(phase="move", points=fingers((5, 260, 150), (9, 350, 150))))
    await viewer.do(Touch(phase="end", points=fingers((9, 350, 150))))
    await viewer.do(Touch(phase="end", points=[]))
    until = "log.filter(e => e[0] == 'touchend').length == 2"
    assert await viewer.seen("touchstart", "touchmove", "touchend", "touchcancel", until=until) == [
        ["touchstart", [[250, 150]]],
        ["touchstart", [[250, 150], [350, 150]]],
        ["touchmove", [[260, 150], [350, 150]]],
        ["touchend", [[350, 150]]],
        ["touchend", []],
    ]


async def test_letting_go_of_all_lifts_all_and_clicks_nothing(viewer: Viewer) -> None:
    await viewer.do(KeyDown(key="Shift", code="ShiftLeft", modifiers=8))
    await viewer.do(MouseDown(x=50, y=120, modifiers=8))
    await viewer.send(viewer.hands.release_all())
    until = "log.some(e => e[0] == 'keyup')"
    events = await viewer.seen("mousedown", "mouseup", "click", "keyup", until=until)
    assert [event[0] for event in events if event[0] != "click"] == ["mousedown", "mouseup", "keyup"]
    assert not [event for event in events if event[0] == "click" and event[1] == "button"]


async def test_letting_go_of_what_is_dragged_drops_it_nowhere(viewer: Viewer) -> None:
    await viewer.do(MouseDown(x=20, y=210))
    for y in range(220, 420, 20):
        await viewer.do(MouseMove(x=20, y=y))
    await viewer.send(viewer.hands.release_all())
    assert await viewer.seen("drop", "dragend", until="log.some(e => e[0] == 'dragend')") == [["dragend"]]
    await viewer.click(50, 120)
    assert [event[1] for event in await viewer.seen("click", until="log.some(e => e[0] == 'click')")] == ["button"]


async def test_letting_go_of_fingers_cancels_them(viewer: Viewer) -> None:
    await viewer.do(Touch(phase="start", points=[TouchPoint(id=1, x=250, y=150)]))
    await viewer.send(viewer.hands.release_all())
    until = "log.some(e => e[0] == 'touchcancel')"
    assert await viewer.seen("touchend", "touchcancel", until=until) == [["touchcancel", []]]


async def test_what_is_sent_without_waiting_arrives_in_order(viewer: Viewer) -> None:
    await viewer.fill("")
    text = "the quick brown fox jumps over the lazy dog"
    messages: list[InputMessage] = []
    for letter in text:
        messages += [KeyDown(key=letter, code=CODES[letter]), KeyUp(key=letter, code=CODES[letter])]
        messages.append(MouseMove(x=500, y=len(messages)))
    await viewer.do(*messages)
    assert await viewer.value() == text
