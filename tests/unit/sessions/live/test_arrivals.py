from cloche.sessions.live.arrivals import AT_ONCE, PER_SECOND, Arrivals


def test_many_may_come_at_once_and_then_one_after_the_other() -> None:
    arrivals = Arrivals()
    assert [arrivals.take(5.0) for _ in range(AT_ONCE + 2)] == [True] * AT_ONCE + [False] * 2
    assert arrivals.take(5.0 + 1 / PER_SECOND)
    assert not arrivals.take(5.0 + 1 / PER_SECOND)
    assert not arrivals.take(0.0), "a clock that goes back brings nothing"
