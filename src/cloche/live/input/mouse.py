"""A mouse over a page: where it is, which buttons are down, how many clicks in a row. Pure.

CDP `Input.dispatchMouseEvent`. Without `clickCount` of at least 1 a press makes no click, and without `buttons` a move
is no drag.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from cloche.live.input.commands import Command, Role
from cloche.live.input.geometry import Point
from cloche.live.messages import ButtonName

CLICK_INTERVAL_S: Final = 0.5
"""From one press to the next, for them to be a double click; as Windows and GTK have it, more or less."""
CLICK_DISTANCE_PX: Final = 5.0
MAX_CLICKS: Final = 3
"""A fourth is the first again: no page tells four apart."""
MASKS: Final[dict[ButtonName, int]] = {"left": 1, "right": 2, "middle": 4, "back": 8, "forward": 16}
"""`MouseEvent.buttons`."""
PIXELS_PER_LINE: Final = 100 / 3
"""Of `WheelEvent.DOM_DELTA_LINE`, which only Firefox sends, 3 to a notch. Chromium's own builder of wheel events (for
Windows) takes 100/3 pixels to a line and 3 lines to a notch, so a notch is 100 pixels from either."""
MAX_DELTA_PX: Final = 100_000.0
"""Of one wheel event; more than the longest flick of a touchpad, less than what floats lose."""
_NOWHERE: Final = Point(-1, -1)


@dataclass(frozen=True, slots=True)
class _Press:
    unit: int
    clicks: int
    at: Point


@dataclass(frozen=True, slots=True)
class _LastPress:
    button: ButtonName
    at: Point
    at_s: float
    clicks: int


class Mouse:
    """`new_unit` numbers presses, for all parts of the same hands."""

    def __init__(self, new_unit: Callable[[], int]) -> None:
        self._new_unit = new_unit
        self._held: dict[ButtonName, _Press] = {}
        self._at: Point | None = None
        self._last: _LastPress | None = None

    @property
    def held(self) -> frozenset[ButtonName]:
        return frozenset(self._held)

    @property
    def at(self) -> Point | None:
        """Where it is, once it has been seen."""
        return self._at

    def move(self, at: Point, modifiers: int) -> list[Command]:
        self._at = at
        button: ButtonName = next(iter(self._held), "none")
        return [self._event("mouseMoved", at, button, modifiers, Role.MOVE)]

    def press(self, at: Point, button: ButtonName, clicks: int, modifiers: int, now_s: float) -> list[Command]:
        """`clicks` 0: count them.

        A button that is down already was let go where nobody saw it, so it goes up first. The pointer comes before the
        press, as from a hand: pages and Chromium's own hover state rely on it.
        """
        if button not in MASKS:
            return []
        steps = self.release(at, button, modifiers)
        if self._at != at:
            steps += self.move(at, modifiers)
        clicks = clicks or self._count(at, button, now_s)
        self._last = _LastPress(button, at, now_s, clicks)
        press = self._held[button] = _Press(self._new_unit(), clicks, at)
        steps.append(self._event("mousePressed", at, button, modifiers, Role.BEGIN, press))
        return steps

    def release(self, at: Point, button: ButtonName, modifiers: int) -> list[Command]:
        """Nothing, where the button is not down.

        After a drag the pointer is once more where it is let go: of drag and drop, the first move over a target only
        enters it, and the next asks it whether it takes what is dragged.
        """
        if button not in self._held:
            return []
        steps = self._arrive(at, modifiers) if button == "left" and self._is_drag(at) else []
        press = self._held.pop(button)
        self._at = at
        return [*steps, self._event("mouseReleased", at, button, modifiers, Role.END, press)]

    def wheel(self, at: Point, delta_x: float, delta_y: float, modifiers: int) -> list[Command]:
        """`delta_x` and `delta_y` in CSS pixels."""
        if not (delta_x or delta_y):
            return []
        event = self._params("mouseWheel", at, "none", modifiers)
        event |= {"deltaX": bounded_delta(delta_x), "deltaY": bounded_delta(delta_y)}
        return [Command("Input.dispatchMouseEvent", event, Role.WHEEL)]

    def release_all(self, modifiers: int) -> list[Command]:
        """Let go of every button, so that it does nothing: what is being dragged is not dropped, and what was pressed
        is not clicked, since it is let go outside of the page."""
        steps: list[Command] = []
        if "left" in self._held:
            steps.append(Command("Input.cancelDragging", {}))
        for button in list(self._held):
            press = self._held.pop(button)
            steps.append(self._event("mouseReleased", _NOWHERE, button, modifiers, Role.END, press))
        if steps:
            self._at = None
        self._last = None
        return steps

    def _is_drag(self, at: Point) -> bool:
        """Whether it has been somewhere else since the left button went down."""
        return at != self._held["left"].at or self._at != at

    def _arrive(self, at: Point, modifiers: int) -> list[Command]:
        steps = self.move(at, modifiers) if self._at != at else []
        press = self._held["left"]
        params = self._params("mouseMoved", at, "left", modifiers)
        # Not a MOVE, which would be merged with the one before.
        return [*steps, Command("Input.dispatchMouseEvent", params, Role.CONTINUE, press.unit)]

    def _count(self, at: Point, button: ButtonName, now_s: float) -> int:
        last = self._last
        if (
            last is None
            or last.button != button
            or not 0 <= now_s - last.at_s <= CLICK_INTERVAL_S
            or abs(last.at.x - at.x) > CLICK_DISTANCE_PX
            or abs(last.at.y - at.y) > CLICK_DISTANCE_PX
        ):
            return 1
        return last.clicks % MAX_CLICKS + 1

    def _event(
        self, type_: str, at: Point, button: ButtonName, modifiers: int, role: Role, press: _Press | None = None
    ) -> Command:
        params = self._params(type_, at, button, modifiers)
        if press is None:
            return Command("Input.dispatchMouseEvent", params, role)
        return Command("Input.dispatchMouseEvent", {**params, "clickCount": press.clicks}, role, press.unit)

    def _params(self, type_: str, at: Point, button: ButtonName, modifiers: int) -> dict[str, Any]:
        return {
            "type": type_,
            "x": at.x,
            "y": at.y,
            "button": button,
            "buttons": sum(MASKS[held] for held in self._held),
            "modifiers": modifiers,
            "pointerType": "mouse",
        }


def bounded_delta(delta: float) -> float:
    return min(max(delta, -MAX_DELTA_PX), MAX_DELTA_PX)
