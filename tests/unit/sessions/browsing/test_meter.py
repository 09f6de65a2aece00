import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.contract.common import ActionError, Failure
from cloche.sessions.browsing.meter import Meter


def refusal(meter: Meter, now: float) -> ActionError:
    with pytest.raises(ActionError) as caught:
        meter.take(now)
    return caught.value


def test_as_many_actions_are_let_through_as_the_session_has() -> None:
    meter = Meter(actions=3, per_window=10, window_ms=1000)
    for now in range(3):
        meter.take(float(now))

    assert (meter.taken, meter.left) == (3, 0)
    assert refusal(meter, 99.0).code is Failure.BUDGET_EXHAUSTED
    assert meter.taken == 3


def test_what_an_earlier_daemon_counted_stays_taken() -> None:
    meter = Meter(actions=3, per_window=10, window_ms=1000, taken=2)
    meter.take(0.0)

    assert refusal(meter, 0.0).code is Failure.BUDGET_EXHAUSTED
    assert Meter(actions=3, per_window=10, window_ms=1000, taken=5).left == 0


def test_a_full_window_says_when_the_next_action_is_free() -> None:
    meter = Meter(actions=100, per_window=2, window_ms=1000)
    meter.take(10.0)
    meter.take(10.5)

    error = refusal(meter, 10.75)
    assert error.code is Failure.RATE_LIMITED
    assert error.detail == "2 actions in 1000 ms; the next in 250 ms"
    assert (meter.window_left(10.75), meter.resets_in_ms(10.75)) == (0, 250)

    meter.take(11.0)
    assert meter.taken == 3
    assert (meter.window_left(11.0), meter.resets_in_ms(11.0)) == (0, 500)
    assert (meter.window_left(12.5), meter.resets_in_ms(12.5)) == (2, 0)


def test_looking_takes_nothing_and_a_refusal_is_not_counted() -> None:
    meter = Meter(actions=10, per_window=1, window_ms=1000)
    for _ in range(5):
        meter.check(0.0)
    meter.take(0.0)
    for _ in range(50):
        refusal(meter, 0.5)

    meter.take(1.0)
    assert meter.taken == 2


def test_used_up_is_told_before_too_fast() -> None:
    meter = Meter(actions=1, per_window=1, window_ms=1000)
    meter.take(0.0)

    assert refusal(meter, 0.0).code is Failure.BUDGET_EXHAUSTED


@given(
    steps=st.lists(st.floats(0, 2, allow_nan=False), max_size=120),
    per_window=st.integers(1, 5),
    window_ms=st.integers(1, 1500),
    actions=st.integers(1, 60),
)
def test_no_window_ever_holds_more_than_it_may(
    steps: list[float], per_window: int, window_ms: int, actions: int
) -> None:
    meter = Meter(actions=actions, per_window=per_window, window_ms=window_ms)
    now, taken = 0.0, list[float]()
    for step in steps:
        now += step
        room = sum(now - earlier < window_ms / 1000 for earlier in taken) < per_window
        try:
            meter.take(now)
        except ActionError:
            assert not room or len(taken) == actions, "refused although there was room"
        else:
            taken.append(now)
    assert len(taken) == meter.taken <= actions
    for first, after in zip(taken, taken[per_window:], strict=False):
        assert after - first >= window_ms / 1000


@given(st.lists(st.floats(0, 0.3, allow_nan=False), max_size=40))
def test_who_waits_as_long_as_told_is_let_through(steps: list[float]) -> None:
    meter = Meter(actions=1000, per_window=3, window_ms=500)
    now = 0.0
    for step in steps:
        now += step
        wait_s = meter.resets_in_ms(now) / 1000
        assert (wait_s == 0) == (meter.window_left(now) > 0)
        now += wait_s + 1e-9
        meter.take(now)
