"""Buttons, clicks in a row, wheels."""

import itertools
from collections.abc import Sequence

import pytest

from cloche.live.input.commands import Command, Role
from cloche.live.input.geometry import Point
from cloche.live.input.mouse import CLICK_DISTANCE_PX, CLICK_INTERVAL_S, MAX_DELTA_PX, Mouse
from cloche.live.messages import ButtonName

HERE = Point(10, 20)


def mouse() -> Mouse:
    return Mouse(itertools.count(1).__next__)


def told(commands: Sequence[Command]) -> list[tuple[str, str, int, int | None]]:
    return [
        (c.params["type"], c.params["button"], c.params["buttons"], c.params.get("clickCount"))
        for c in commands
        if c.method == "Input.dispatchMouseEvent"
    ]


def test_a_hover_has_no_button() -> None:
    assert told(mouse().move(HERE, 0)) == [("mouseMoved", "none", 0, None)]


def test_a_click_has_its_button_mask_and_count() -> None:
    hands = mouse()
    hands.move(HERE, 0)
    assert told(hands.press(HERE, "left", 0, 0, 1)) == [("mousePressed", "left", 1, 1)]
    assert told(hands.release(HERE, "left", 0)) == [("mouseReleased", "left", 0, 1)]


def test_a_drag_moves_with_its_button() -> None:
    hands = mouse()
    hands.press(HERE, "left", 0, 0, 1)
    assert told(hands.move(Point(30, 20), 0)) == [("mouseMoved", "left", 1, None)]


@pytest.mark.parametrize(("button", "mask"), [("left", 1), ("right", 2), ("middle", 4), ("back", 8), ("forward", 16)])
def test_every_button_has_its_bit(button: ButtonName, mask: int) -> None:
    hands = mouse()
    assert told(hands.press(HERE, button, 0, 0, 1))[-1] == ("mousePressed", button, mask, 1)
    assert hands.held == {button}


def test_buttons_held_together_add_up() -> None:
    hands = mouse()
    hands.press(HERE, "left", 0, 0, 1)
    assert told(hands.press(HERE, "right", 0, 0, 1)) == [("mousePressed", "right", 3, 1)]
    assert told(hands.release(HERE, "left", 0)) == [("mouseReleased", "left", 2, 1)]


def test_the_pointer_comes_before_the_press() -> None:
    hands = mouse()
    assert [type_ for type_, *_ in told(hands.press(HERE, "left", 0, 0, 1))] == ["mouseMoved", "mousePressed"]
    assert hands.at == HERE


def test_no_button_is_none_to_press() -> None:
    hands = mouse()
    assert hands.press(HERE, "none", 0, 0, 1) == []
    assert hands.release(HERE, "none", 0) == []


def test_a_release_of_what_is_not_held_is_dropped() -> None:
    assert mouse().release(HERE, "left", 0) == []


def test_a_press_of_what_is_held_lets_go_of_it_first() -> None:
    hands = mouse()
    hands.press(HERE, "left", 0, 0, 1)
    again = hands.press(HERE, "left", 0, 0, 9)
    assert told(again) == [("mouseReleased", "left", 0, 1), ("mousePressed", "left", 1, 1)]
    assert [c.unit for c in again] == [1, 2]


def clicks_of(*presses: tuple[float, Point, ButtonName]) -> list[int]:
    hands = mouse()
    counts = []
    for now_s, at, button in presses:
        counts.append(hands.press(at, button, 0, 0, now_s)[-1].params["clickCount"])
        assert hands.release(at, button, 0)[-1].params["clickCount"] == counts[-1]
    return counts


NEAR = Point(HERE.x + CLICK_DISTANCE_PX, HERE.y)
FAR = Point(HERE.x + CLICK_DISTANCE_PX + 0.1, HERE.y)
LATE = CLICK_INTERVAL_S + 0.01


