"""Order, merging, and what is left out when there is no room."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.live.input.commands import Command, Role, Step, TellSelection
from cloche.live.input.queue import MAX_STEPS, StepQueue


def move(x: float, buttons: int = 0, modifiers: int = 0) -> Command:
    params = {"type": "mouseMoved", "x": x, "y": 0, "buttons": buttons, "modifiers": modifiers}
    return Command("Input.dispatchMouseEvent", params, Role.MOVE)


def wheel(x: float, delta_y: float, modifiers: int = 0) -> Command:
    params = {"type": "mouseWheel", "x": x, "y": 0, "deltaX": 1, "deltaY": delta_y, "modifiers": modifiers}
    return Command("Input.dispatchMouseEvent", params, Role.WHEEL)


def touch_move(x: float, *fingers: int, unit: int = 1) -> Command:
    points = [{"id": finger, "x": x} for finger in fingers]
    return Command("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points}, Role.MOVE, unit)


def key(unit: int, role: Role) -> Command:
    return Command("Input.dispatchKeyEvent", {"type": role.value, "key": f"k{unit}"}, role, unit)


def text(text: str, role: Role = Role.OTHER, unit: int = 0) -> Command:
    return Command("Input.insertText", {"text": text}, role, unit)


def compose(text: str, role: Role, unit: int) -> Command:
    return Command("Input.imeSetComposition", {"text": text}, role, unit)


def queued(steps: Iterable[Step], **bounds: Any) -> StepQueue:
    queue = StepQueue(**bounds)
    queue.put(steps)
    return queue


def taken(queue: StepQueue) -> list[Step]:
    steps = []
    while (step := queue.take()) is not None:
        steps.append(step)
    return steps


def test_what_goes_in_comes_out_in_order() -> None:
    steps: list[Step] = [move(1), key(1, Role.BEGIN), TellSelection(cut=True), text("a"), key(1, Role.END)]
    assert taken(queued(steps)) == steps


def test_of_moves_in_a_row_the_newest_counts() -> None:
    queue = queued([move(1), move(2), move(3)])
    assert queue.merged == 2
    assert taken(queue) == [move(3)]


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([move(1), move(2, buttons=1)], id="other buttons"),
        pytest.param([move(1), move(2, modifiers=8)], id="other modifiers"),
        pytest.param([move(1), key(1, Role.BEGIN), move(2)], id="something between"),
        pytest.param([move(1), wheel(1, 1), move(2)], id="a wheel between"),
        pytest.param([wheel(1, 1), wheel(2, 1)], id="wheels at two places"),
        pytest.param([wheel(1, 1), wheel(1, 1, modifiers=2)], id="wheels with other modifiers"),
        pytest.param([wheel(1, 1), move(1), wheel(1, 1)], id="a move between wheels"),
        pytest.param([touch_move(1, 0), touch_move(1, 0, 1)], id="other fingers"),
        pytest.param([touch_move(1, 0, unit=1), touch_move(1, 0, unit=2)], id="another touch"),
        pytest.param([text("a"), text("b")], id="text"),
        pytest.param([key(1, Role.CONTINUE), key(1, Role.CONTINUE)], id="keys that repeat"),
    ],
)
def test_what_a_page_could_tell_apart_stays_apart(steps: list[Step]) -> None:
    assert taken(queued(steps)) == steps


def test_wheels_at_one_place_add_up() -> None:
    (sum_,) = taken(queued([wheel(1, 10), wheel(1, 20), wheel(1, -5)]))
    assert isinstance(sum_, Command)
    assert (sum_.params["deltaX"], sum_.params["deltaY"]) == (3, 25)


def test_of_touches_and_compositions_the_newest_state_counts() -> None:
    states = [compose("a", Role.BEGIN, 2), compose("ab", Role.CONTINUE, 2), compose("abc", Role.CONTINUE, 2)]
    assert taken(queued([touch_move(1, 0), touch_move(2, 0), *states])) == [touch_move(2, 0), states[0], states[2]]


def test_what_was_taken_is_not_merged_with() -> None:
    queue = queued([move(1)])
    assert queue.take() == move(1)
    queue.put([move(2)])
    assert taken(queue) == [move(2)]


def pressed(unit: int) -> list[Step]:
    return [key(unit, Role.BEGIN), key(unit, Role.END)]


def test_when_it_is_full_moves_go_first_and_then_wheels() -> None:
    queue = queued([*pressed(1), wheel(1, 1), move(1), text("a"), move(2)], max_steps=5)
    assert taken(queue) == [*pressed(1), wheel(1, 1), text("a"), move(2)]
    queue = queued([*pressed(1), wheel(1, 1), move(1), text("a"), text("b")], max_steps=4)
    assert queue.dropped == 2
    assert taken(queue) == [*pressed(1), text("a"), text("b")]


def test_a_press_that_is_left_out_takes_its_release_along() -> None:
    queue = queued([*pressed(1), *pressed(2), *pressed(3)], max_steps=4)
    assert taken(queue) == [*pressed(2), *pressed(3)]
    assert queue.dropped == 2


def test_what_belongs_to_a_press_that_was_left_out_is_left_out_when_it_comes() -> None:
    queue = queued([key(1, Role.BEGIN), text("a"), text("b")], max_steps=2)
    queue.put([key(1, Role.CONTINUE), key(1, Role.END), key(1, Role.END)])
    assert taken(queue) == [text("b"), key(1, Role.END)]
    # Once it has ended nothing is remembered of it, and a number that comes again would be another press.
    assert queue.dropped == 4


def test_a_release_is_never_left_out_even_if_there_is_no_room() -> None:
    queue = StepQueue(max_steps=2)
    queue.put([key(unit, Role.BEGIN) for unit in (1, 2)])
    taken(queue)
    queue.put([key(unit, Role.BEGIN) for unit in (3, 4)])
    taken(queue)
    ends = [key(unit, Role.END) for unit in (1, 2, 3, 4)]
    queue.put(ends)
    queue.put([move(1), text("a")])
    assert taken(queue) == ends


def test_text_is_bounded_too() -> None:
    queue = queued([text("a" * 6), key(1, Role.BEGIN), text("b" * 6), key(1, Role.END)], max_text_chars=10)
    assert taken(queue) == [key(1, Role.BEGIN), text("b" * 6), key(1, Role.END)]
    queue.put([text("c" * 10)])
    assert taken(queue) == [text("c" * 10)]


def test_text_larger_than_all_room_is_left_out() -> None:
    queue = queued([move(1), text("a" * 11)], max_text_chars=10)
    assert taken(queue) == [move(1)]


def test_text_that_ends_a_composition_stays() -> None:
    queue = StepQueue(max_text_chars=10)
    queue.put([compose("a" * 8, Role.BEGIN, 1)])
    taken(queue)
    queue.put([text("b" * 8, Role.END, 1), text("c" * 8)])
    assert taken(queue) == [text("b" * 8, Role.END, 1)]


@st.composite
def sequences(draw: st.DrawFn) -> list[Step]:
    """What hands could make: units begin, go on and end, each at most 8 at a time."""
    steps: list[Step] = []
    held: list[int] = []
    next_unit = 1
    for kind in draw(st.lists(st.sampled_from(["move", "wheel", "begin", "continue", "end", "text"]), max_size=80)):
        if kind == "begin" and len(held) < 8:
            held.append(next_unit)
            steps.append(key(next_unit, Role.BEGIN))
            next_unit += 1
        elif kind in ("continue", "end") and held:
            unit = held.pop(draw(st.integers(0, len(held) - 1)))
            steps.append(key(unit, Role.CONTINUE if kind == "continue" else Role.END))
            if kind == "continue":
                held.append(unit)
        elif kind == "move":
            steps.append(move(len(steps), buttons=draw(st.integers(0, 1))))
        elif kind == "wheel":
            steps.append(wheel(draw(st.integers(0, 1)), 1))
        elif kind == "text":
            steps.append(text(f"t{len(steps)}"))
    return [*steps, *(key(unit, Role.END) for unit in held)]


@given(sequences(), st.integers(1, 30), st.lists(st.integers(0, 100)))
def test_nothing_stays_held_nothing_is_reordered_and_there_is_a_bound(
    steps: list[Step], room: int, when: list[int]
) -> None:
    queue = StepQueue(max_steps=room)
    sent: list[Step] = []
    for number, step in enumerate(steps):
        queue.put([step])
        assert len(queue) <= room + 8
        if number in when and (one := queue.take()) is not None:
            sent.append(one)
    sent += taken(queue)
    held: set[int] = set()
    for step in sent:
        assert isinstance(step, Command)
        if step.role is Role.BEGIN:
            held.add(step.unit)
        elif step.unit:
            assert step.unit in held
            held -= {step.unit} if step.role is Role.END else set()
    assert not held
    kept = [step for step in sent if isinstance(step, Command) and step.role is not Role.WHEEL]
    places = [steps.index(step) for step in kept if step.role is not Role.CONTINUE]
    assert places == sorted(places)


@given(sequences())
def test_with_room_for_all_only_neighbours_are_merged_and_wheels_lose_nothing(steps: list[Step]) -> None:
    queue = queued(steps)
    merged = queue.merged
    sent = taken(queue)
    assert len(steps) < MAX_STEPS
    assert queue.dropped == 0
    assert len(sent) + merged == len(steps)
    assert _turned(sent) == _turned(steps)
    assert [s for s in sent if not _merges(s)] == [s for s in steps if not _merges(s)]


def _merges(step: Step) -> bool:
    return isinstance(step, Command) and step.role in (Role.MOVE, Role.WHEEL)


def _turned(steps: list[Step]) -> float:
    return sum(step.params["deltaY"] for step in steps if isinstance(step, Command) and step.role is Role.WHEEL)
