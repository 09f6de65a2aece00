"""Which chords edit and which use the clipboard."""

import pytest

from cloche.live.input.key_facts import ALT, CTRL, META, SHIFT
from cloche.live.input.shortcuts import VK_DELETE, VK_INSERT, ClipboardUse, clipboard_use, editing_command


@pytest.mark.parametrize(
    ("key", "modifiers", "expected"),
    [
        (ord("C"), CTRL, ClipboardUse.COPY),
        (ord("C"), META, ClipboardUse.COPY),
        (VK_INSERT, CTRL, ClipboardUse.COPY),
        (ord("X"), CTRL, ClipboardUse.CUT),
        (ord("X"), META, ClipboardUse.CUT),
        (VK_DELETE, SHIFT, ClipboardUse.CUT),
        (ord("V"), CTRL, ClipboardUse.PASTE),
        (ord("V"), META, ClipboardUse.PASTE),
        (ord("V"), CTRL | SHIFT, ClipboardUse.PASTE),
        (ord("V"), CTRL | ALT, ClipboardUse.PASTE),
        (VK_INSERT, SHIFT, ClipboardUse.PASTE),
        (ord("C"), 0, None),
        (ord("C"), CTRL | SHIFT, None),
        (ord("V"), SHIFT, None),
        (VK_INSERT, 0, None),
        (VK_DELETE, 0, None),
    ],
)
def test_the_clipboard(key: int, modifiers: int, expected: ClipboardUse | None) -> None:
    assert clipboard_use(key, modifiers) is expected


@pytest.mark.parametrize(
    ("key", "modifiers", "expected"),
    [
        ("A", META, "selectAll"),
        ("Z", META, "undo"),
        ("Z", META | SHIFT, "redo"),
        ("Y", META, "redo"),
        ("X", META, "cut"),
        ("C", META, "copy"),
        ("V", META, "paste"),
        ("V", META | SHIFT, "pasteAndMatchStyle"),
        ("A", CTRL, None),
        ("A", META | CTRL, None),
    ],
)
def test_a_macs_chords_are_told_by_name(key: str, modifiers: int, expected: str | None) -> None:
    assert editing_command(ord(key), modifiers) == expected
