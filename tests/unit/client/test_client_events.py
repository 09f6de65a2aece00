"""Following an event stream over drops."""

import pytest

from cloche.client.events import MAX_ATTEMPTS, EventPosition
from cloche.errors import InternalError, LostError

READY = '{"id":7,"session_id":"s","type":"session.ready","at":"2026-11-22T12:00:00Z","data":{}}'


def test_the_position_moves_with_each_event_and_ends_with_the_last() -> None:
    position = EventPosition()
    assert position.take(READY).type == "session.ready"
    assert position.after == 7 and not position.has_ended
    position.take(READY.replace("ready", "closed"))
    assert position.has_ended


def test_pauses_grow_until_it_gives_up_and_an_event_starts_them_anew() -> None:
    position = EventPosition()
    pauses = [position.pause_s() for _ in range(MAX_ATTEMPTS)]
    assert pauses == sorted(pauses) and pauses[0] < pauses[-1] <= 5
    with pytest.raises(LostError):
        position.pause_s()
    position.take(READY)
    assert position.pause_s() == pauses[0]


@pytest.mark.parametrize("data", ["", "{}", "x", READY.replace("7", '"x"')])
def test_an_event_that_is_none_is_the_servers_fault(data: str) -> None:
    with pytest.raises(InternalError):
        EventPosition().take(data)