@pytest.mark.parametrize(
    ("presses", "expected"),
    [
        pytest.param([(0.0, HERE, "left"), (0.2, HERE, "left"), (0.4, HERE, "left")], [1, 2, 3], id="in a row"),
        pytest.param([(i * 0.1, HERE, "left") for i in range(5)], [1, 2, 3, 1, 2], id="a fourth is a first"),
        pytest.param([(0.0, HERE, "left"), (CLICK_INTERVAL_S, NEAR, "left")], [1, 2], id="just near enough"),
        pytest.param([(0.0, HERE, "left"), (LATE, HERE, "left")], [1, 1], id="too late"),
        pytest.param([(0.0, HERE, "left"), (0.1, FAR, "left")], [1, 1], id="too far"),
        pytest.param([(0.0, HERE, "left"), (0.1, HERE, "right")], [1, 1], id="another button"),
        pytest.param([(5.0, HERE, "left"), (1.0, HERE, "left")], [1, 1], id="a clock that went back"),
    ],
)
def test_clicks_are_counted_by_time_and_place(
    presses: list[tuple[float, Point, ButtonName]], expected: list[int]
) -> None:
    assert clicks_of(*presses) == expected


def test_a_viewer_that_counts_itself_is_believed() -> None:
    assert mouse().press(HERE, "left", 3, 0, 0)[-1].params["clickCount"] == 3


def test_modifiers_and_place_are_passed_on() -> None:
    params = mouse().move(HERE, 10)[0].params
    assert (params["x"], params["y"], params["modifiers"], params["pointerType"]) == (10, 20, 10, "mouse")


def test_a_wheel_has_deltas_and_a_wheel_that_does_not_turn_is_none() -> None:
    hands = mouse()
    (wheel,) = hands.wheel(HERE, 0, 100, 0)
    assert (wheel.params["type"], wheel.params["deltaX"], wheel.params["deltaY"]) == ("mouseWheel", 0, 100)
    assert wheel.role is Role.WHEEL
    assert hands.wheel(HERE, 0, 0, 0) == []


def test_no_wheel_turns_without_end() -> None:
    (wheel,) = mouse().wheel(HERE, -1e300, 1e300, 0)
    assert (wheel.params["deltaX"], wheel.params["deltaY"]) == (-MAX_DELTA_PX, MAX_DELTA_PX)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param([], ["mouseReleased"], id="no drag"),
        pytest.param([Point(90, 20), HERE], ["mouseReleased"], id="back where it began"),
        pytest.param([Point(90, 20)], ["mouseMoved", "mouseMoved", "mouseReleased"], id="on the way"),
        pytest.param([Point(90, 20), Point(99, 99)], ["mouseMoved", "mouseReleased"], id="there already"),
    ],
)
def test_after_a_drag_the_pointer_is_once_more_where_it_is_let_go(path: list[Point], expected: list[str]) -> None:
    hands = mouse()
    hands.press(HERE, "left", 0, 0, 1)
    for at in path:
        hands.move(at, 0)
    there = HERE if expected == ["mouseReleased"] else Point(99, 99)
    steps = hands.release(there, "left", 0)
    assert [type_ for type_, *_ in told(steps)] == expected
    assert [c.params["buttons"] for c in steps] == [1] * (len(steps) - 1) + [0]
    if len(steps) > 1:
        assert (steps[-2].role, steps[-2].unit) == (Role.CONTINUE, steps[-1].unit)


def test_letting_go_of_all_clicks_and_drops_nothing() -> None:
    hands = mouse()
    hands.press(HERE, "left", 0, 0, 1)
    hands.press(HERE, "right", 0, 0, 1)
    steps = hands.release_all(0)
    assert steps[0].method == "Input.cancelDragging"
    assert told(steps) == [("mouseReleased", "left", 2, 1), ("mouseReleased", "right", 0, 1)]
    assert all(c.params["x"] < 0 and c.role is Role.END for c in steps[1:])
    assert hands.held == frozenset()
    assert hands.release_all(0) == []


def test_after_letting_go_of_all_the_next_click_is_a_first() -> None:
    hands = mouse()
    hands.press(HERE, "left", 0, 0, 1)
    hands.release_all(0)
    assert told(hands.press(HERE, "left", 0, 0, 1.1))[-1] == ("mousePressed", "left", 1, 1)
