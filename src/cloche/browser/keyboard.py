"""What is pressed and typed, as the events of CDP's `Input.dispatchKeyEvent`. Pure.

A chord is modifiers and one key joined with `+`: `Enter`, `Control+Shift+K`, `Ctrl+a`, `Control++`, `Shift+Numpad5`,
`ß`. A character is one code point; an emoji made of several has no key and is typed as text, not pressed.
"""

import unicodedata
from dataclasses import dataclass
from typing import Final

from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.key_table import (
    CHARACTERS,
    KEYPAD,
    MODIFIER_NAMES,
    MODIFIERS,
    NAMES,
    RIGHT,
    SPACE,
    WITH_SHIFT,
    WITHOUT_SHIFT,
    KeyDef,
)

MAX_CHORD_CHARS: Final = 256

KeyEvent = dict[str, str | int | bool]
"""Parameters of one `Input.dispatchKeyEvent`."""


@dataclass(frozen=True, slots=True)
class InsertText:
    """A character that no key types: for `Input.insertText`, which pages see as from an input method."""

    text: str


@dataclass(frozen=True, slots=True)
class Chord:
    """Modifiers held, in alphabetical order, while one key goes down and up."""

    modifiers: tuple[str, ...]
    key: KeyDef
    name: str
    """As it was understood; parses to the same chord."""


def parse_chord(text: str) -> Chord:
    """Read a chord; raise `ActionError` with `invalid_key` for what no keyboard has."""
    if len(text) > MAX_CHORD_CHARS:
        raise _invalid(f"a key chord has at most {MAX_CHORD_CHARS} characters")
    *names, key_name = _split(text)
    held = [_modifier(name) for name in names]
    key = _key(key_name)
    for name in held:
        # The key itself counts too: Shift cannot go down while it is down.
        if [*held, key.key].count(name) > 1:
            raise _invalid(f"{name} is there twice")
    if key.needs_shift and "Shift" not in held:
        key, held = _settle_shift(key, held)
    elif "Shift" in held:
        key = WITH_SHIFT.get(key, key)
    return _chord(tuple(sorted(held)), key)


def _split(text: str) -> list[str]:
    """Split at `+`, which is also a key: the last one, or the only one."""
    if len(text) == 1:
        return [text]
    if text.endswith("++"):
        return [*text[:-2].split("+"), "+"]
    return text.split("+")


def _modifier(text: str) -> str:
    name = MODIFIER_NAMES.get(text.strip().lower())
    if name is None:
        raise _invalid(f"{_quoted(text)} is no modifier: use Alt, Control, Meta or Shift")
    return name


def _key(text: str) -> KeyDef:
    # `Ctrl + a` is meant as it reads, but white space that is all there is names its own key.
    name = text if len(text) == 1 else text.strip()
    if len(name) != 1:
        key = NAMES.get(name.lower())
    elif unicodedata.category(name) in ("Cc", "Cs") and name not in CHARACTERS:
        key = None
    else:
        key = CHARACTERS.get(name) or KeyDef(name, "", 0, name)
    if key is None:
        raise _invalid(f"there is no key {_quoted(text)}: use one character, or a name such as Enter, ArrowLeft or F5")
    return key


def _settle_shift(key: KeyDef, held: list[str]) -> tuple[KeyDef, list[str]]:
    """Decide for a character that needs Shift and came without.

    `Ctrl+A` means the key with an A on it; a page that asks for `event.key === 'a'` must see it. Everything else is
    pressed as a person would have to.
    """
    if held and key.key.isalpha():
        return WITHOUT_SHIFT[key], held
    return key, [*held, "Shift"]


def _chord(modifiers: tuple[str, ...], key: KeyDef) -> Chord:
    if key.location in (KEYPAD, RIGHT):
        name = key.code
    elif key == SPACE:
        name = "Space"
    else:
        name = key.key
    return Chord(modifiers, key, "+".join((*modifiers, name)))


def events_of(chord: Chord) -> list[KeyEvent]:
    """Return what to dispatch, in order. The last `len(chord.modifiers) + 1` events let go."""
    downs: list[KeyEvent] = []
    ups: list[KeyEvent] = []
    mask = 0
    for name in chord.modifiers:
        modifier = MODIFIERS[name]
        # As real keyboards do: the modifier's own down event has its bit, its up event no longer.
        ups.append(_event("keyUp", modifier.left, mask))
        mask |= modifier.bit
        downs.append(_event("rawKeyDown", modifier.left, mask))
    key_bit = MODIFIERS[chord.key.key].bit if chord.key.key in MODIFIERS else 0
    downs.append(_down(chord.key, mask | key_bit, types=not set(chord.modifiers) - {"Shift"}))
    ups.append(_event("keyUp", chord.key, mask))
    return downs + ups[::-1]


def _down(key: KeyDef, mask: int, *, types: bool) -> KeyEvent:
    """The key's own down event.

    `rawKeyDown` is one that types nothing. `commands` (selectAll, copy…) is left out on purpose: on Linux, Blink maps
    Control+A, C, X, V, Z and Y to editing commands itself, without a window as well; only macOS needs to be told.
    """
    if not (types and key.text):
        return _event("rawKeyDown", key, mask)
    return {**_event("keyDown", key, mask), "text": key.text, "unmodifiedText": key.text}


def _event(kind: str, key: KeyDef, mask: int) -> KeyEvent:
    return {
        "type": kind,
        "modifiers": mask,
        "key": key.key,
        "code": key.code,
        "windowsVirtualKeyCode": key.virtual_key,
        "location": key.location,
        "isKeypad": key.location == KEYPAD,
    }


def events_of_text(text: str) -> list[list[KeyEvent | InsertText]]:
    """Return for each character what types it; both ends of `\\r\\n` are one Enter.

    `text` has no lone surrogates; the doors refuse them.
    """
    return [_typed(character) for character in text.replace("\r\n", "\r")]


def _typed(character: str) -> list[KeyEvent | InsertText]:
    key = CHARACTERS.get(character)
    if key is None:
        return [InsertText(character)]
    return [*events_of(Chord(("Shift",) if key.needs_shift else (), key, character))]


def _invalid(detail: str) -> ActionError:
    return ActionError(Failure.INVALID_KEY, detail)


def _quoted(text: str) -> str:
    return ascii(text if len(text) <= 32 else text[:31] + "…")
