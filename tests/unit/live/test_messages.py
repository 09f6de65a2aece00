"""What viewers may say, and what is no message."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.live.messages import (
    MAX_MESSAGE_BYTES,
    MAX_TEXT_CHARS,
    Back,
    Candidate,
    ClientMessage,
    KeyDown,
    MalformedMessageError,
    MouseDown,
    Paste,
    Start,
    Touch,
    Wheel,
    read_client_message,
    write_message,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
TYPES = ["mousemove", "mousedown", "wheel", "touch", "keydown", "text", "paste", "navigate", "resize", "start", "ping"]


def read(**fields: Any) -> ClientMessage:
    return read_client_message(json.dumps(fields))


def test_messages_are_read_by_their_type():
    assert read(type="mousedown", x=1, y=2.5, button="right", clicks=2, modifiers=8) == MouseDown(
        x=1, y=2.5, button="right", clicks=2, modifiers=8
    )
    assert read(type="wheel", x=0, y=0, delta_y=-3, mode=1) == Wheel(x=0, y=0, delta_y=-3, mode=1)
    assert read(type="keydown", key="a", code="KeyA") == KeyDown(key="a", code="KeyA")
    assert read(type="start", transport="webcodecs", codecs=["vp8"]) == Start(transport="webcodecs", codecs=["vp8"])
    assert read(type="candidate") == Candidate()
    assert read(type="back") == Back()
    touch = read(type="touch", phase="start", points=[{"id": 1, "x": 2, "y": 3}])
    assert isinstance(touch, Touch) and touch.points[0].force == 0.5


def test_what_is_not_known_of_a_known_type_is_left_out():
    assert read(type="back", colour="red") == Back()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"type": "fly"},
        {"type": "mousemove", "x": 1},
        {"type": "mousemove", "x": "1", "y": 1},
        {"type": "mousemove", "x": 1e7, "y": 1},
        {"type": "mousemove", "x": 1, "y": 1, "modifiers": 16},
        {"type": "mousedown", "x": 1, "y": 1, "button": "sixth"},
        {"type": "mousedown", "x": 1, "y": 1, "clicks": 4},
        {"type": "wheel", "x": 1, "y": 1, "mode": 3},
        {"type": "touch", "phase": "start", "points": [{"id": 1, "x": 1, "y": 1}] * 17},
        {"type": "touch", "phase": "begin", "points": []},
        {"type": "paste", "text": "a" * (MAX_TEXT_CHARS + 1)},
        {"type": "resize", "width": 3841, "height": 10},
        {"type": "resize", "width": 10.5, "height": 10},
        {"type": "start", "transport": "pigeon"},
        {"type": "ack", "seq": -1},
        {"type": "offer", "sdp": "v" * (1 << 17)},
    ],
)
def test_a_wrong_form_or_a_number_out_of_bounds_is_no_message(fields: dict[str, Any]):
    with pytest.raises(MalformedMessageError) as refused:
        read(**fields)
    assert "fly" not in str(refused.value) and len(str(refused.value)) < 40


@pytest.mark.parametrize("data", ["", "null", "[]", "{", '{"type":"mousemove","x":NaN,"y":1}', b"\xff\xfe", "[" * 5000])
def test_what_is_no_json_is_no_message(data: str | bytes):
    with pytest.raises(MalformedMessageError):
        read_client_message(data)


def test_a_message_beyond_the_bound_is_not_even_read():
    assert read(type="paste", text="a" * MAX_TEXT_CHARS) == Paste(text="a" * MAX_TEXT_CHARS)
    with pytest.raises(MalformedMessageError, match="too large"):
        read_client_message(b'{"type":"back"' + b" " * MAX_MESSAGE_BYTES + b"}")


@given(st.sampled_from(TYPES), st.dictionaries(st.text(max_size=8), JSON, max_size=5))
def test_nothing_else_is_ever_raised(type_: str, fields: dict[str, Any]):
    try:
        message = read(**(fields | {"type": type_}))
    except MalformedMessageError:
        return
    assert msgspec.json.decode(msgspec.json.encode(message), type=type(message)) == message


def test_messages_to_viewers_are_objects_with_a_type():
    assert json.loads(write_message("pong", {"t": 1.5})) == {"type": "pong", "t": 1.5}
