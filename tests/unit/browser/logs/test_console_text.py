"""What a script logged, as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.logs.console_events import Called, Frame, Preview, Property, Stack, Value
from cloche.browser.logs.console_text import MAX_FRAMES, message_of, stack_of, text_of


def string(text: str) -> Value:
    return Value(type="string", value=text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (string("plain"), "plain"),
        (Value(type="number", value=7, description="7"), "7"),
        (Value(type="number", unserializableValue="-0"), "-0"),
        (Value(type="undefined"), "undefined"),
        (Value(type="object", subtype="null", value=None), "null"),
        (Value(type="boolean", value=True), "true"),
        (Value(type="bigint", unserializableValue="5n"), "5n"),
        (Value(type="object", subtype="error", description="Error: no\n at x"), "Error: no\n at x"),
        (
            Value(
                type="object",
                preview=Preview(
                    description="Object", properties=[Property("a", "string", "x"), Property("b", "number", "2")]
                ),
            ),
            '{a: "x", b: 2}',
        ),
        (
            Value(
                type="object",
                subtype="array",
                preview=Preview(subtype="array", overflow=True, properties=[Property("0", "number", "1")]),
            ),
            "[1, …]",
        ),
    ],
)
def test_a_value_is_shown_as_a_console_shows_it(value: Value, text: str) -> None:
    assert text_of(value) == text


def test_patterns_are_filled_in_and_styles_left_out() -> None:
    texts = ["%cHi %s, %d%% of %i %x", "color: red", "you", "9", "3", "rest"]
    event = Called(args=[string(text) for text in texts])
    assert message_of(event) == "Hi you, 9% of 3 %x rest"


def test_a_pattern_without_arguments_stays() -> None:
    assert message_of(Called(args=[string("100% %s")])) == "100% %s"


@given(st.lists(st.text(alphabet="%sdcifoO x", max_size=12), max_size=5))
def test_any_pattern_becomes_some_text(texts: list[str]) -> None:
    assert isinstance(message_of(Called(args=[string(text) for text in texts])), str)


def test_a_stack_is_cut_and_its_parents_are_named() -> None:
    frames = [Frame("f", "http://x/y.js", 3, 7)]
    stack = Stack(frames, parent=Stack([Frame("", "http://x/z.js", 0, 0)], description="setTimeout"))
    assert stack_of(stack).split("\n") == [
        "at f (http://x/y.js:4:8)",
        "--- setTimeout ---",
        "at (anonymous) (http://x/z.js:1:1)",
    ]
    assert len(stack_of(Stack(frames * 100)).split("\n")) == MAX_FRAMES
