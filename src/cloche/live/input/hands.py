"""One pair of hands on one page: messages of a viewer in, commands for Chromium out, in order. Pure.

A session keeps one for whoever has control, on the tab that is shown. When control, the tab or the viewer goes, it
sends `release_all()` to the page that the hands were on.
"""

import itertools
from collections.abc import Iterator
from typing import assert_never

from cloche.live.input.commands import Command, Role, Step, TellSelection
from cloche.live.input.geometry import Fit, Point, fit
from cloche.live.input.key_facts import VirtualKeys, utf16_length
from cloche.live.input.keyboard import Keyboard
from cloche.live.input.mouse import PIXELS_PER_LINE, Mouse
from cloche.live.input.touches import Touches
from cloche.live.messages import (
    Compose,
    Copy,
    InputMessage,
    Insert,
    KeyDown,
    KeyUp,
    MouseDown,
    MouseMove,
    MouseUp,
    Paste,
    ReleaseAll,
    Touch,
    Wheel,
)


class Hands:
    """Owns what is held: mouse buttons, keys, fingers, and a composition. Never raises for a message that was read.

    Whatever is translated is believed to reach Chromium, by way of `queue`, which sees to it that a press that was left
    out is not released either. `units`: numbers for presses, each only once; hands whose steps go to one queue must
    share them.
    """

    def __init__(self, keys: VirtualKeys, units: Iterator[int] | None = None) -> None:
        units = itertools.count(1) if units is None else units
        self._new_unit = units.__next__
        self._mouse = Mouse(units.__next__)
        self._keyboard = Keyboard(units.__next__, keys)
        self._touches = Touches(units.__next__)
        self._composition = 0
        """The unit of what is being composed; 0: nothing is."""

    @property
    def pointer(self) -> Point | None:
        """Where the mouse is, in CSS pixels of the page, once it has been seen: for the cursor's shape."""
        return self._mouse.at

    @property
    def holds(self) -> bool:
        """Whether anything is down or being composed."""
        return bool(self._mouse.held or self._keyboard.held or self._touches.held or self._composition)

    def translate(self, message: InputMessage, now_s: float, page_width: float, page_height: float) -> list[Step]:
        """What Chromium is to be told, in order; often nothing.

        `now_s`: any clock that goes on, in seconds. `page_width` and `page_height`: of the page's viewport now, in CSS
        pixels.
        """
        match message:
            case MouseMove() | MouseDown() | MouseUp() | Wheel() | Touch():
                where = fit(message.width, message.height, page_width, page_height)
                if where is None:
                    return []
                lost: list[Step] = [*self._keyboard.sync(message.modifiers)]
                return lost + self._point(message, where, message.modifiers | self._keyboard.held_bits, now_s)
            case KeyDown():
                return self._keyboard.press(message)
            case KeyUp():
                return [*self._keyboard.release(message)]
            case Insert() | Paste():
                return self._insert(message)
            case Compose():
                return self._compose(message)
            case Copy():
                letter, command = ("x", "cut") if message.cut else ("c", "copy")
                return [TellSelection(cut=message.cut), *self._keyboard.chord(letter, command)]
            case ReleaseAll():
                return self.release_all()
            case _:
                assert_never(message)

    def release_all(self) -> list[Step]:
        """Lift all that is held and give up what is being composed; afterwards nothing is. Clicks and drops nothing."""
        steps: list[Step] = [*self._touches.release_all(self._keyboard.held_bits)]
        steps += self._mouse.release_all(self._keyboard.held_bits)
        steps += self._keyboard.release_all()
        steps += self._compose(Compose(text=""))
        return steps

    def _point(
        self, message: MouseMove | MouseDown | MouseUp | Wheel | Touch, where: Fit, modifiers: int, now_s: float
    ) -> list[Step]:
        """Presses, wheels and new fingers beside the page are refused; moves and releases come to its edge."""
        if isinstance(message, Touch):
            return [*self._touches.take(message.phase, message.points, where, modifiers)]
        begins = isinstance(message, MouseDown | Wheel)
        at = where.inside(message.x, message.y) if begins else where.nearest(message.x, message.y)
        if at is None:
            return []
        match message:
            case MouseMove():
                return [*self._mouse.move(at, modifiers)]
            case MouseDown():
                return [*self._mouse.press(at, message.button, message.clicks, modifiers, now_s)]
            case MouseUp():
                return [*self._mouse.release(at, message.button, modifiers)]
            case Wheel():
                per_x, per_y = _pixels_per_unit(message.mode, where)
                return [*self._mouse.wheel(at, message.delta_x * per_x, message.delta_y * per_y, modifiers)]
            case _:
                assert_never(message)

    def _insert(self, message: Insert | Paste) -> list[Step]:
        """Also ends a composition: Chromium puts it where that was."""
        text = clean_text(message.text)
        if not text:
            return []
        unit, self._composition = self._composition, 0
        role = Role.END if unit else Role.OTHER
        return [Command("Input.insertText", {"text": text}, role, unit, pastes=isinstance(message, Paste))]

    def _compose(self, message: Compose) -> list[Step]:
        text = clean_text(message.text)
        cursor = min(message.cursor, utf16_length(text))
        params = {"text": text, "selectionStart": cursor, "selectionEnd": cursor}
        unit = self._composition
        if text:
            self._composition = unit or self._new_unit()
            role = Role.CONTINUE if unit else Role.BEGIN
            return [Command("Input.imeSetComposition", params, role, self._composition)]
        self._composition = 0
        return [Command("Input.imeSetComposition", params, Role.END, unit)] if unit else []


def clean_text(text: str) -> str:
    """As it can be put in: lines ended by a line feed, without zeros and halves of surrogate pairs."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return text.encode("utf-8", "ignore").decode("utf-8")


def _pixels_per_unit(mode: int, where: Fit) -> tuple[float, float]:
    """Across and down, by `WheelEvent.deltaMode`. A page is what is seen of it."""
    if mode == 1:
        return PIXELS_PER_LINE, PIXELS_PER_LINE
    return (where.page_width, where.page_height) if mode == 2 else (1.0, 1.0)
