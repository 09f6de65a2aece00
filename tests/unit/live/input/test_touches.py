"""Fingers put down, moved and lifted."""

import itertools
from collections.abc import Sequence

from cloche.live.input.commands import Command, Role
from cloche.live.input.geometry import Fit
from cloche.live.input.touches import MAX_FINGERS, Touches
from cloche.live.messages import TouchPoint

PAGE = Fit(1280, 720)


def touches() -> Touches:
    return Touches(itertools.count(1).__next__)


def finger(number: int, x: float, y: float = 10) -> TouchPoint:
    return TouchPoint(id=number, x=x, y=y, force=0.5)


def told(commands: Sequence[Command]) -> list[tuple[str, list[tuple[int, float]]]]:
    return [(c.params["type"], [(p["id"], p["x"]) for p in c.params["touchPoints"]]) for c in commands]


def test_a_tap_is_a_start_and_an_end_without_points() -> None:
    hands = touches()
    assert told(hands.take("start", [finger(7, 5)], PAGE, 0)) == [("touchStart", [(0, 5)])]
    assert told(hands.take("end", [], PAGE, 0)) == [("touchEnd", [])]
    assert hands.held == frozenset()


def test_a_move_tells_all_points_and_one_that_goes_nowhere_nothing() -> None:
    hands = touches()
    hands.take("start", [finger(7, 5)], PAGE, 0)
    (move,) = hands.take("move", [finger(7, 9)], PAGE, 0)
    assert told([move]) == [("touchMove", [(0, 9)])]
    assert move.role is Role.MOVE
    assert hands.take("move", [finger(7, 9)], PAGE, 0) == []


def test_a_second_finger_joins_and_the_first_is_lifted() -> None:
    hands = touches()
    hands.take("start", [finger(7, 5)], PAGE, 0)
    second = hands.take("start", [finger(7, 5), finger(9, 50)], PAGE, 0)
    assert told(second) == [("touchStart", [(0, 5), (1, 50)])]
    lifted = hands.take("end", [finger(9, 50)], PAGE, 0)
    assert told(lifted) == [("touchMove", [(1, 50)])]
    assert [second[0].role, lifted[0].role] == [Role.CONTINUE, Role.CONTINUE]
    assert hands.held == {9}
    assert told(hands.take("start", [finger(9, 50), finger(11, 80)], PAGE, 0)) == [("touchStart", [(1, 50), (0, 80)])]


def test_from_the_first_down_to_the_last_up_is_one_unit() -> None:
    hands = touches()
    steps = hands.take("start", [finger(1, 5), finger(2, 9)], PAGE, 0)
    steps += hands.take("end", [finger(1, 5)], PAGE, 0) + hands.take("end", [], PAGE, 0)
    assert [c.role for c in steps] == [Role.BEGIN, Role.CONTINUE, Role.CONTINUE, Role.END]
    assert {c.unit for c in steps} == {1}
    assert hands.take("start", [finger(1, 5)], PAGE, 0)[0].unit == 2


def test_fingers_begin_only_with_start_and_on_the_page() -> None:
    hands = touches()
    assert hands.take("move", [finger(1, 5)], PAGE, 0) == []
    assert hands.take("end", [finger(1, 5)], PAGE, 0) == []
    assert hands.take("start", [finger(1, -5)], PAGE, 0) == []
    assert hands.held == frozenset()


def test_a_finger_that_leaves_the_page_stays_at_its_edge() -> None:
    hands = touches()
    hands.take("start", [finger(1, 5)], PAGE, 0)
    assert told(hands.take("move", [finger(1, 5000)], PAGE, 0)) == [("touchMove", [(0, 1279)])]


def test_a_finger_that_is_missing_has_been_lifted() -> None:
    hands = touches()
    hands.take("start", [finger(1, 5)], PAGE, 0)
    assert told(hands.take("start", [finger(2, 9)], PAGE, 0)) == [("touchEnd", []), ("touchStart", [(0, 9)])]


def test_cancelling_takes_all_away_and_only_once() -> None:
    hands = touches()
    hands.take("start", [finger(1, 5), finger(2, 9)], PAGE, 0)
    (cancelled,) = hands.take("cancel", [finger(1, 5)], PAGE, 0)
    assert told([cancelled]) == [("touchCancel", [])]
    assert cancelled.role is Role.END
    assert hands.take("cancel", [], PAGE, 0) == []
    assert hands.release_all(0) == []


def test_no_more_fingers_than_chromium_counts() -> None:
    hands = touches()
    steps = hands.take("start", [finger(n, n) for n in range(MAX_FINGERS + 4)], PAGE, 0)
    assert len(steps) == MAX_FINGERS
    assert sorted(p["id"] for p in steps[-1].params["touchPoints"]) == list(range(MAX_FINGERS))
