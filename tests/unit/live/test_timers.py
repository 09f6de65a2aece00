from cloche.live.timers import Alarm
from cloche.testing.live_stream import FakeTimers


def pass_time(timers: FakeTimers, seconds: float) -> None:
    until = timers.time() + seconds
    while timers.turn(until):
        pass


def test_an_alarm_rings_once_and_no_later_than_it_was_set_for() -> None:
    timers, rang = FakeTimers(), []
    alarm = Alarm(timers, lambda: rang.append(timers.time() - 1000))
    alarm.by(1002)
    alarm.by(1005)
    alarm.by(1001)
    pass_time(timers, 10)
    assert rang == [1]
    assert not alarm.is_set
    assert timers.pending == 0


def test_an_alarm_that_is_off_does_not_ring() -> None:
    timers, rang = FakeTimers(), []
    alarm = Alarm(timers, lambda: rang.append(1))
    alarm.by(1002)
    alarm.off()
    alarm.off()
    pass_time(timers, 10)
    assert rang == []
    assert timers.pending == 0


def test_an_alarm_for_a_time_gone_by_rings_soon_but_not_within_the_call() -> None:
    timers, rang = FakeTimers(), []
    alarm = Alarm(timers, lambda: rang.append(1))
    alarm.by(0)
    assert rang == []
    pass_time(timers, 0.01)
    assert rang == [1]
