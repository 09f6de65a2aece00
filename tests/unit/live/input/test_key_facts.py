"""What a key types, its number, its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.key_table import NAMES
from cloche.live.input.key_facts import ALT, CTRL, META, SHIFT, is_typable, location_of, text_of, virtual_key

KEYS = {key.code: key.virtual_key for key in NAMES.values()}


@pytest.mark.parametrize(
    ("key", "code", "modifiers", "expected"),
    [
        ("a", "KeyA", 0, "a"),
        ("A", "KeyA", SHIFT, "A"),
        ("ö", "Semicolon", 0, "ö"),
        ("ф", "KeyA", 0, "ф"),
        (" ", "Space", 0, " "),
        ("Enter", "Enter", 0, "\r"),
        ("Enter", "NumpadEnter", SHIFT, "\r"),
        ("Enter", "Enter", CTRL, ""),
        ("Tab", "Tab", 0, ""),
        ("Backspace", "Backspace", 0, ""),
        ("F5", "F5", 0, ""),
        ("Dead", "BracketLeft", 0, ""),
        ("Process", "KeyA", 0, ""),
        ("Shift", "ShiftLeft", 0, ""),
        ("a", "KeyA", CTRL, ""),
        ("a", "KeyA", META, ""),
        ("a", "KeyA", ALT, ""),
        ("a", "KeyA", CTRL | ALT, ""),
        ("ф", "KeyA", ALT, ""),
        (",", "Comma", ALT, ""),
        ("1", "Digit1", ALT, ""),
        ("&", "Digit1", ALT, ""),  # French, plain
        ("@", "KeyQ", CTRL | ALT, "@"),  # German, Windows
        ("€", "KeyE", CTRL | ALT, "€"),
        ("ą", "KeyA", CTRL | ALT, "ą"),  # Polish
        ("@", "KeyL", ALT, "@"),  # German, macOS
        ("[", "Digit5", ALT, "["),
        ("å", "KeyA", ALT, "å"),  # American, macOS
        ("@", "KeyQ", CTRL | META, ""),
        ("e\u0301", "KeyE", 0, "e\u0301"),
    ],
)
def test_what_a_key_types(key: str, code: str, modifiers: int, expected: str) -> None:
    assert text_of(key, code, modifiers, alt_graph=False) == expected


def test_with_altgraph_held_all_characters_are_typed() -> None:
    assert text_of("q", "KeyQ", CTRL | ALT, alt_graph=True) == "q"


@pytest.mark.parametrize(
    ("key", "code", "expected"),
    [
        ("a", "KeyA", 65),
        ("A", "KeyA", 65),
        ("a", "KeyQ", 65),  # French
        ("ф", "KeyA", 65),
        ("!", "Digit1", 49),
        ("&", "Digit1", 49),
        ("1", "", 49),
        (";", "Semicolon", 186),
        ("Enter", "NumpadEnter", 13),
        ("ArrowLeft", "ArrowLeft", 37),
        ("ArrowLeft", "Numpad4", 37),
        ("4", "Numpad4", 100),
        ("Insert", "Numpad0", 45),
        ("Shift", "ShiftRight", 16),
        ("Shift", "", 16),
        ("Meta", "MetaRight", 92),
        (" ", "Space", 32),
        (" ", "", 32),
        ("F12", "F12", 123),
        ("Dead", "BracketLeft", 219),
        ("Process", "KeyA", 229),
        ("Unidentified", "", 229),
        ("ß", "", 0),
        ("Nonsense", "Nonsense", 0),
    ],
)
def test_the_number_of_a_key(key: str, code: str, expected: int) -> None:
    assert virtual_key(key, code, KEYS) == expected


@pytest.mark.parametrize(
    ("code", "told", "expected"),
    [("KeyA", 0, 0), ("ShiftLeft", 0, 1), ("ControlRight", 0, 2), ("Numpad5", 0, 3), ("ArrowLeft", 0, 0), ("", 2, 2)],
)
def test_the_place_of_a_key(code: str, told: int, expected: int) -> None:
    assert location_of(code, told) == expected


@pytest.mark.parametrize("key", ["", "\x00", "\n", "\x7f", "\x85", "a\ud800", "\udc00"])
def test_control_characters_and_halves_of_pairs_are_no_keys(key: str) -> None:
    assert not is_typable(key)


@given(st.text(max_size=64), st.text(max_size=64), st.integers(0, 15), st.booleans())
def test_any_words_have_an_answer(key: str, code: str, modifiers: int, alt_graph: bool) -> None:
    assert text_of(key, code, modifiers, alt_graph=alt_graph) in ("", key, "\r")
    assert 0 <= virtual_key(key, code, KEYS) <= 255
