"""Steps that wait for the browser: in order, merged where nobody can tell, bounded. Pure.

Merged are only neighbours, the newcomer with the last: a move replaces a move with the same buttons, modifiers or
fingers; wheels at the same place add up; of a composition the newest state counts. Nothing ever overtakes anything
else.

When it is full, something is left out, in this order: the oldest move; the oldest wheel; the oldest of what else may be
missing. A press that is left out takes along all of its unit, also what has not come yet, so that nothing is lifted
that was never pressed. The end of a unit whose beginning has been taken is never left out. Of those there are at most
as many as hands can hold (5 buttons, 32 keys, one gesture of touches, one composition), far below the bound.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from cloche.live.input.commands import Command, Role, Step
from cloche.live.input.mouse import bounded_delta

MAX_STEPS: Final = 512
"""Of a mouse's moves half a second, of a person's typing minutes."""
MAX_TEXT_CHARS: Final = 1 << 20
"""Of all waiting text together."""
_MOVE_IDENTITY: Final = ("type", "button", "buttons", "modifiers", "pointerType")
_WHEEL_IDENTITY: Final = (*_MOVE_IDENTITY, "x", "y")


class StepQueue:
    """One for each page that hands are on; a task of the session takes from it and sends."""

    def __init__(self, max_steps: int = MAX_STEPS, max_text_chars: int = MAX_TEXT_CHARS) -> None:
        self._max_steps = max_steps
        self._max_text_chars = max_text_chars
        self._steps: deque[Step] = deque()
        self._text_chars = 0
        self._abandoned: set[int] = set()
        """Units whose beginning was left out, until their end comes by."""
        self.dropped = 0
        """Left out for want of room. What was merged does not count."""
        self.merged = 0

    def __len__(self) -> int:
        return len(self._steps)

    def put(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self._put(step)

    def take(self) -> Step | None:
        """The oldest; None when there is none."""
        if not self._steps:
            return None
        step = self._steps.popleft()
        self._text_chars -= _text_chars(step)
        return step

    def _put(self, step: Step) -> None:
        if isinstance(step, Command) and step.unit in self._abandoned:
            if step.role is Role.END:
                self._abandoned.discard(step.unit)
            self.dropped += 1
            return
        last = self._steps[-1] if self._steps else None
        if last is not None and (merged := _merge(last, step)) is not None:
            self._steps[-1] = merged
            self._text_chars += _text_chars(merged) - _text_chars(last)
            self.merged += 1
        else:
            self._steps.append(step)
            self._text_chars += _text_chars(step)
        while self._is_over() and self._leave_out_one():
            pass

    def _is_over(self) -> bool:
        return len(self._steps) > self._max_steps or self._text_chars > self._max_text_chars

    def _leave_out_one(self) -> bool:
        """Make room; False: all that waits must be sent."""
        at = self._oldest_text() if self._text_chars > self._max_text_chars else self._least_missed()
        if at is None:
            return False
        step = self._steps[at]
        if isinstance(step, Command) and step.role is Role.BEGIN:
            self._abandon(step.unit)
        else:
            self._remove(at)
        return True

    def _least_missed(self) -> int | None:
        first: dict[Role, int] = {}
        for at, step in enumerate(self._steps):
            role = _role(step)
            if role is not Role.END:
                first.setdefault(role if role in (Role.MOVE, Role.WHEEL) else Role.OTHER, at)
        return next((first[role] for role in (Role.MOVE, Role.WHEEL, Role.OTHER) if role in first), None)

    def _oldest_text(self) -> int | None:
        places = enumerate(self._steps)
        return next((at for at, step in places if _text_chars(step) and _role(step) is not Role.END), None)

    def _remove(self, at: int) -> None:
        self._text_chars -= _text_chars(self._steps[at])
        del self._steps[at]
        self.dropped += 1

    def _abandon(self, unit: int) -> None:
        of_unit = [at for at, step in enumerate(self._steps) if isinstance(step, Command) and step.unit == unit]
        if _role(self._steps[of_unit[-1]]) is not Role.END:
            self._abandoned.add(unit)
        for at in reversed(of_unit):
            self._remove(at)


def _role(step: Step) -> Role:
    return step.role if isinstance(step, Command) else Role.OTHER


def _merge(last: Step, new: Step) -> Step | None:
    """What stands for both; None: nothing does."""
    if not isinstance(last, Command) or not isinstance(new, Command):
        return None
    if last.role is not new.role or last.unit != new.unit or last.method != new.method:
        return None
    if new.role is Role.MOVE:
        return new if _identity(last, _MOVE_IDENTITY) == _identity(new, _MOVE_IDENTITY) else None
    if new.role is Role.CONTINUE and new.method == "Input.imeSetComposition":
        return new
    if new.role is Role.WHEEL and _identity(last, _WHEEL_IDENTITY) == _identity(new, _WHEEL_IDENTITY):
        return replace(new, params={**new.params, **{side: _sum(last, new, side) for side in ("deltaX", "deltaY")}})
    return None


def _identity(command: Command, names: tuple[str, ...]) -> tuple[Any, ...]:
    fingers = tuple(point["id"] for point in command.params.get("touchPoints", ()))
    return (fingers, *(command.params.get(name) for name in names))


def _sum(last: Command, new: Command, side: str) -> float:
    return bounded_delta(float(last.params[side]) + float(new.params[side]))


def _text_chars(step: Step) -> int:
    if not isinstance(step, Command) or not step.method.startswith(("Input.insert", "Input.ime")):
        return 0
    return len(step.params["text"])
