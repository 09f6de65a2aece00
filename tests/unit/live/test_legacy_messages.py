"""The messages of the older API, in both the forms that its users write."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.live.legacy_messages import read_legacy_message
from cloche.live.messages import (
    MAX_MESSAGE_BYTES,
    ClientMessage,
    KeyDown,
    KeyUp,
    MalformedMessageError,
    MouseDown,
    MouseMove,
    MouseUp,
    Wheel,
)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"type": "mousemove", "x": 1, "y": 2}, MouseMove(x=1, y=2)),
        (
            {"type": "mousemove", "x": 1.5, "y": 2, "width": 640, "height": 360},
            MouseMove(x=1.5, y=2, width=640, height=360),
        ),
        ({"type": "mousedown", "x": 1, "y": 2}, MouseDown(x=1, y=2, button="left")),
        ({"type": "mousedown", "x": 1, "y": 2, "button": "left"}, MouseDown(x=1, y=2, button="left")),
        ({"type": "mousedown", "x": 1, "y": 2, "button": "Right"}, MouseDown(x=1, y=2, button="right")),
        ({"type": "mousedown", "x": 1, "y": 2, "button": 0}, MouseDown(x=1, y=2, button="left")),
        ({"type": "mousedown", "x": 1, "y": 2, "button": 1}, MouseDown(x=1, y=2, button="middle")),
        ({"type": "mouseup", "x": 1, "y": 2, "button": 2}, MouseUp(x=1, y=2, button="right")),
        ({"type": "mouseup", "x": 1, "y": 2, "button": 3}, MouseUp(x=1, y=2, button="back")),
        ({"type": "mouseup", "x": 1, "y": 2, "button": 4}, MouseUp(x=1, y=2, button="forward")),
        ({"type": "scroll", "x": 1, "y": 2, "deltaX": 3, "deltaY": -4}, Wheel(x=1, y=2, delta_x=3, delta_y=-4)),
        ({"type": "scroll", "x": 1, "y": 2, "deltaY": 3, "deltaMode": 1}, Wheel(x=1, y=2, delta_y=3, mode=1)),
        ({"type": "keydown", "key": "Enter", "code": "Enter"}, KeyDown(key="Enter", code="Enter")),
        ({"type": "keydown", "key": "a", "modifiers": []}, KeyDown(key="a")),
        ({"type": "keydown", "key": "a", "modifiers": ["ctrl", "SHIFT"]}, KeyDown(key="a", modifiers=10)),
        ({"type": "keydown", "key": "a", "modifiers": ["Control", "Alt", "Meta"]}, KeyDown(key="a", modifiers=7)),
        ({"type": "keydown", "key": "a", "modifiers": 9}, KeyDown(key="a", modifiers=9)),
        ({"type": "keyup", "key": "a", "code": "KeyA", "unknown": {"x": 1}}, KeyUp(key="a", code="KeyA")),
    ],
)
def test_what_is_documented_and_what_is_sent_are_both_read(fields: dict[str, Any], expected: ClientMessage) -> None:
    assert read_legacy_message(json.dumps(fields)) == expected
    assert read_legacy_message(json.dumps(fields).encode()) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "nonsense",
        '{"type": "click", "x": 1, "y": 2}',
        '{"type": "mousemove", "x": 1}',
        '{"type": "mousemove", "x": "1", "y": 2}',
        '{"type": "mousemove", "x": 1e7, "y": 2}',
        '{"type": "mousemove", "x": NaN, "y": 2}',
        '{"type": "mousemove", "x": null, "y": 2}',
        '{"type": "mousemove", "x": 1, "y": 2, "width": -1}',
        '{"type": "mousedown", "x": 1, "y": 2, "button": 5}',
        '{"type": "mousedown", "x": 1, "y": 2, "button": -1}',
        '{"type": "mousedown", "x": 1, "y": 2, "button": true}',
        '{"type": "mousedown", "x": 1, "y": 2, "button": "none"}',
        '{"type": "mousedown", "x": 1, "y": 2, "button": "thumb"}',
        '{"type": "mousedown", "x": 1, "y": 2, "modifiers": ["hyper"]}',
        '{"type": "mousedown", "x": 1, "y": 2, "modifiers": [1]}',
        '{"type": "mousedown", "x": 1, "y": 2, "modifiers": 16}',
        '{"type": "mousedown", "x": 1, "y": 2, "modifiers": "ctrl"}',
        '{"type": "keydown"}',
        '{"type": "keydown", "key": "%s"}' % ("a" * 65),
        '{"type": "scroll", "x": 1, "y": 2, "deltaMode": 3}',
        '{"type": "keydown", "key": "\\ud800"}',
        "[" * 100_000,
        " " * (MAX_MESSAGE_BYTES + 1),
    ],
)
def test_what_is_not_is_malformed(text: str) -> None:
    with pytest.raises(MalformedMessageError):
        read_legacy_message(text)


def test_an_error_quotes_nothing_of_what_came() -> None:
    with pytest.raises(MalformedMessageError) as caught:
        read_legacy_message('{"type": "keydown", "key": ["secret"]}')
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@given(st.binary() | st.text())
def test_no_bytes_raise_anything_else(data: bytes | str) -> None:
    with contextlib.suppress(MalformedMessageError):
        read_legacy_message(data)
