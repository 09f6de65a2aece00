"""A keyboard at a page: which keys are down, and what Chromium is told of them. Pure.

CDP `Input.dispatchKeyEvent`: `keyDown` with `text` types, `rawKeyDown` does not; both fire `keydown`. What no key event
can carry goes by `Input.insertText`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from cloche.live.input.commands import Command, Role, Step, TellSelection
from cloche.live.input.key_facts import (
    ALT,
    CTRL,
    KEYPAD,
    MAX_TEXT_UNITS,
    META,
    MODIFIER_BITS,
    STANDARD,
    VirtualKeys,
    is_typable,
    location_of,
    text_of,
    utf16_length,
    virtual_key,
)
from cloche.live.input.shortcuts import ClipboardUse, clipboard_use, editing_command
from cloche.live.messages import KeyDown, KeyUp

MAX_HELD: Final = 32
"""Keys. A hand has five fingers; whoever holds more has lost releases, and the key held longest is let go."""


@dataclass(frozen=True, slots=True)
class _Held:
    key: str
    code: str
    location: int
    virtual_key: int
    unit: int

    @property
    def bit(self) -> int:
        return MODIFIER_BITS.get(self.key, 0)


class Keyboard:
    """`new_unit` numbers presses, for all parts of the same hands.

    Modifiers are those of the message and those that are held: who writes a small client sends `keydown` of Control and
    leaves `modifiers` out. Who has once sent `modifiers` is believed: a modifier that is held here and not there was
    let go where nobody saw it (Alt+Tab), and goes up before anything else is done.
    """

    def __init__(self, new_unit: Callable[[], int], keys: VirtualKeys) -> None:
        self._new_unit = new_unit
        self._keys = keys
        self._held: dict[str, _Held] = {}
        self._tells_modifiers = False

    @property
    def held(self) -> frozenset[str]:
        """By `code`, or `key` where there was none."""
        return frozenset(self._held)

    @property
    def held_bits(self) -> int:
        return _bits(self._held)

    def sync(self, told: int, besides: str = "") -> list[Command]:
        """Let go of modifiers that are not held any more, by what a message tells; `besides` the key it is about."""
        self._tells_modifiers = self._tells_modifiers or told != 0
        if not self._tells_modifiers:
            return []
        gone = [name for name, held in self._held.items() if held.bit and not held.bit & told and name != besides]
        return [self._lift(name) for name in gone]

    def press(self, message: KeyDown) -> list[Step]:
        """A key that is down already repeats. What is no key (control characters) is dropped."""
        if not is_typable(message.key):
            return []
        name = _name_of(message)
        steps: list[Step] = [*self.sync(message.modifiers, name)]
        before = self._held.get(name)
        if before is None and len(self._held) >= MAX_HELD:
            steps.append(self._lift(next(iter(self._held))))
        steps += self._press(message, name, before)
        return steps

    def release(self, message: KeyUp) -> list[Command]:
        """Nothing, where the key is not down.

        With Meta all others go up: macOS sends no `keyup` of a key that is let go while Meta is held.
        """
        name = _name_of(message)
        held = self._held.get(name)
        if held is None:
            return []
        others = [other for other, key in self._held.items() if not key.bit] if held.bit == META else []
        return [*map(self._lift, others), self._lift(name, message.modifiers & ~held.bit)]

    def chord(self, letter: str, command: str) -> list[Command]:
        """Ctrl and a letter, down and up, doing an editing command that was asked for by other means than keys."""
        held = _Held(letter, f"Key{letter.upper()}", STANDARD, ord(letter.upper()), self._new_unit())
        down, up = _params("rawKeyDown", held, CTRL), _params("keyUp", held, CTRL)
        return [
            Command("Input.dispatchKeyEvent", {**down, "commands": [command]}, Role.BEGIN, held.unit),
            Command("Input.dispatchKeyEvent", up, Role.END, held.unit),
        ]

    def release_all(self) -> list[Command]:
        """Modifiers last, so that no shortcut becomes a letter."""
        names = sorted(self._held, key=lambda name: self._held[name].bit != 0)
        return [self._lift(name) for name in names]

    def _press(self, message: KeyDown, name: str, before: _Held | None) -> list[Step]:
        bit = MODIFIER_BITS.get(message.key, 0)
        modifiers = message.modifiers | self.held_bits | bit
        text = text_of(message.key, message.code, modifiers & ~bit, alt_graph=self._alt_graph())
        if text:
            # Chromium types nothing while it believes Ctrl to be held; with AltGr it never hears of Ctrl and Alt.
            modifiers &= ~(CTRL | ALT)
        number = virtual_key(message.key, message.code, self._keys)
        use = None if text else clipboard_use(number, modifiers)
        if use is not None and before is not None:
            return []  # once is enough
        unit = before.unit if before else self._new_unit()
        held = _Held(message.key, message.code, location_of(message.code, message.location), number, unit)
        self._held[name] = held
        down = _Down(held, modifiers, text, None if text else editing_command(number, modifiers), before is not None)
        if use in (ClipboardUse.COPY, ClipboardUse.CUT):
            return [TellSelection(cut=use is ClipboardUse.CUT), *down.commands()]
        return [*down.commands()]

    def _alt_graph(self) -> bool:
        return any(held.key == "AltGraph" for held in self._held.values())

    def _lift(self, name: str, told: int = 0) -> Command:
        held = self._held.pop(name)
        return Command("Input.dispatchKeyEvent", _params("keyUp", held, told | self.held_bits), Role.END, held.unit)


@dataclass(frozen=True, slots=True)
class _Down:
    held: _Held
    modifiers: int
    text: str
    command: str | None
    is_repeat: bool

    def commands(self) -> list[Command]:
        fits = 0 < utf16_length(self.text) <= MAX_TEXT_UNITS
        params = _params("keyDown" if fits else "rawKeyDown", self.held, self.modifiers)
        params["autoRepeat"] = self.is_repeat
        if fits:
            params |= {"text": self.text, "unmodifiedText": self.text}
        if self.command:
            params["commands"] = [self.command]
        role = Role.CONTINUE if self.is_repeat else Role.BEGIN
        steps = [Command("Input.dispatchKeyEvent", params, role, self.held.unit)]
        if self.text and not fits:
            steps.append(Command("Input.insertText", {"text": self.text}))
        return steps


def _params(type_: str, held: _Held, modifiers: int) -> dict[str, Any]:
    return {
        "type": type_,
        "modifiers": modifiers,
        "key": held.key,
        "code": held.code,
        "windowsVirtualKeyCode": held.virtual_key,
        "location": held.location,
        "isKeypad": held.location == KEYPAD,
    }


def _bits(held: dict[str, _Held]) -> int:
    bits = 0
    for key in held.values():
        bits |= key.bit
    return bits


def _name_of(message: KeyDown | KeyUp) -> str:
    """What makes it the same key when it goes up: Shift may have changed its `key`, but not its place."""
    return message.code or message.key.lower()
