from cloche.live.messages import Copy, Insert, KeyUp, MouseMove, Navigate, Touch, Wheel
from cloche.live.metrics import INPUT_EVENTS
from cloche.sessions.live.input_kinds import kind_of


def test_every_message_is_of_a_kind_that_is_counted() -> None:
    messages = (
        MouseMove(x=1, y=1),
        Wheel(x=1, y=1),
        Touch(phase="start", points=[]),
        KeyUp(key="a"),
        Insert(text="a"),
        Copy(),
        Navigate(url="a"),
    )
    assert {kind_of(message) for message in messages} == INPUT_EVENTS
