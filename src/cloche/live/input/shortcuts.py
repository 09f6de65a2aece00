"""Key chords that edit. Pure.

Blink maps Ctrl+A, C, X, V, Z, Y and Shift+Z, and Insert and Delete with Ctrl or Shift, to editing commands itself, on
Linux and without a window as well (`EditingBehavior::InterpretKeyEvent`, by virtual key code). It does not map Meta,
which is what a Mac's keyboard sends: those chords are given the command by name (`commands` of
`Input.dispatchKeyEvent`).

The keys that paste put in what was last copied inside the browser, under any policy: nothing comes in or goes out by
that. Who means the own clipboard sends a `paste` message with its text in place of the keys.
"""

from enum import StrEnum
from typing import Final

from cloche.live.input.key_facts import CTRL, META, SHIFT

VK_INSERT: Final = 45
VK_DELETE: Final = 46


class ClipboardUse(StrEnum):
    COPY = "copy"
    CUT = "cut"
    PASTE = "paste"


_COPYING: Final = {
    (CTRL, ord("C")): ClipboardUse.COPY,
    (META, ord("C")): ClipboardUse.COPY,
    (CTRL, VK_INSERT): ClipboardUse.COPY,
    (CTRL, ord("X")): ClipboardUse.CUT,
    (META, ord("X")): ClipboardUse.CUT,
    (SHIFT, VK_DELETE): ClipboardUse.CUT,
}

_META_COMMANDS: Final = {
    (META, ord("A")): "selectAll",
    (META, ord("C")): "copy",
    (META, ord("X")): "cut",
    (META, ord("V")): "paste",
    (META | SHIFT, ord("V")): "pasteAndMatchStyle",
    (META, ord("Z")): "undo",
    (META, ord("Y")): "redo",
    (META | SHIFT, ord("Z")): "redo",
}


def clipboard_use(virtual_key: int, modifiers: int) -> ClipboardUse | None:
    """What the chord does with the clipboard; `modifiers` are exactly those held."""
    if virtual_key == ord("V") and modifiers & (CTRL | META):
        return ClipboardUse.PASTE
    if virtual_key == VK_INSERT and modifiers & SHIFT:
        return ClipboardUse.PASTE
    return _COPYING.get((modifiers, virtual_key))


def editing_command(virtual_key: int, modifiers: int) -> str | None:
    """What Chromium must be told that the chord does; None: it knows, or nothing."""
    return _META_COMMANDS.get((modifiers, virtual_key))
