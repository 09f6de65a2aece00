"""What a `KeyboardEvent` of a viewer tells about a key: what it types, its number, its place. Pure.

The viewer's layout is the viewer's business: `key` is what the key makes there, and what is typed is `key`. Chromium's
own layout is never asked.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

ALT: Final = 1
CTRL: Final = 2
META: Final = 4
SHIFT: Final = 8
MODIFIER_BITS: Final = {"Alt": ALT, "Control": CTRL, "Meta": META, "Shift": SHIFT}
"""By `key`. AltGraph is none: it changes what a key types and nothing else."""

STANDARD: Final = 0
LEFT: Final = 1
RIGHT: Final = 2
KEYPAD: Final = 3

IN_COMPOSITION: Final = 229
"""`VK_PROCESSKEY`: an input method took the key."""
COMPOSED: Final = frozenset({"Process", "Unidentified", "Compose"})
"""What browsers call such a key; phones' keyboards call every key so."""
ENTER_TEXT: Final = "\r"
MAX_TEXT_UNITS: Final = 3
"""UTF-16 code units that `Input.dispatchKeyEvent` takes as `text`: `kTextLengthCap` without the closing zero."""

VirtualKeys = Mapping[str, int]
"""Windows virtual key codes by `KeyboardEvent.code`: Chromium asks for them on every system, and pages see them as
`keyCode`. The session has them from the browser's key table."""

_NAMED: Final = re.compile(r"[A-Z][A-Za-z0-9]+", re.ASCII)
_ON_MAIN_KEYS: Final = re.compile(r"(?:Key[A-Z]|Digit[0-9])", re.ASCII)
_ALTGR_SIGNS: Final = frozenset("@#[\\]^`{|}~")
"""ASCII signs that some layout has on a letter or digit with AltGr or Option, and none has there plain."""


def is_typable(key: str) -> bool:
    """Whether `key` is a word of UI Events or something that can be typed: no control characters, no half of a pair."""
    return bool(key) and not any(unicodedata.category(character) in ("Cc", "Cs") for character in key)


def is_character(key: str) -> bool:
    """Whether `key` stands for itself and is not the name of a key, such as `Enter`."""
    return len(key) == 1 or _NAMED.fullmatch(key) is None


def text_of(key: str, code: str, modifiers: int, *, alt_graph: bool) -> str:
    """What it types; empty: nothing.

    Ctrl, Alt and Meta make a shortcut of a key, unless Ctrl+Alt or Alt stand for AltGr (Windows) or are Option (macOS):
    then the layout made something of it that the key alone does not make.
    """
    if not is_character(key):
        return ENTER_TEXT if key == "Enter" and not modifiers & (ALT | CTRL | META) else ""
    if not modifiers & (ALT | CTRL | META) or alt_graph:
        return key
    if modifiers & META or modifiers & (ALT | CTRL) == CTRL:
        return ""
    return key if _is_made_with_alt(key, code) else ""


def _is_made_with_alt(key: str, code: str) -> bool:
    if not key.isascii():
        # A letter that is on the key itself (ö, ф) is a shortcut's; Option makes signs of letters of ASCII.
        return _ON_MAIN_KEYS.fullmatch(code) is not None and not _is_foreign_letter(key)
    return key in _ALTGR_SIGNS and _ON_MAIN_KEYS.fullmatch(code) is not None


def _is_foreign_letter(key: str) -> bool:
    """Whether it is of another script than Latin, which such a key makes without Alt."""
    return key.isalpha() and not all("LATIN" in unicodedata.name(character, "") for character in key)


def virtual_key(key: str, code: str, keys: VirtualKeys) -> int:
    """Its Windows virtual key code, 0 where it has none.

    Letters have that of the letter and not of the place, as Windows does it: on a French keyboard Ctrl+A is where an
    American one has Ctrl+Q. Keys of the keypad without NumLock have those of the arrows. Layouts without Latin letters
    have those of the place, so that Ctrl+ф is Ctrl+A.
    """
    if key in COMPOSED:
        return IN_COMPOSITION
    if len(key) == 1 and key.isascii() and key.isalpha():
        return ord(key.upper())
    if not is_character(key) and key in keys:
        return keys[key]
    if code in keys:
        return keys[code]
    if key in MODIFIER_BITS:
        return keys.get(f"{key}Left", 0)
    if len(key) == 1 and key.isascii() and key.isdigit():
        return ord(key)
    return keys.get("Space", 0) if key == " " else 0


def location_of(code: str, told: int) -> int:
    """`KeyboardEvent.location`; what was told, or what the code says."""
    if told:
        return told
    if code.startswith("Numpad"):
        return KEYPAD
    if code.removesuffix("Left") in MODIFIER_BITS:
        return LEFT
    return RIGHT if code.removesuffix("Right") in MODIFIER_BITS else STANDARD


def utf16_length(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)
