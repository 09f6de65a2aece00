"""What a viewer may say, and when it is a flood."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.live.input.rate import MESSAGES, Allowance, MessageRate, Verdict, is_release
from cloche.live.messages import InputMessage, KeyDown, KeyUp, MouseMove, MouseUp, ReleaseAll, Touch

SMALL = Allowance(per_second=10, burst=20)


def test_a_burst_passes_then_is_dropped_then_is_a_flood() -> None:
    rate = MessageRate(SMALL)
    verdicts = [rate.message(0) for _ in range(50)]
    assert verdicts == [Verdict.OK] * 20 + [Verdict.DROP] * 20 + [Verdict.FLOOD] * 10
    assert rate.dropped == 30


def test_the_sustained_rate_passes_for_ever() -> None:
    rate = MessageRate(SMALL)
    assert {rate.message(number / 10) for number in range(2000)} == {Verdict.OK}


def test_a_little_over_the_rate_is_a_flood_in_the_end() -> None:
    rate = MessageRate(SMALL)
    verdicts = [rate.message(number / 12) for number in range(1000)]
    assert verdicts[:100] == [Verdict.OK] * 100
    assert verdicts.index(Verdict.DROP) < verdicts.index(Verdict.FLOOD)
    assert Verdict.OK not in verdicts[verdicts.index(Verdict.FLOOD) :]


def test_a_pause_fills_it_again() -> None:
    rate = MessageRate(SMALL)
    for _ in range(40):
        rate.message(0)
    assert rate.message(1) is Verdict.DROP
    assert rate.message(10) is Verdict.OK


def test_no_hand_is_dropped() -> None:
    rate = MessageRate()
    assert MESSAGES.per_second == 1000
    assert {rate.message(number / 1000) for number in range(5000)} == {Verdict.OK}


def test_malformed_messages_are_never_right_and_soon_a_flood() -> None:
    rate = MessageRate(malformed=SMALL)
    assert [rate.malformed(0) for _ in range(22)] == [Verdict.DROP] * 20 + [Verdict.FLOOD] * 2
    assert rate.dropped == 22


def test_malformed_messages_count_as_messages_too() -> None:
    rate = MessageRate(SMALL, malformed=Allowance(per_second=1e9, burst=1e9))
    assert [rate.malformed(0) for _ in range(41)][-1] is Verdict.FLOOD


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True)))
def test_any_clock_gives_a_verdict_and_no_more_than_the_burst_and_what_time_brings(times: list[float]) -> None:
    rate = MessageRate(SMALL)
    passed = [now_s for now_s in times if rate.message(now_s) is Verdict.OK]
    finite = [now_s for now_s in times if math.isfinite(now_s)]
    elapsed = max(finite) - finite[0] if finite else 0
    assert len(passed) <= SMALL.burst + elapsed * SMALL.per_second + 1


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (MouseUp(x=0, y=0), True),
        (KeyUp(key="a"), True),
        (ReleaseAll(), True),
        (Touch(phase="end", points=[]), True),
        (Touch(phase="cancel", points=[]), True),
        (Touch(phase="move", points=[]), False),
        (MouseMove(x=0, y=0), False),
        (KeyDown(key="a"), False),
    ],
)
def test_what_lifts_is_told_from_what_does_not(message: InputMessage, expected: bool) -> None:
    assert is_release(message) is expected
