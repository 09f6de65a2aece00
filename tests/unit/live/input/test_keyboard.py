"""Keys down and up, and what Chromium is told of them."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from cloche.browser.key_table import NAMES
from cloche.live.input.commands import Command, Role, Step, TellSelection
from cloche.live.input.key_facts import ALT, CTRL, META, SHIFT
from cloche.live.input.keyboard import MAX_HELD, Keyboard
from cloche.live.messages import KeyDown, KeyUp


def keyboard() -> Keyboard:
    return Keyboard(itertools.count(1).__next__, {key.code: key.virtual_key for key in NAMES.values()})


def down(hands: Keyboard, key: str, code: str = "", modifiers: int = 0, *, repeat: bool = False) -> list[Step]:
    return hands.press(KeyDown(key=key, code=code, modifiers=modifiers, repeat=repeat))


def up(hands: Keyboard, key: str, code: str = "", modifiers: int = 0) -> list[Command]:
    return hands.release(KeyUp(key=key, code=code, modifiers=modifiers))


def params(steps: Sequence[Step]) -> list[dict[str, Any]]:
    return [dict(step.params) for step in steps if isinstance(step, Command)]


def told(steps: Sequence[Step]) -> list[tuple[str, str, int]]:
    return [(p["type"], p["key"], p["modifiers"]) for p in params(steps) if "type" in p]


def test_a_letter_is_a_key_that_types() -> None:
    assert params(down(keyboard(), "a", "KeyA")) == [
        {
            "type": "keyDown",
            "modifiers": 0,
            "key": "a",
            "code": "KeyA",
            "windowsVirtualKeyCode": 65,
            "location": 0,
            "isKeypad": False,
            "autoRepeat": False,
            "text": "a",
            "unmodifiedText": "a",
        }
    ]


def test_a_named_key_types_nothing() -> None:
    (event,) = params(down(keyboard(), "Backspace", "Backspace"))
    assert (event["type"], event["windowsVirtualKeyCode"]) == ("rawKeyDown", 8)
    assert "text" not in event


def test_enter_types_a_carriage_return() -> None:
    (event,) = params(down(keyboard(), "Enter", "Enter"))
    assert (event["type"], event["text"]) == ("keyDown", "\r")


def test_keys_of_the_keypad_say_so() -> None:
    (event,) = params(down(keyboard(), "5", "Numpad5"))
    assert (event["location"], event["isKeypad"], event["windowsVirtualKeyCode"]) == (3, True, 101)


def test_a_dead_key_only_goes_down_and_up() -> None:
    hands = keyboard()
    assert told([*down(hands, "Dead", "BracketLeft"), *up(hands, "Dead", "BracketLeft")]) == [
        ("rawKeyDown", "Dead", 0),
        ("keyUp", "Dead", 0),
    ]


def test_a_modifier_has_its_bit_going_down_and_not_going_up() -> None:
    hands = keyboard()
    assert told(down(hands, "Shift", "ShiftLeft")) == [("rawKeyDown", "Shift", SHIFT)]
    assert told(down(hands, "A", "KeyA")) == [("keyDown", "A", SHIFT)]
    assert told(up(hands, "A", "KeyA")) == [("keyUp", "A", SHIFT)]
    assert told(up(hands, "Shift", "ShiftLeft", SHIFT)) == [("keyUp", "Shift", 0)]


def test_a_modifier_that_is_told_but_not_held_counts() -> None:
    assert told(down(keyboard(), "K", "KeyK", CTRL | SHIFT)) == [("rawKeyDown", "K", CTRL | SHIFT)]


def test_both_shifts_are_two_keys() -> None:
    hands = keyboard()
    down(hands, "Shift", "ShiftLeft")
    down(hands, "Shift", "ShiftRight")
    assert told(up(hands, "Shift", "ShiftLeft")) == [("keyUp", "Shift", SHIFT)]
    assert hands.held == {"ShiftRight"}


def test_a_second_down_of_a_held_key_is_a_repeat() -> None:
    hands = keyboard()
    (first,) = down(hands, "a", "KeyA", repeat=True)
    (second,) = down(hands, "a", "KeyA")
    assert isinstance(first, Command)
    assert isinstance(second, Command)
    assert (first.params["autoRepeat"], first.role) == (False, Role.BEGIN)
    assert (second.params["autoRepeat"], second.role) == (True, Role.CONTINUE)
    assert first.unit == second.unit
    assert second.params["text"] == "a"


def test_a_key_that_is_not_held_does_not_go_up() -> None:
    assert up(keyboard(), "a", "KeyA") == []


def test_shift_let_go_first_does_not_make_it_another_key() -> None:
    hands = keyboard()
    down(hands, "!", "Digit1", SHIFT)
    assert len(up(hands, "1", "Digit1")) == 1
    down(hands, "A")
    assert len(up(hands, "a")) == 1


@pytest.mark.parametrize("key", ["\x00", "\n", "\x1b", ""])
def test_what_is_no_key_is_dropped(key: str) -> None:
    hands = keyboard()
    assert down(hands, key, "KeyA") == []
    assert hands.held == frozenset()


def test_characters_too_long_for_a_key_are_put_in_as_text() -> None:
    first, second = down(keyboard(), "กำ\u0e49x", "KeyA")
    assert isinstance(first, Command)
    assert first.params["type"] == "rawKeyDown"
    assert second == Command("Input.insertText", {"text": "กำ\u0e49x"})


@pytest.mark.parametrize("modifiers", [CTRL | ALT, ALT])
def test_what_altgr_makes_is_typed_without_ctrl_and_alt(modifiers: int) -> None:
    (event,) = params(down(keyboard(), "@", "KeyQ", modifiers))
    assert (event["type"], event["text"], event["modifiers"]) == ("keyDown", "@", 0)


def test_altgraph_as_windows_sends_it_types() -> None:
    hands = keyboard()
    down(hands, "Control", "ControlLeft", CTRL)
    assert told(down(hands, "AltGraph", "AltRight")) == [("keyUp", "Control", 0), ("rawKeyDown", "AltGraph", 0)]
    (event,) = params(down(hands, "{", "Digit7"))
    assert event["text"] == "{"
    assert up(hands, "Control", "ControlLeft") == []


def test_a_modifier_that_was_let_go_unseen_goes_up() -> None:
    hands = keyboard()
    down(hands, "Alt", "AltLeft", ALT)
    assert told(down(hands, "a", "KeyA")) == [("keyUp", "Alt", 0), ("keyDown", "a", 0)]


def test_who_never_tells_modifiers_holds_them_by_their_keys() -> None:
    hands = keyboard()
    down(hands, "Control", "ControlLeft")
    assert told(down(hands, "b", "KeyB")) == [("rawKeyDown", "b", CTRL)]


def test_meta_takes_up_what_macos_never_lets_go() -> None:
    hands = keyboard()
    down(hands, "Meta", "MetaLeft", META)
    down(hands, "Shift", "ShiftLeft", META | SHIFT)
    down(hands, "c", "KeyC", META | SHIFT)
    assert told(up(hands, "Meta", "MetaLeft", SHIFT)) == [
        ("keyUp", "c", META | SHIFT),
        ("keyUp", "Meta", SHIFT),
    ]
    assert hands.held == {"ShiftLeft"}


def test_copying_asks_for_the_selection_before_the_keys() -> None:
    hands = keyboard()
    down(hands, "Control", "ControlLeft", CTRL)
    first, *keys = down(hands, "c", "KeyC", CTRL)
    assert first == TellSelection(cut=False)
    assert told(keys) == [("rawKeyDown", "c", CTRL)]
    assert down(hands, "c", "KeyC", CTRL, repeat=True) == []


def test_cutting_says_that_it_cuts_and_a_mac_is_told_the_command() -> None:
    first, key = down(keyboard(), "x", "KeyX", META)
    assert first == TellSelection(cut=True)
    assert isinstance(key, Command)
    assert key.params["commands"] == ["cut"]


@pytest.mark.parametrize(
    ("key", "code", "modifiers"),
    [("v", "KeyV", CTRL), ("V", "KeyV", CTRL | SHIFT), ("Insert", "Insert", SHIFT), ("м", "KeyV", CTRL)],
)
def test_pasting_keys_are_left_to_the_browser(key: str, code: str, modifiers: int) -> None:
    (event,) = params(down(keyboard(), key, code, modifiers))
    number = 45 if code == "Insert" else 86
    assert (event["type"], event["key"], event["windowsVirtualKeyCode"]) == ("rawKeyDown", key, number)
    assert "commands" not in event


def test_a_v_is_a_v() -> None:
    (event,) = params(down(keyboard(), "v", "KeyV"))
    assert (event["windowsVirtualKeyCode"], event["text"]) == (86, "v")


def test_no_more_keys_are_held_than_two_hands_can() -> None:
    hands = keyboard()
    for number in range(MAX_HELD):
        down(hands, chr(0x4E00 + number))
    assert told(down(hands, "z")) == [("keyUp", chr(0x4E00), 0), ("keyDown", "z", 0)]
    assert len(hands.held) == MAX_HELD


def test_letting_go_of_all_lifts_modifiers_last() -> None:
    hands = keyboard()
    down(hands, "Control", "ControlLeft", CTRL)
    down(hands, "b", "KeyB", CTRL)
    assert told(hands.release_all()) == [("keyUp", "b", CTRL), ("keyUp", "Control", 0)]
    assert hands.release_all() == []


def test_a_chord_by_other_means_goes_down_and_up() -> None:
    first, second = keyboard().chord("x", "cut")
    assert (first.params["type"], first.params["commands"], first.role) == ("rawKeyDown", ["cut"], Role.BEGIN)
    assert (second.params["type"], second.role, second.unit) == ("keyUp", Role.END, first.unit)
