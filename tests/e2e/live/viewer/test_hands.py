"""What a person does on the picture arrives in order, as the protocol has it."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from cloche.testing.live_server import FakeLiveServer

from .conftest import PHONE, OpenViewer, box_of, control, next_frame, settled

pytestmark = pytest.mark.asyncio(loop_scope="module")

Json = dict[str, Any]
MOUSE = ("mousemove", "mousedown", "mouseup", "wheel")
KEYS = ("keydown", "keyup", "text", "compose", "paste")
CTRL, SHIFT = 2, 8


async def focus(page: Page) -> None:
    await page.evaluate("document.querySelector('cloche-live').focus()")


def did(live: FakeLiveServer, *types: str) -> list[Json]:
    return [message for message in live.of_type(*types) if message["type"] != "release_all"]


async def test_a_click_is_told_in_the_box_in_which_the_page_is_shown(
    live: FakeLiveServer, open_viewer: OpenViewer
) -> None:
    page = await open_viewer()
    box = await box_of(page)
    await page.mouse.click(box["x"] + 100, box["y"] + 50)
    await settled(live, page)
    down, up = did(live, "mousedown", "mouseup")
    for message in (down, up):
        assert (message["x"], message["y"], message["button"]) == (100, 50, "left")
        assert (message["width"], message["height"]) == (box["width"], box["height"])
    assert "clicks" not in down


@pytest.mark.parametrize("button", ["left", "middle", "right"])
async def test_every_button_is_one_of_its_own(live: FakeLiveServer, open_viewer: OpenViewer, button: Any) -> None:
    page = await open_viewer()
    box = await box_of(page)
    await page.mouse.move(box["x"] + 30, box["y"] + 30)
    await page.mouse.down(button=button)
    await page.mouse.up(button=button)
    await settled(live, page)
    assert [(each["type"], each["button"]) for each in did(live, "mousedown", "mouseup")] == [
        ("mousedown", button),
        ("mouseup", button),
    ]


async def test_a_second_button_while_one_is_held_is_told_too(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    box = await box_of(page)
    await page.mouse.move(box["x"] + 30, box["y"] + 30)
    for button in ("left", "right"):
        await page.mouse.down(button=button)  # type: ignore[arg-type]
    for button in ("left", "right"):
        await page.mouse.up(button=button)  # type: ignore[arg-type]
    await settled(live, page)
    told = [(each["type"], each["button"]) for each in did(live, "mousedown", "mouseup")]
    assert told == [("mousedown", "left"), ("mousedown", "right"), ("mouseup", "left"), ("mouseup", "right")]


async def test_a_drag_goes_on_outside_the_picture(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    box = await box_of(page)
    await page.mouse.move(box["x"] + 200, box["y"] + 20)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 200, box["y"] - 60, steps=4)
    await page.mouse.up()
    await settled(live, page)
    up = did(live, "mouseup")[-1]
    assert (up["x"], up["y"]) == (200, -60)
    kinds = [message["type"] for message in did(live, *MOUSE)]
    assert kinds.index("mousedown") < kinds.index("mouseup") and kinds[-1] == "mouseup"


async def test_moves_are_gathered_and_never_overtaken_by_a_press(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    await page.evaluate(
        """() => {
            const stage = document.querySelector("cloche-live").shadowRoot.querySelector(".stage");
            const { left, top } = stage.getBoundingClientRect();
            const at = (type, x, buttons) => stage.dispatchEvent(new PointerEvent(type, {
                clientX: left + x, clientY: top + 5, buttons, pointerId: 1, pointerType: "mouse", bubbles: true,
            }));
            for (let x = 0; x < 500; x++) at("pointermove", x, 0);
            at("pointerdown", 499, 1);
            at("pointerup", 499, 0);
        }"""
    )
    await settled(live, page)
    told = [(message["type"], message["x"]) for message in did(live, *MOUSE)]
    assert told == [("mousemove", 499), ("mousedown", 499), ("mouseup", 499)]


async def test_the_wheel_tells_deltas_mode_and_modifiers(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    box = await box_of(page)
    await page.mouse.move(box["x"] + 10, box["y"] + 10)
    await page.keyboard.down("Control")
    await page.mouse.wheel(3, 120)
    wheel = await live.heard("wheel")
    assert (wheel["delta_x"], wheel["delta_y"], wheel["mode"], wheel["modifiers"]) == (3, 120, 0, CTRL)
    assert await page.evaluate("visualViewport.scale") == 1
    await page.keyboard.up("Control")


async def test_keys_are_told_with_code_and_modifiers(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    await focus(page)
    await page.keyboard.press("a")
    await page.keyboard.press("Shift+B")
    await page.keyboard.press("Control+a")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await settled(live, page)
    downs = [(each["key"], each["code"], each["modifiers"]) for each in did(live, "keydown")]
    assert downs == [
        ("a", "KeyA", 0), ("Shift", "ShiftLeft", SHIFT), ("B", "KeyB", SHIFT), ("Control", "ControlLeft", CTRL),
        ("a", "KeyA", CTRL), ("Enter", "Enter", 0), ("Tab", "Tab", 0),
    ]  # fmt: skip
    assert sorted(each["code"] for each in did(live, "keyup")) == sorted(code for _, code, _ in downs)
    assert await page.evaluate("document.querySelector('cloche-live').shadowRoot.activeElement.value") == ""


async def test_a_held_key_is_repeated_and_let_go_when_the_window_is_left(
    live: FakeLiveServer, open_viewer: OpenViewer
) -> None:
    page = await open_viewer()
    await focus(page)
    await page.keyboard.down("ArrowDown")
    await page.keyboard.down("ArrowDown")
    await page.evaluate("dispatchEvent(new Event('blur'))")
    await settled(live, page)
    told = [(each["type"], each.get("repeat")) for each in live.of_type("keydown", "keyup", "release_all")]
    assert told == [("keydown", False), ("keydown", True), ("release_all", None)]


async def test_an_input_method_composes_and_then_gives_its_text(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    await focus(page)
    devtools = await page.context.new_cdp_session(page)
    for text in ("に", "にほ"):
        await devtools.send(
            "Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)}
        )
    await devtools.send("Input.insertText", {"text": "日本"})
    await settled(live, page)
    told = [(each["type"], each["text"]) for each in did(live, *KEYS)]
    assert told == [("compose", "に"), ("compose", "にほ"), ("text", "日本")] or told == [
        ("compose", "に"),
        ("compose", "にほ"),
        ("compose", "日本"),
        ("text", "日本"),
    ]


async def test_text_that_comes_without_keys_is_passed_on(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    await focus(page)
    await page.keyboard.insert_text("é😀")
    await settled(live, page)
    assert [each["text"] for each in did(live, "text")] == ["é😀"]


async def test_shift_and_escape_lead_out_of_the_picture(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    await focus(page)
    await page.keyboard.press("Shift+Escape")
    await expect(page.get_by_label("Address")).to_be_focused()
    assert "Escape" not in [each["key"] for each in did(live, "keydown")]


async def test_tab_leads_past_a_picture_in_which_one_may_not_act(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer(right="view")
    await focus(page)
    await expect(page.locator(".field")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await expect(page.get_by_role("toolbar").locator(":focus")).to_have_count(1)
    await page.keyboard.press("Tab")
    await expect(page.locator(".field")).to_be_focused()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("F5", {"type": "reload", "ignore_cache": False}),
        ("Control+Shift+r", {"type": "reload", "ignore_cache": True}),
        ("Alt+ArrowLeft", {"type": "back"}),
        ("Alt+ArrowRight", {"type": "forward"}),
    ],
)
async def test_keys_of_a_browser_do_in_the_session_what_they_do_here(
    live: FakeLiveServer, open_viewer: OpenViewer, keys: str, message: Json
) -> None:
    page = await open_viewer()
    await focus(page)
    await page.keyboard.press(keys)
    assert await live.heard(message["type"]) == message


async def test_paste_brings_the_text_of_this_machine_and_copy_takes_that_of_the_session(
    live: FakeLiveServer, open_viewer: OpenViewer
) -> None:
    page = await open_viewer()
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.evaluate("navigator.clipboard.writeText('from here')")
    await focus(page)
    await page.keyboard.press("Control+v")
    assert (await live.heard("paste"))["text"] == "from here"
    assert "v" not in [each["key"] for each in did(live, "keydown")]
    await page.keyboard.press("Control+c")
    await live.heard(lambda message: message["type"] == "keydown" and message["key"] == "c")
    await live.say(type="clipboard", text="from there")
    await page.wait_for_function("async () => await navigator.clipboard.readText() === 'from there'")


async def test_without_a_clipboard_the_text_is_offered(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer(before="Object.defineProperty(navigator, 'clipboard', { value: undefined });")
    await live.say(type="clipboard", text="from there")
    await page.get_by_role("button", name="Copy it here").click()
    await page.get_by_role("button", name="Clipboard").click()
    await expect(page.get_by_label("Text from the session")).to_have_value("from there")
    await page.get_by_label("Text for the session").fill("by hand")
    await page.get_by_role("button", name="Paste into the session").click()
    assert (await live.heard("paste"))["text"] == "by hand"


async def test_a_closed_clipboard_is_not_read(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    live.hello["clipboard"] = live.state["clipboard"] = "off"
    page = await open_viewer()
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.evaluate("navigator.clipboard.writeText('secret')")
    await focus(page)
    await page.keyboard.press("Control+v")
    assert (await live.heard(lambda message: message.get("key") == "v"))["modifiers"] == CTRL
    assert not live.of_type("paste")


async def test_fingers_are_told_as_touches(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer(**PHONE)
    box = await box_of(page)
    devtools = await page.context.new_cdp_session(page)
    for kind, points in (
        ("touchStart", [{"x": box["x"] + 40, "y": box["y"] + 50, "id": 1}]),
        ("touchMove", [{"x": box["x"] + 40, "y": box["y"] + 90, "id": 1}]),
        ("touchEnd", []),
    ):
        await devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        await next_frame(page)
    await settled(live, page)
    told = [(each["phase"], [(point["x"], point["y"]) for point in each["points"]]) for each in live.of_type("touch")]
    assert told == [("start", [(40, 50)]), ("move", [(40, 90)]), ("end", [])]
    assert not live.of_type("mousedown")


async def test_fingers_can_move_a_mouse_instead(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer(**PHONE)
    await page.get_by_role("button", name="More").click()
    await page.get_by_role("button", name="Fingers move a mouse").click()
    box = await box_of(page)
    await page.touchscreen.tap(box["x"] + 20, box["y"] + 20)
    await settled(live, page)
    down, up = did(live, "mousedown", "mouseup")
    assert (down["type"], down["button"], up["type"]) == ("mousedown", "left", "mouseup")
    assert (down["x"], down["y"]) == (pytest.approx(box["width"] / 2, abs=1), pytest.approx(box["height"] / 2, abs=1))
    assert not live.of_type("touch")


async def test_a_phones_keyboard_is_shown_only_for_fields_of_text(
    live: FakeLiveServer, open_viewer: OpenViewer
) -> None:
    page = await open_viewer(**PHONE)
    field = page.locator(".field")
    box = await box_of(page)
    await page.touchscreen.tap(box["x"] + 20, box["y"] + 20)
    await expect(field).to_have_attribute("inputmode", "none")
    await live.change(editing=True)
    await expect(field).to_have_attribute("inputmode", "text")
    await live.change(editing=False)
    await expect(field).to_have_attribute("inputmode", "none")


async def test_a_phones_keyboard_deletes_and_breaks_lines(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    page = await open_viewer()
    await focus(page)
    for kind in ("deleteContentBackward", "insertLineBreak"):
        await page.evaluate(
            """(inputType) => document.querySelector("cloche-live").shadowRoot.activeElement.dispatchEvent(
                new InputEvent("beforeinput", { inputType, cancelable: true, bubbles: true }))""",
            kind,
        )
    await settled(live, page)
    assert [(each["type"], each["key"]) for each in did(live, "keydown", "keyup")] == [
        ("keydown", "Backspace"), ("keyup", "Backspace"), ("keydown", "Enter"), ("keyup", "Enter"),
    ]  # fmt: skip


async def test_input_goes_over_the_data_channel_where_there_is_one(
    live: FakeLiveServer, open_viewer: OpenViewer
) -> None:
    page = await open_viewer("&transport=webrtc")
    box = await box_of(page)
    await page.mouse.click(box["x"] + 10, box["y"] + 10)
    assert (await live.heard("mousedown"))["over"] == "data channel"


async def test_whoever_may_not_act_sends_nothing(live: FakeLiveServer, open_viewer: OpenViewer) -> None:
    for right, state in (("view", "free"), ("control", "agent"), ("control", "taken")):
        live.state["control"] = control(state, holder="v9")
        page = await open_viewer(right=right)
        box = await box_of(page)
        await page.mouse.click(box["x"] + 10, box["y"] + 10)
        await page.mouse.wheel(0, 100)
        await focus(page)
        await page.keyboard.press("a")
        await next_frame(page)
        await settled(live, page)
    assert not live.of_type(*MOUSE, *KEYS, "touch", "release_all")


@pytest.mark.parametrize(
    ("told", "shown"), [("pointer", "pointer"), ("url(https://evil.test/x), auto", "default"), (7, "default")]
)
async def test_the_cursor_is_a_keyword_and_never_an_address(
    live: FakeLiveServer, open_viewer: OpenViewer, told: object, shown: str
) -> None:
    live.state["cursor"] = told
    page = await open_viewer()
    assert await page.locator(".stage").evaluate("(stage) => getComputedStyle(stage).cursor") == shown
