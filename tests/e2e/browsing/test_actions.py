"""Actions reach the page as a person's do: each case asks the page what it saw."""

import pytest

from .hands import SOON_MS, Hands

# --- click -----------------------------------------------------------------------------------------------------------

CLICKS = {
    "css": ("#plain", "plain"),
    "text": ("text=Plain", "plain"),
    "exact text": ('"Plain"', "plain"),
    "role and name": ('role=button[name="Close the window"]', "named"),
    "quotes in a name": (r'role=button[name="Say \"hi\" & it\'s done"]', "quoted"),
    "xpath": ("xpath=//button[@id='plain']", "plain"),
    "bare xpath": ("//button[starts-with(@id, 'named')]", "named"),
    "the second of two": (".same >> nth=1", "same2"),
    "an element within": ("#nested", "inner"),
    "a chain": ("#nested >> i", "inner"),
    "transformed": ("#turned", "turned"),
    "in pieces of a line": ("#link", "link"),
}


@pytest.mark.parametrize(("selector", "hit"), CLICKS.values(), ids=CLICKS)
async def test_a_click_is_a_press_and_a_release_on_the_element(hands: Hands, selector: str, hit: str) -> None:
    await hands.goto("buttons.html")
    answer = await hands.do("Click", selector=selector)
    seen = await hands.log("pointerdown", "mousedown", "pointerup", "mouseup", "click")
    assert [one["type"] for one in seen] == ["pointerdown", "mousedown", "pointerup", "mouseup", "click"]
    assert {one["id"] for one in seen} == {hit}
    assert all(one["trusted"] for one in seen)
    assert [one["buttons"] for one in seen] == [1, 1, 0, 0, 0]
    assert [one["detail"] for one in seen if one["type"] != "pointerdown" and one["type"] != "pointerup"] == [1, 1, 1]
    assert (answer["x"], answer["y"]) == pytest.approx((seen[-1]["clientX"], seen[-1]["clientY"]), abs=1)
    assert answer["matches"] >= 1
    assert answer["action_log"]["success"]


