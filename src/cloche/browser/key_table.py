"""The keys of a US keyboard, as DOM's `KeyboardEvent` and Chromium's `Input.dispatchKeyEvent` name them. Pure.

Values: UI Events KeyboardEvent key and code tables; Windows virtual key codes, which Chromium expects on every system.
"""

from dataclasses import dataclass
from typing import Final

STANDARD: Final = 0
LEFT: Final = 1
RIGHT: Final = 2
KEYPAD: Final = 3


@dataclass(frozen=True, slots=True)
class KeyDef:
    """One key as it is pressed: Shift's other character on the same key is another `KeyDef`."""

    key: str
    """`KeyboardEvent.key`."""
    code: str
    """`KeyboardEvent.code`; empty for characters that a US keyboard does not have."""
    virtual_key: int
    text: str = ""
    """What it types."""
    location: int = STANDARD
    needs_shift: bool = False


@dataclass(frozen=True, slots=True)
class ModifierKey:
    bit: int
    """In `modifiers` of CDP's Input domain."""
    left: KeyDef


MODIFIERS: Final = {
    "Alt": ModifierKey(1, KeyDef("Alt", "AltLeft", 18, location=LEFT)),
    "Control": ModifierKey(2, KeyDef("Control", "ControlLeft", 17, location=LEFT)),
    "Meta": ModifierKey(4, KeyDef("Meta", "MetaLeft", 91, location=LEFT)),
    "Shift": ModifierKey(8, KeyDef("Shift", "ShiftLeft", 16, location=LEFT)),
}

MODIFIER_NAMES: Final = {
    "alt": "Alt",
    "option": "Alt",
    "control": "Control",
    "ctrl": "Control",
    # On a Mac it would be Meta; the browser is always Linux's.
    "controlormeta": "Control",
    "commandorcontrol": "Control",
    "meta": "Meta",
    "cmd": "Meta",
    "command": "Meta",
    "super": "Meta",
    "win": "Meta",
    "shift": "Shift",
}
"""In lower case, to the name in `MODIFIERS`."""

# code, virtual key, character, character with Shift
_PUNCTUATION: Final = (
    ("Backquote", 192, "`", "~"),
    ("Minus", 189, "-", "_"),
    ("Equal", 187, "=", "+"),
    ("BracketLeft", 219, "[", "{"),
    ("BracketRight", 221, "]", "}"),
    ("Backslash", 220, "\\", "|"),
    ("Semicolon", 186, ";", ":"),
    ("Quote", 222, "'", '"'),
    ("Comma", 188, ",", "<"),
    ("Period", 190, ".", ">"),
    ("Slash", 191, "/", "?"),
)
_ABOVE_DIGITS: Final = ")!@#$%^&*("

_NAMED: Final = {
    "Escape": 27,
    "Backspace": 8,
    "Tab": 9,
    "CapsLock": 20,
    "AltGraph": 225,
    "ContextMenu": 93,
    "PrintScreen": 44,
    "ScrollLock": 145,
    "Pause": 19,
    "PageUp": 33,
    "PageDown": 34,
    "Insert": 45,
    "Delete": 46,
    "Home": 36,
    "End": 35,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "NumLock": 144,
    "BrowserBack": 166,
    "BrowserForward": 167,
    "BrowserRefresh": 168,
    "BrowserStop": 169,
    "BrowserSearch": 170,
    "BrowserFavorites": 171,
    "BrowserHome": 172,
    "AudioVolumeMute": 173,
    "AudioVolumeDown": 174,
    "AudioVolumeUp": 175,
    "MediaTrackNext": 176,
    "MediaTrackPrevious": 177,
    "MediaStop": 178,
    "MediaPlayPause": 179,
    **{f"F{number}": 111 + number for number in range(1, 25)},
}
"""Keys whose `key` and `code` are the same word."""

_KEYPAD_SIGNS: Final = (
    ("NumpadMultiply", 106, "*"),
    ("NumpadAdd", 107, "+"),
    ("NumpadSubtract", 109, "-"),
    ("NumpadDecimal", 110, "."),
    ("NumpadDivide", 111, "/"),
)

ENTER: Final = KeyDef("Enter", "Enter", 13, "\r")
TAB: Final = KeyDef("Tab", "Tab", 9)
SPACE: Final = KeyDef(" ", "Space", 32, " ")

_ALIASES: Final = {
    "esc": "Escape",
    "del": "Delete",
    "ins": "Insert",
    "return": "Enter",
    "spacebar": "Space",
    "up": "ArrowUp",
    "down": "ArrowDown",
    "left": "ArrowLeft",
    "right": "ArrowRight",
    "pgup": "PageUp",
    "pgdn": "PageDown",
    "pgdown": "PageDown",
    "plus": "+",
}


def _typing_pairs() -> list[tuple[KeyDef, KeyDef]]:
    """Every key that types, plain and with Shift."""
    rows = [(f"Key{letter.upper()}", ord(letter.upper()), letter, letter.upper()) for letter in _LETTERS]
    rows += [(f"Digit{digit}", 48 + digit, str(digit), sign) for digit, sign in enumerate(_ABOVE_DIGITS)]
    rows += _PUNCTUATION
    return [
        (KeyDef(plain, code, number, plain), KeyDef(shifted, code, number, shifted, needs_shift=True))
        for code, number, plain, shifted in rows
    ]


_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_TYPING: Final = _typing_pairs()

CHARACTERS: Final = {
    **{key.key: key for pair in _TYPING for key in pair},
    " ": SPACE,
    "\n": ENTER,
    "\r": ENTER,
    "\t": TAB,
}
"""By what they type; the keypad is left out."""

WITH_SHIFT: Final = dict(_TYPING)
WITHOUT_SHIFT: Final = {shifted: plain for plain, shifted in _TYPING}


def _by_name() -> dict[str, KeyDef]:
    keys = {name: KeyDef(name, name, number) for name, number in _NAMED.items()}
    keys |= {"Enter": ENTER, "Space": SPACE, "NumpadEnter": KeyDef("Enter", "NumpadEnter", 13, "\r", KEYPAD)}
    keys |= {plain.code: plain for plain, _ in _TYPING}
    # As with NumLock on: who names a key of the keypad wants its digit, and the arrows have names of their own.
    keys |= {f"Numpad{n}": KeyDef(str(n), f"Numpad{n}", 96 + n, str(n), KEYPAD) for n in range(10)}
    keys |= {code: KeyDef(sign, code, number, sign, KEYPAD) for code, number, sign in _KEYPAD_SIGNS}
    for modifier in MODIFIERS.values():
        left = modifier.left
        number = left.virtual_key + 1 if left.key == "Meta" else left.virtual_key
        right = KeyDef(left.key, f"{left.key}Right", number, location=RIGHT)
        keys |= {left.code: left, right.code: right}
    keys |= {name: MODIFIERS[modifier].left for name, modifier in MODIFIER_NAMES.items()}
    keys |= {alias: keys[name] if name in keys else CHARACTERS[name] for alias, name in _ALIASES.items()}
    return {name.lower(): key for name, key in keys.items()}


NAMES: Final = _by_name()
"""By `key`, `code` and what people write instead, all in lower case."""
