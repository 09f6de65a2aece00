import pytest

from cloche.errors import InvalidError
from cloche.sessions.live.interface import RecordingRequest
from cloche.sessions.live.recording.limits import MIN_BYTES, Caps, RecordingLimits, caps_of

LIMITS = RecordingLimits(max_seconds=100, max_bytes=10 << 20)


def test_the_servers_ceilings_hold_where_nothing_is_asked_for() -> None:
    assert caps_of(RecordingRequest(), LIMITS) == Caps(100, 10 << 20)


def test_what_is_asked_for_holds_below_them_and_not_above() -> None:
    assert caps_of(RecordingRequest(max_seconds=10, max_bytes=1 << 20), LIMITS) == Caps(10, 1 << 20)
    assert caps_of(RecordingRequest(max_seconds=1000, max_bytes=1 << 40), LIMITS) == Caps(100, 10 << 20)


@pytest.mark.parametrize(("field", "value"), [("max_seconds", 0), ("max_seconds", -1), ("max_bytes", MIN_BYTES - 1)])
def test_what_could_hold_nothing_is_refused(field: str, value: int) -> None:
    with pytest.raises(InvalidError) as refused:
        caps_of(RecordingRequest(**{field: value}), LIMITS)
    assert refused.value.fields == {"field": field}