async def test_a_double_click_counts(hands: Hands) -> None:
    await hands.goto("buttons.html")
    await hands.do("Click", selector="#plain", click_count=2)
    seen = await hands.log("mousedown", "click", "dblclick")
    assert [(one["type"], one["detail"]) for one in seen] == [
        ("mousedown", 1), ("click", 1), ("mousedown", 2), ("click", 2), ("dblclick", 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("button", "number", "held", "event"), [("right", 2, 2, "contextmenu"), ("middle", 1, 4, "auxclick")]
)
async def test_other_buttons_are_theirs(hands: Hands, button: str, number: int, held: int, event: str) -> None:
    await hands.goto("buttons.html")
    await hands.do("Click", selector="#plain", button=button)
    (down,) = await hands.log("mousedown")
    assert (down["button"], down["buttons"]) == (number, held)
    assert [one["button"] for one in await hands.log(event)] == [number]
    assert not await hands.log("click")


async def test_modifiers_are_held_during_a_click_and_let_go_after(hands: Hands) -> None:
    await hands.goto("buttons.html")
    await hands.do("Click", selector="#plain", modifiers=["Shift", "Alt"])
    assert [one["held"] for one in await hands.log("click")] == ["Alt+Shift"]
    await hands.do("Click", selector="#named")
    assert [one["held"] for one in await hands.log("click")][1:] == [""]


async def test_a_position_is_counted_from_the_corner_of_the_element(hands: Hands) -> None:
    await hands.goto("buttons.html")
    await hands.do("Click", selector="#corner", position_x=10, position_y=90)
    box = await hands.js("(({left, top}) => [left, top])(corner.getBoundingClientRect())")
    (click,) = await hands.log("click")
    assert (click["clientX"] - box[0], click["clientY"] - box[1]) == (
        pytest.approx(10, abs=1),
        pytest.approx(90, abs=1),
    )


async def test_without_a_selector_the_viewport_is_clicked(hands: Hands) -> None:
    await hands.goto("canvas.html")
    await hands.do("Click", position_x=150, position_y=120)
    assert await hands.js("clicks") == [[100, 70, True]]


async def test_a_canvas_is_clicked_where_it_was_said_also_when_scrolled_to(hands: Hands) -> None:
    await hands.goto("canvas.html")
    await hands.js("canvas.style.marginTop = '3000px'")
    await hands.do("Click", selector="#canvas", position_x=7, position_y=290)
    assert await hands.js("clicks") == [[7, 290, True]]


async def test_a_click_on_a_label_checks_its_box(hands: Hands) -> None:
    await hands.goto("forms.html")
    await hands.do("Click", selector="label=I agree")
    assert await hands.js("agree.checked") is True


async def test_a_click_scrolls_to_what_is_far_away(hands: Hands) -> None:
    await hands.goto("waiting.html")
    await hands.do("Click", selector="#far")
    await hands.do("Click", selector="#deep")
    assert [one["id"] for one in await hands.log("click")] == ["far", "deep"]


@pytest.mark.parametrize("target", ["uncovered", "enabled", "shown", "late", "settling"])
async def test_an_action_waits_until_its_element_is_ready(hands: Hands, target: str) -> None:
    await hands.goto("waiting.html")
    await hands.do("Click", selector="#start")
    await hands.do("Click", selector=f"#{target}")
    assert [one["id"] for one in await hands.log("click")] == ["start", target]


NOT_READY = {
    "covered": "covered",
    "moving": "not_stable",
    "disabled": "not_enabled",
    "aria": "not_enabled",
    "hidden": "not_visible",
    "unseen": "not_visible",
    "zero": "not_visible",
    "outside": "outside_viewport",
    "nowhere": "selector_not_found",
}


@pytest.mark.promise("a-failed-action-says-so")
@pytest.mark.parametrize(("target", "code"), NOT_READY.items())
async def test_what_never_gets_ready_is_not_clicked_and_says_why(hands: Hands, target: str, code: str) -> None:
    await hands.goto("waiting.html")
    answer = await hands.fail("Click", selector=f"#{target}", timeout_ms=SOON_MS)
    assert answer["error"] == code
    assert answer["action_log"]["outcome"] == code
    assert not await hands.log("click")


async def test_the_detail_of_a_covered_element_names_what_covers_it(hands: Hands) -> None:
    await hands.goto("waiting.html")
    assert "cover" in (await hands.fail("Click", selector="#covered", timeout_ms=SOON_MS))["detail"]


async def test_a_failure_brings_its_picture_when_asked(hands: Hands) -> None:
    await hands.goto("waiting.html")
    answer = await hands.fail("Click", selector="#hidden", timeout_ms=SOON_MS, capture_failure_screenshot=True)
    assert answer["failure_screenshot_bytes"].startswith((b"\x89PNG", b"\xff\xd8", b"RIFF"))
    assert answer["failure_screenshot_mime_type"].startswith("image/")


async def test_force_asks_nothing(hands: Hands) -> None:
    await hands.goto("waiting.html")
    await hands.do("Click", selector="#covered", force=True)
    assert await hands.log("click") != []


async def test_an_element_that_pointers_pass_through_is_not_hit(hands: Hands) -> None:
    await hands.goto("waiting.html")
    assert await hands.failure("Click", selector="#through", timeout_ms=SOON_MS) == "covered"


async def test_strict_refuses_a_choice_that_otherwise_the_first_visible_wins(hands: Hands) -> None:
    await hands.goto("buttons.html")
    assert await hands.failure("Click", selector=".same", strict=True, timeout_ms=SOON_MS) == "selector_ambiguous"
    await hands.js("same1.style.display = 'none'")
    assert (await hands.do("Click", selector=".same"))["matches"] == 2
    assert [one["id"] for one in await hands.log("click")] == ["same2"]


async def test_a_click_tells_that_it_led_to_another_page(hands: Hands) -> None:
    await hands.goto("history.html")
    effects = (await hands.do("Click", selector="#next"))["effects"]
    assert effects["navigated"]
    assert effects["navigated_url"] == hands.url("empty.html")


# --- type, press, select ---------------------------------------------------------------------------------------------


async def test_typing_is_one_key_after_another(hands: Hands) -> None:
    await hands.goto("forms.html")
    answer = await hands.do("Type", selector="#name", text="aB 1!")
    assert answer["typed_bytes"] == 5
    assert await hands.js("document.getElementById('name').value") == "aB 1!"
    downs = await hands.log("keydown")
    letters = [one for one in downs if one["key"] != "Shift"]
    assert [one["key"] for one in letters] == ["a", "B", " ", "1", "!"]
    assert [one["code"] for one in letters] == ["KeyA", "KeyB", "Space", "Digit1", "Digit1"]
    assert [one["keyCode"] for one in letters] == [65, 66, 32, 49, 49]
    assert all(one["trusted"] for one in downs)
    assert len(await hands.log("input")) == 5


async def test_what_no_key_has_is_put_in_as_text(hands: Hands) -> None:
    await hands.goto("forms.html")
    text = "日本 é ß 👩‍🚀"
    assert (await hands.do("Type", selector="#name", text=text))["typed_bytes"] == len(text.encode())
    assert await hands.js("document.getElementById('name').value") == text


async def test_typing_adds_unless_it_clears_and_fills_at_once(hands: Hands) -> None:
    await hands.goto("forms.html")
    value = "document.getElementById('name').value"
    await hands.do("Type", selector="#name", text="one")
    await hands.do("Type", selector="#name", text="two")
    assert await hands.js(value) == "onetwo"
    await hands.do("Type", selector="#name", text="three", clear_existing=True)
    assert await hands.js(value) == "three"
    await hands.js("void log.splice(0)")
    await hands.do("Type", selector="#name", text="filled", fill=True)
    assert await hands.js(value) == "filled"
    assert len(await hands.log("input")) == 1


@pytest.mark.parametrize(
    ("selector", "text"),
    [("#mail", "ada@site.test"), ("#age", "36"), ("#born", "1815-12-10"), ("#volume", "7"), ("#paint", "#a1b2c3")],
)
async def test_fields_of_every_kind_are_filled(hands: Hands, selector: str, text: str) -> None:
    await hands.goto("forms.html")
    await hands.do("Type", selector=selector, text=text, fill=True)
    assert await hands.js(f"document.querySelector('{selector}').value") == text
    assert await hands.log("input")


async def test_a_field_is_found_by_its_label_placeholder_or_test_id(hands: Hands) -> None:
    await hands.goto("forms.html")
    for selector, wanted in [("label=Story", "story"), ("placeholder=Ada Lovelace", "name"), ("testid=mail", "mail")]:
        await hands.do("Type", selector=selector, text="x")
        assert await hands.js("document.activeElement.id") == wanted


async def test_lines_of_text_go_into_a_textarea_and_a_length_is_kept(hands: Hands) -> None:
    await hands.goto("forms.html")
    await hands.do("Type", selector="#story", text="one\ntwo")
    assert await hands.js("story.value") == "one\ntwo"
    await hands.do("Type", selector="#short", text="1234567")
    assert await hands.js("short.value") == "12345"


async def test_submit_sends_the_form(hands: Hands) -> None:
    await hands.goto("forms.html")
    answer = await hands.do("Type", selector="#name", text="Ada", submit=True)
    assert answer["effects"]["navigated"]
    (sent,) = hands.web.requests("site.test", "/echo")
    assert sent.method == "POST"


async def test_without_a_selector_what_has_the_focus_is_typed_into(hands: Hands) -> None:
    await hands.goto("editor.html")
    await hands.do("Click", selector="#own")
    await hands.do("Type", text="hello")
    assert await hands.js("typed") == "hello"


async def test_an_editor_takes_text_keys_and_chords(hands: Hands) -> None:
    await hands.goto("editor.html")
    await hands.do("Type", selector="#editor", text="all new", clear_existing=True)
    assert await hands.js("editor.innerText.trim()") == "all new"
    await hands.do("Press", selector="#editor", key="Control+a")
    await hands.do("Press", key="Delete")
    assert await hands.js("editor.innerText.trim()") == ""
    await hands.do("Type", selector="#plain", text="plain only")
    assert await hands.js("document.getElementById('plain').innerText") == "plain only"


@pytest.mark.parametrize(
    ("selector", "code"),
    [("#fixed", "not_editable"), ("#off", "not_enabled"), ("#no-field", "not_editable"), ("#no", "selector_not_found")],
)
async def test_what_cannot_be_typed_into_says_why(hands: Hands, selector: str, code: str) -> None:
    await hands.goto("forms.html")
    assert await hands.failure("Type", selector=selector, text="x", timeout_ms=SOON_MS) == code


CHORDS = {
    "Enter": ("Enter", "Enter", 13, ""),
    "Tab": ("Tab", "Tab", 9, ""),
    "ArrowLeft": ("ArrowLeft", "ArrowLeft", 37, ""),
    "F5": ("F5", "F5", 116, ""),
    "a": ("a", "KeyA", 65, ""),
    "A": ("A", "KeyA", 65, "Shift"),
    "ß": ("ß", "", 0, ""),
    "+": ("+", "Equal", 187, "Shift"),
    "Control+Shift+K": ("K", "KeyK", 75, "Control+Shift"),
    "Ctrl+a": ("a", "KeyA", 65, "Control"),
    "Alt+ArrowUp": ("ArrowUp", "ArrowUp", 38, "Alt"),
}


@pytest.mark.parametrize(("chord", "seen"), CHORDS.items(), ids=CHORDS)
async def test_a_chord_is_what_a_keyboard_would_send(hands: Hands, chord: str, seen: tuple[str, str, int, str]) -> None:
    await hands.goto("forms.html")
    await hands.js("addEventListener('keydown', (event) => event.preventDefault())")
    assert (await hands.do("Press", selector="#name", key=chord))["key"]
    down = (await hands.log("keydown"))[-1]
    key, code, number, held = seen
    assert (down["key"], down["held"], down["trusted"]) == (key, held, True)
    if code:
        assert (down["code"], down["keyCode"]) == (code, number)
    ups = await hands.log("keyup")
    assert len(ups) == len(await hands.log("keydown")), "a key is still held"


async def test_keys_edit_as_they_do(hands: Hands) -> None:
    await hands.goto("forms.html")
    await hands.do("Type", selector="#name", text="abcd")
    for key in ("Home", "Delete", "End", "Backspace", "Shift+ArrowLeft"):
        await hands.do("Press", key=key)
    assert await hands.js("document.getElementById('name').value") == "bc"
    assert await hands.js("getSelection().toString()") == "c"


SELECTIONS = {
    "value": ("#colour", {"value": "b"}, ["b"]),
    "label": ("#colour", {"label": "Blue"}, ["b"]),
    "index": ("#colour", {"index": 0}, ["r"]),
    "several": ("#fruits", {"values": ["plum", "pear"]}, ["plum", "pear"]),
}


@pytest.mark.parametrize(("selector", "choice", "values"), SELECTIONS.values(), ids=SELECTIONS)
async def test_options_are_chosen(hands: Hands, selector: str, choice: dict[str, object], values: list[str]) -> None:
    await hands.goto("forms.html")
    answer = await hands.do("Select", selector=selector, **choice)
    assert answer["selected_values"] == values
    assert await hands.js(f"[...document.querySelector('{selector}').selectedOptions].map((o) => o.value)") == values
    assert [one["type"] for one in await hands.log("input", "change")] == ["input", "change"]


@pytest.mark.parametrize(
    ("selector", "choice", "code"),
    [
        ("#colour", {"value": "purple"}, "value_not_found"),
        ("#colour", {"index": 99}, "value_not_found"),
        ("#name", {"value": "r"}, "not_a_select"),
        ("#none", {"value": "r"}, "selector_not_found"),
    ],
)
async def test_a_choice_that_is_none_says_why(
    hands: Hands, selector: str, choice: dict[str, object], code: str
) -> None:
    await hands.goto("forms.html")
    assert await hands.failure("Select", selector=selector, timeout_ms=SOON_MS, **choice) == code
    assert await hands.js("colour.value") == "g"


async def test_a_select_made_of_other_elements_is_used_by_mouse_and_by_keys(hands: Hands) -> None:
    await hands.goto("combobox.html")
    await hands.do("Click", selector="role=combobox")
    await hands.do("Click", selector='role=option[name="Cairo"]')
    assert (await hands.do("GetTitle"))["title"] == "chose Cairo"
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        await hands.do("Press", selector="role=combobox", key=key)
    assert (await hands.do("GetTitle"))["title"] == "chose Berlin"
