import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.key_table import CHARACTERS, NAMES
from cloche.browser.keyboard import Chord, InsertText, KeyEvent, events_of, events_of_text, parse_chord
from cloche.browser.tab import Tab


def short(event: KeyEvent) -> tuple[object, ...]:
    return event["type"], event["key"], event["code"], event["modifiers"], event.get("text", "")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Enter", "Enter"),
        ("RETURN", "Enter"),
        ("esc", "Escape"),
        ("Del", "Delete"),
        ("up", "ArrowUp"),
        ("arrowLeft", "ArrowLeft"),
        ("f24", "F24"),
        (" ", "Space"),
        ("space", "Space"),
        ("Control+ ", "Control+Space"),
        ("+", "Shift++"),
        ("Control++", "Control+Shift++"),
        ("ctrl+plus", "Control+Shift++"),
        ("a", "a"),
        ("A", "Shift+A"),
        ("Ctrl+A", "Control+a"),
        ("Ctrl + a", "Control+a"),
        ("Shift+Control+k", "Control+Shift+K"),
        ("Control+Shift+K", "Control+Shift+K"),
        ("ControlOrMeta+KeyC", "Control+c"),
        ("Cmd+Option+i", "Alt+Meta+i"),
        ("Win+Super", None),
        ("shift+digit1", "Shift+!"),
        ("?", "Shift+?"),
        ("Numpad5", "Numpad5"),
        ("NumpadEnter", "NumpadEnter"),
        ("Shift", "Shift"),
        ("Control+Shift", "Control+Shift"),
        ("ShiftRight", "ShiftRight"),
        ("ß", "ß"),
        ("Alt+你", "Alt+你"),
        ("\n", "Enter"),
    ],
)
def test_a_chord_is_read_as_people_write_it(text: str, name: str | None) -> None:
    if name is None:
        with pytest.raises(ActionError, match="twice"):
            parse_chord(text)
    else:
        assert parse_chord(text).name == name


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            "++",
            "a+",
            "+a",
            "Ctrl+",
            "Ctrl+Ctrl+a",
            "Shift+Shift",
            "Hyper+a",
            "a+b",
            "Entr",
            "F25",
            "F0",
            "👨‍👩‍👧",
            "ab",
        ],
        *["\x00", "\x1b", "\x7f", "\ud800", "Control+\x01", "Control+Shift+", "a" * 257, "Enter+a", "KeyÄ"],
    ],
)
def test_a_key_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ActionError) as refusal:
        parse_chord(text)
    assert refusal.value.code is Failure.INVALID_KEY
    assert refusal.value.detail.isprintable()


def test_a_shortcut_presses_the_modifiers_first_and_types_nothing() -> None:
    assert [short(event) for event in events_of(parse_chord("Control+Shift+K"))] == [
        ("rawKeyDown", "Control", "ControlLeft", 2, ""),
        ("rawKeyDown", "Shift", "ShiftLeft", 10, ""),
        ("rawKeyDown", "K", "KeyK", 10, ""),
        ("keyUp", "K", "KeyK", 10, ""),
        ("keyUp", "Shift", "ShiftLeft", 2, ""),
        ("keyUp", "Control", "ControlLeft", 0, ""),
    ]


def test_shift_alone_still_types() -> None:
    assert short(events_of(parse_chord("Shift+a"))[1]) == ("keyDown", "A", "KeyA", 8, "A")
    assert short(events_of(parse_chord("Shift+Enter"))[1]) == ("keyDown", "Enter", "Enter", 8, "\r")


def test_a_plain_key_has_all_that_chromium_wants() -> None:
    assert events_of(parse_chord("NumpadEnter")) == [
        {
            "type": "keyDown",
            "modifiers": 0,
            "key": "Enter",
            "code": "NumpadEnter",
            "windowsVirtualKeyCode": 13,
            "location": 3,
            "isKeypad": True,
            "text": "\r",
            "unmodifiedText": "\r",
        },
        {
            "type": "keyUp",
            "modifiers": 0,
            "key": "Enter",
            "code": "NumpadEnter",
            "windowsVirtualKeyCode": 13,
            "location": 3,
            "isKeypad": True,
        },
    ]


def test_a_modifier_pressed_alone_has_its_bit_only_while_it_is_down() -> None:
    assert [short(event) for event in events_of(parse_chord("Alt"))] == [
        ("rawKeyDown", "Alt", "AltLeft", 1, ""),
        ("keyUp", "Alt", "AltLeft", 0, ""),
    ]


