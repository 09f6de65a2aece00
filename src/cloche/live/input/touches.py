"""Fingers on a page. Pure.

CDP `Input.dispatchTouchEvent` is told all points that touch and compares them with those before: a new one has been put
down, a missing one lifted. `touchEnd` and `touchCancel` have no points and lift them all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from cloche.live.input.commands import Command, Role
from cloche.live.input.geometry import Fit, Point
from cloche.live.messages import MAX_TOUCHES, TouchPoint

Phase = Literal["start", "move", "end", "cancel"]
MAX_FINGERS: Final = MAX_TOUCHES
"""`WebTouchEvent::kTouchesLengthCap` of Chromium, which refuses a 17th and then loses count."""


@dataclass(frozen=True, slots=True)
class _Finger:
    slot: int
    """What Chromium knows it by; a viewer's `Touch.identifier` may be any number."""
    at: Point
    force: float


class Touches:
    """`new_unit` numbers presses, for all parts of the same hands. From the first finger down to the last one up is one
    unit."""

    def __init__(self, new_unit: Callable[[], int]) -> None:
        self._new_unit = new_unit
        self._held: dict[int, _Finger] = {}
        self._unit = 0

    @property
    def held(self) -> frozenset[int]:
        """By the viewer's own identifiers."""
        return frozenset(self._held)

    def take(self, phase: Phase, points: Sequence[TouchPoint], where: Fit, modifiers: int) -> list[Command]:
        """`points`: all that touch now, as in `TouchEvent.touches`.

        Fingers begin only with `start` and on the page; what moves beyond an edge stays at the edge. A finger that is
        missing has been lifted, whatever the phase says.
        """
        if phase == "cancel":
            return self.release_all(modifiers)
        now = {point.id: point for point in points}
        steps = self._lift(self._held.keys() - now.keys(), modifiers)
        steps += self._move(now, where, modifiers)
        if phase == "start":
            steps += self._put_down(now, where, modifiers)
        return steps

    def release_all(self, modifiers: int) -> list[Command]:
        if not self._held:
            return []
        self._held.clear()
        return [self._event("touchCancel", modifiers, Role.END)]

    def _lift(self, gone: set[int], modifiers: int) -> list[Command]:
        if not gone:
            return []
        for number in gone:
            del self._held[number]
        if not self._held:
            return [self._event("touchEnd", modifiers, Role.END)]
        return [self._event("touchMove", modifiers, Role.CONTINUE)]

    def _move(self, now: Mapping[int, TouchPoint], where: Fit, modifiers: int) -> list[Command]:
        moved = False
        for number, finger in self._held.items():
            at = where.nearest(now[number].x, now[number].y)
            if at is not None and at != finger.at:
                self._held[number] = _Finger(finger.slot, at, now[number].force)
                moved = True
        return [self._event("touchMove", modifiers, Role.MOVE)] if moved else []

    def _put_down(self, now: Mapping[int, TouchPoint], where: Fit, modifiers: int) -> list[Command]:
        steps: list[Command] = []
        for number, point in now.items():
            at = where.inside(point.x, point.y)
            if number in self._held or at is None or len(self._held) >= MAX_FINGERS:
                continue
            if not self._held:
                self._unit = self._new_unit()
            role = Role.CONTINUE if self._held else Role.BEGIN
            self._held[number] = _Finger(self._free_slot(), at, point.force)
            steps.append(self._event("touchStart", modifiers, role))
        return steps

    def _free_slot(self) -> int:
        taken = {finger.slot for finger in self._held.values()}
        return next(slot for slot in range(MAX_FINGERS) if slot not in taken)

    def _event(self, type_: str, modifiers: int, role: Role) -> Command:
        points: list[dict[str, Any]] = [
            {"id": finger.slot, "x": finger.at.x, "y": finger.at.y, "force": finger.force}
            for finger in self._held.values()
        ]
        params = {"type": type_, "touchPoints": points, "modifiers": modifiers}
        return Command("Input.dispatchTouchEvent", params, role, self._unit)
