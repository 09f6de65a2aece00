"""One pair of hands: messages in, steps out, and nothing held in the end."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.key_table import NAMES
from cloche.live.input.commands import Command, Role, Step, TellSelection
from cloche.live.input.hands import Hands, clean_text
from cloche.live.input.queue import StepQueue
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
    TouchPoint,
    Wheel,
)

PAGE = (1280.0, 720.0)


def new_hands() -> Hands:
    return Hands({key.code: key.virtual_key for key in NAMES.values()})


def do(hands: Hands, *messages: InputMessage) -> list[Step]:
    return [step for message in messages for step in hands.translate(message, 0.0, *PAGE)]


def told(steps: Sequence[Step]) -> list[str]:
    return [
        "tell" if isinstance(step, TellSelection) else str(step.params.get("type", step.method.removeprefix("Input.")))
        for step in steps
    ]


def test_a_click_in_a_letterboxed_picture_lands_on_the_page() -> None:
    box = {"width": 640, "height": 460}
    steps = do(
        new_hands(), MouseMove(x=320, y=230, **box), MouseDown(x=320, y=230, **box), MouseUp(x=320, y=230, **box)
    )
    assert told(steps) == ["mouseMoved", "mousePressed", "mouseReleased"]
    places = [(step.params["x"], step.params["y"]) for step in steps if isinstance(step, Command)]
    assert places == [(640, 360)] * 3


def test_a_press_in_the_bars_does_nothing_and_neither_does_its_release() -> None:
    hands = new_hands()
    assert do(hands, MouseDown(x=320, y=10, width=640, height=460), MouseUp(x=320, y=10, width=640, height=460)) == []
    assert not hands.holds


def test_a_drag_beyond_the_edge_ends_there() -> None:
    hands = new_hands()
    do(hands, MouseDown(x=10, y=10))
    moved, _, released = do(hands, MouseMove(x=-50, y=9000), MouseUp(x=-50, y=9000))
    assert isinstance(moved, Command)
    assert isinstance(released, Command)
    assert (moved.params["x"], moved.params["y"], moved.params["buttons"]) == (0, 719, 1)
    assert (released.params["x"], released.params["y"]) == (0, 719)


@pytest.mark.parametrize(
    ("mode", "delta", "expected"), [(0, 100, 100), (1, 3, 100), (2, 1, 720), (2, -1, -720), (0, 0.5, 0.5)]
)
def test_wheels_turn_by_pixels_lines_or_pages(mode: int, delta: float, expected: float) -> None:
    (step,) = do(new_hands(), Wheel(x=1, y=1, delta_y=delta, mode=mode))
    assert isinstance(step, Command)
    assert step.params["deltaY"] == pytest.approx(expected)


def test_a_wheel_beside_the_page_turns_nothing() -> None:
    assert do(new_hands(), Wheel(x=-1, y=1, delta_y=10)) == []


def test_a_held_key_modifies_the_mouse() -> None:
    hands = new_hands()
    do(hands, KeyDown(key="Shift", code="ShiftLeft"))
    (step,) = do(hands, MouseMove(x=1, y=1))
    assert isinstance(step, Command)
    assert step.params["modifiers"] == 8


def test_a_modifier_let_go_unseen_goes_up_with_the_next_move() -> None:
    hands = new_hands()
    do(hands, KeyDown(key="Alt", code="AltLeft", modifiers=1))
    assert told(do(hands, MouseMove(x=1, y=1))) == ["keyUp", "mouseMoved"]
    assert not hands.holds


def test_text_and_pasted_text_are_put_in_and_told_apart() -> None:
    typed, pasted = do(new_hands(), Insert(text="日本語"), Paste(text="a\r\nb\x00"))
    assert typed == Command("Input.insertText", {"text": "日本語"})
    assert pasted == Command("Input.insertText", {"text": "a\nb"}, pastes=True)
    assert do(new_hands(), Insert(text=""), Paste(text="\x00")) == []


def test_a_composition_begins_goes_on_and_is_ended_by_its_text() -> None:
    hands = new_hands()
    steps = do(hands, Compose(text="に", cursor=1), Compose(text="にほ", cursor=99), Insert(text="日本"))
    assert [step.role for step in steps if isinstance(step, Command)] == [Role.BEGIN, Role.CONTINUE, Role.END]
    assert {step.unit for step in steps if isinstance(step, Command)} == {1}
    assert isinstance(steps[1], Command)
    assert steps[1].params == {"text": "にほ", "selectionStart": 2, "selectionEnd": 2}
    assert not hands.holds


def test_a_cursor_in_a_composition_counts_as_javascript_does() -> None:
    (step,) = do(new_hands(), Compose(text="😀a", cursor=99))
    assert isinstance(step, Command)
    assert step.params["selectionEnd"] == 3


def test_a_composition_is_given_up_once() -> None:
    hands = new_hands()
    assert do(hands, Compose(text="")) == []
    do(hands, Compose(text="に"))
    (step,) = do(hands, Compose(text=""))
    assert isinstance(step, Command)
    assert (step.params["text"], step.role) == ("", Role.END)
    assert do(hands, Compose(text="")) == []


def test_copying_without_keys_asks_for_the_selection_first() -> None:
    steps = do(new_hands(), Copy(cut=True))
    assert steps[0] == TellSelection(cut=True)
    assert told(steps) == ["tell", "rawKeyDown", "keyUp"]
    assert isinstance(steps[1], Command)
    assert steps[1].params["commands"] == ["cut"]


def test_letting_go_lifts_all_there_is() -> None:
    hands = new_hands()
    do(
        hands,
        KeyDown(key="Shift", code="ShiftLeft", modifiers=8),
        KeyDown(key="A", code="KeyA", modifiers=8),
        MouseDown(x=1, y=1, modifiers=8),
        Touch(phase="start", points=[TouchPoint(id=1, x=1, y=1)], modifiers=8),
        Compose(text="x"),
    )
    assert hands.holds
    assert told(do(hands, ReleaseAll())) == [
        "touchCancel",
        "cancelDragging",
        "mouseReleased",
        "keyUp",
        "keyUp",
        "imeSetComposition",
    ]
    assert not hands.holds
    assert do(hands, ReleaseAll()) == []


def test_hands_of_one_queue_share_their_numbers() -> None:
    units = itertools.count(1)
    first, second = Hands({}, units), Hands({}, units)
    steps = do(first, KeyDown(key="a")) + do(second, KeyDown(key="a"))
    assert [step.unit for step in steps if isinstance(step, Command)] == [1, 2]


def test_halves_of_pairs_are_left_out_of_text() -> None:
    assert clean_text("a\ud800b\udc00😀") == "ab😀"


# --- whatever comes -----------------------------------------------------------------------------------------------

coordinates = st.floats(-1e6, 1e6) | st.sampled_from([0.0, 10.0, 640.0, 1279.0, 1280.0])
sides = st.sampled_from([0.0, 0.0, 640.0, 460.0, 1e-300]) | st.floats(0, 1e5)
modifiers = st.integers(0, 15)
buttons = st.sampled_from(["none", "left", "middle", "right", "back", "forward"])
keys = st.sampled_from(["a", "A", "Shift", "Control", "Meta", "Alt", "AltGraph", "Enter", "Dead", "v", "x", "é"])
codes = st.sampled_from(["", "KeyA", "ShiftLeft", "ControlLeft", "MetaLeft", "AltRight", "KeyV", "KeyX", "Enter"])
placed = {"x": coordinates, "y": coordinates, "width": sides, "height": sides, "modifiers": modifiers}
points = st.lists(
    st.builds(TouchPoint, id=st.integers(0, 5) | st.integers(0, 1 << 31), x=coordinates, y=coordinates), max_size=16
)
texts = st.text(max_size=8)
messages: st.SearchStrategy[InputMessage] = st.one_of(
    st.builds(MouseMove, **placed),
    st.builds(MouseDown, **placed, button=buttons, clicks=st.integers(0, 3)),
    st.builds(MouseUp, **placed, button=buttons),
    st.builds(Wheel, **placed, delta_x=coordinates, delta_y=coordinates, mode=st.integers(0, 2)),
    st.builds(
        Touch,
        phase=st.sampled_from(["start", "move", "end", "cancel"]),
        points=points,
        width=sides,
        height=sides,
        modifiers=modifiers,
    ),
    st.builds(KeyDown, key=keys | texts, code=codes | texts, modifiers=modifiers, repeat=st.booleans()),
    st.builds(KeyUp, key=keys | texts, code=codes | texts, modifiers=modifiers),
    st.builds(Insert, text=texts),
    st.builds(Compose, text=texts, cursor=st.integers(0, 100)),
    st.builds(Paste, text=texts),
    st.builds(Copy, cut=st.booleans()),
    st.just(ReleaseAll()),
)
pages = st.sampled_from([PAGE, (1.0, 1.0), (0.0, 0.0), (3840.0, 2160.0)])


class Chromium:
    """What is down in the browser, by what it is told; nothing goes up that was not."""

    def __init__(self) -> None:
        self.buttons: set[str] = set()
        self.keys: set[tuple[str, str]] = set()
        self.fingers: set[int] = set()
        self.composes = False

    def take(self, step: Step) -> None:
        if isinstance(step, TellSelection):
            return
        params = step.params
        match step.method:
            case "Input.dispatchMouseEvent":
                self._mouse(params["type"], params["button"])
                assert bool(params["buttons"]) == bool(self.buttons)
            case "Input.dispatchKeyEvent":
                self._key(params["type"], (params["key"], params["code"]), is_repeat=params.get("autoRepeat", False))
            case "Input.dispatchTouchEvent":
                now = {point["id"] for point in params["touchPoints"]}
                assert bool(now) == (params["type"] in ("touchStart", "touchMove"))
                assert self.fingers or params["type"] == "touchStart"
                assert len(now) <= 16
                assert params["type"] == "touchStart" or now <= self.fingers
                self.fingers = now
            case "Input.imeSetComposition":
                assert params["text"] or self.composes
                self.composes = bool(params["text"])
            case "Input.insertText":
                assert params["text"]
                self.composes = self.composes and step.role is not Role.END
            case _:
                assert step.method == "Input.cancelDragging"

    def _mouse(self, type_: str, button: str) -> None:
        if type_ == "mousePressed":
            assert button not in self.buttons
            self.buttons.add(button)
        elif type_ == "mouseReleased":
            assert button in self.buttons
            self.buttons.remove(button)

    def _key(self, type_: str, key: tuple[str, str], *, is_repeat: bool) -> None:
        if type_ == "keyUp":
            self.keys.discard(key)
        elif not is_repeat:
            self.keys.add(key)
        assert len(self.keys) <= 33

    @property
    def holds(self) -> bool:
        return bool(self.buttons or self.fingers or self.composes)


def units_are_whole(steps: Sequence[Step]) -> bool:
    """Whether all that was begun has ended, and nothing else."""
    held: set[int] = set()
    for step in steps:
        if not isinstance(step, Command) or not step.unit:
            continue
        if step.role is Role.BEGIN:
            assert step.unit not in held
            held.add(step.unit)
        else:
            assert step.unit in held
        if step.role is Role.END:
            held.remove(step.unit)
    return not held


@given(st.lists(st.tuples(messages, st.floats(0, 1e6), pages), max_size=60))
def test_whatever_was_done_nothing_is_held_once_all_is_let_go(
    script: list[tuple[InputMessage, float, tuple[float, float]]],
) -> None:
    hands = new_hands()
    browser = Chromium()
    steps: list[Step] = []
    for message, now_s, page in script:
        steps += hands.translate(message, now_s, *page)
    steps += hands.release_all()
    for step in steps:
        browser.take(step)
    assert not hands.holds
    assert not browser.holds
    assert units_are_whole(steps)
    assert hands.release_all() == []


@given(st.lists(st.tuples(messages, st.integers(0, 3)), max_size=60), st.integers(1, 12))
def test_whatever_the_queue_left_out_nothing_stays_held(script: list[tuple[InputMessage, int]], room: int) -> None:
    hands = new_hands()
    queue = StepQueue(max_steps=room, max_text_chars=12)
    sent: list[Step] = []
    for message, takes in script:
        queue.put(hands.translate(message, 0.0, *PAGE))
        sent += [step for step in (queue.take() for _ in range(takes)) if step is not None]
    queue.put(hands.release_all())
    while (step := queue.take()) is not None:
        sent.append(step)
    assert units_are_whole(sent)


@given(messages, st.floats(allow_nan=True), st.floats(allow_nan=True), st.floats(allow_nan=True))
def test_no_message_clock_or_page_makes_it_raise(
    message: InputMessage, now_s: float, width: float, height: float
) -> None:
    hands = new_hands()
    hands.translate(message, now_s, width, height)
    hands.translate(message, now_s, width, height)
    hands.release_all()
    assert not hands.holds