def test_every_printable_ascii_character_is_typed_by_a_key() -> None:
    characters = "".join(map(chr, range(32, 127)))
    assert all(isinstance(event, dict) for events in events_of_text(characters) for event in events)
    assert len({(key.code, key.needs_shift) for key in map(CHARACTERS.__getitem__, characters)}) == 95


def test_what_no_key_types_is_inserted() -> None:
    assert events_of_text("ß你") == [[InsertText("ß")], [InsertText("你")]]


def test_line_ends_are_one_enter_each_and_tabs_the_tab_key() -> None:
    keys = [events[0]["key"] for events in events_of_text("\r\n\n\r\t") if isinstance(events[0], dict)]
    assert keys == ["Enter", "Enter", "Enter", "Tab"]


def balanced(chord: Chord) -> bool:
    events = events_of(chord)
    half = len(events) // 2
    downs, ups = events[:half], events[half:]
    return (
        all(event["type"] in ("keyDown", "rawKeyDown") for event in downs)
        and all(event["type"] == "keyUp" for event in ups)
        and [event["code"] for event in downs] == [event["code"] for event in reversed(ups)]
        and max(Counter((event["code"], event["key"]) for event in downs).values()) == 1
        and ups[-1]["modifiers"] == 0
    )


chords = st.lists(st.sampled_from(["Ctrl", "Shift", "alt", "Meta", "Cmd", "+", "a", "Z", "é", "F5", " "]), max_size=4)


@given(st.text(max_size=12) | chords.map("+".join) | st.sampled_from(sorted(NAMES)))
def test_a_chord_is_refused_or_goes_down_and_up_again(text: str) -> None:
    try:
        chord = parse_chord(text)
    except ActionError as error:
        assert error.code is Failure.INVALID_KEY
        return
    assert balanced(chord)
    assert parse_chord(chord.name) == chord


def typed(events: list[KeyEvent | InsertText]) -> str:
    match events[0]:
        case InsertText(text):
            return text
        case {"key": "Tab"}:
            return "\t"
    return "".join(str(event.get("text", "")) for event in events if isinstance(event, dict))


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.text("aZ!\r\n\t é", max_size=20))
def test_typed_text_is_the_text(text: str) -> None:
    assert "".join(map(typed, events_of_text(text))) == text.replace("\r\n", "\r").replace("\n", "\r")


FIELD = """
(() => {
  document.body.innerHTML = '<textarea id=field></textarea><input id=other>';
  const field = document.getElementById('field');
  globalThis.seen = [];
  field.addEventListener('keydown', e => seen.push([e.key, e.code, e.keyCode, e.location, e.shiftKey, e.ctrlKey]));
  field.focus();
})()
"""


async def evaluate(tab: Tab, expression: str) -> object:
    params = {"expression": expression, "returnByValue": True}
    answer = await tab.session.call("Runtime.evaluate", params, deadline=asyncio.get_running_loop().time() + 5)
    return answer["result"].get("value")


async def dispatch(tab: Tab, events: list[KeyEvent | InsertText]) -> None:
    for event in events:
        method, params = (
            ("Input.insertText", {"text": event.text})
            if isinstance(event, InsertText)
            else ("Input.dispatchKeyEvent", event)
        )
        await tab.session.call(method, params, deadline=asyncio.get_running_loop().time() + 5)


async def press(tab: Tab, *chords: str) -> None:
    for chord in chords:
        await dispatch(tab, [*events_of(parse_chord(chord))])


async def test_chromium_takes_typed_text_and_shortcuts_as_from_a_keyboard(tab: Tab) -> None:
    await evaluate(tab, FIELD)
    for events in events_of_text("aB! é\n你"):
        await dispatch(tab, events)
    assert await evaluate(tab, "field.value") == "aB! é\n你"
    assert await evaluate(tab, "seen.slice(0, 3)") == [
        ["a", "KeyA", 65, 0, False, False],
        ["Shift", "ShiftLeft", 16, 1, True, False],
        ["B", "KeyB", 66, 0, True, False],
    ]
    await press(tab, "Control+A", "Control+X")
    assert await evaluate(tab, "field.value") == ""
    await press(tab, "Control+V", "Numpad5", "Shift+Home", "Delete")
    assert await evaluate(tab, "field.value") == "aB! é\n"
    await press(tab, "Control+Z")
    assert await evaluate(tab, "field.value") == "aB! é\n你5"
    await press(tab, "Tab")
    assert await evaluate(tab, "document.activeElement.id") == "other"
