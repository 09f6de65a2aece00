from hypothesis import given
from hypothesis import strategies as st

from cloche.live.ack_pace import (
    BEHIND_BYTES,
    BEHIND_S,
    LARGER_AFTER_S,
    MAX_TRACKED,
    QUALITIES,
    WINDOW,
    AckLag,
    InFlight,
    JpegPace,
)


class Link:
    """Takes one picture after another, each for so long; the viewer keeps the window full."""

    def __init__(self) -> None:
        self.pace = JpegPace()
        self.in_flight = InFlight()
        self.now = 0.0
        self.seq = 0

    def carry(self, seconds: float, per_picture_s: float) -> None:
        until = self.now + seconds
        while self.now < until:
            while len(self.in_flight) < WINDOW:
                self.seq += 1
                self.in_flight.sent(self.now, self.seq, 1000)
            self.now += per_picture_s
            self.pace.acknowledged(self.now, self.in_flight.acknowledged(self.seq - 1))

    def slow_down(self) -> None:
        """Until the pictures are made smaller."""
        level = self.pace.level
        while self.pace.level == level:
            self.carry(0.1, 0.2)


def test_a_fast_link_gets_what_chromium_made() -> None:
    link = Link()
    link.carry(60, 0.02)
    assert link.pace.level == 0


def test_a_link_that_cannot_take_eight_pictures_a_second_gets_smaller_ones() -> None:
    link = Link()
    link.carry(1, 0.2)
    assert link.pace.level == 1
    link.carry(2, 0.2)
    assert link.pace.level == 3
    link.carry(60, 0.2)
    assert link.pace.level == len(QUALITIES) - 1


def test_a_hopeless_link_does_not_wait_for_more_evidence() -> None:
    link = Link()
    link.carry(0.5, 2)
    link.carry(0.5, 2)
    assert link.pace.level >= 1


def test_larger_pictures_are_tried_after_a_while_and_later_when_that_failed() -> None:
    link = Link()
    link.slow_down()
    assert link.pace.level == 1
    link.carry(LARGER_AFTER_S - 1, 0.03)
    assert link.pace.level == 1
    link.carry(2, 0.03)
    assert link.pace.level == 0
    link.slow_down()
    assert link.pace.level == 1
    link.carry(LARGER_AFTER_S + 2, 0.03)
    assert link.pace.level == 1
    link.carry(LARGER_AFTER_S, 0.03)
    assert link.pace.level == 0


def test_a_page_that_seldom_changes_is_no_slow_link() -> None:
    pace, in_flight = JpegPace(), InFlight()
    for seq in range(1, 100):
        in_flight.sent(seq * 10.0, seq, 1000)
        pace.acknowledged(seq * 10.0 + 0.05, in_flight.acknowledged(seq))
    assert pace.level == 0


def test_a_picture_that_is_not_of_the_viewers_quality_says_nothing() -> None:
    pace, in_flight = JpegPace(), InFlight()
    for seq in range(1, 20):
        in_flight.sent(seq * 10.0, seq, 1000, counts=False)
        pace.acknowledged(seq * 10.0 + 5, in_flight.acknowledged(seq))
    assert pace.level == 0


def test_what_was_never_sent_is_not_acknowledged() -> None:
    in_flight = InFlight()
    assert in_flight.acknowledged(1) == []
    in_flight.sent(0, 5, 100)
    assert in_flight.acknowledged(6) == []
    assert in_flight.acknowledged(4) == []
    assert len(in_flight) == 1
    assert [one.seq for one in in_flight.acknowledged(5)] == [5]
    assert in_flight.acknowledged(5) == []


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 600), st.integers(0, 1 << 20)), max_size=400))
def test_what_is_in_flight_is_counted_right_and_bounded(steps: list[tuple[bool, int, int]]) -> None:
    in_flight, seq, expected = InFlight(), 0, []
    for is_sent, ack, size in steps:
        if is_sent:
            seq += 1
            in_flight.sent(0, seq, size)
            expected = [*expected, (seq, size)][-MAX_TRACKED:]
        else:
            done = in_flight.acknowledged(ack)
            if expected and ack <= expected[-1][0]:
                assert [one.seq for one in done] == [n for n, _ in expected if n <= ack]
                expected = [one for one in expected if one[0] > ack]
            else:
                assert done == []
        assert len(in_flight) == len(expected)
        assert in_flight.bytes == sum(size for _, size in expected)


def test_a_far_viewer_is_not_behind() -> None:
    lag, in_flight = AckLag(), InFlight()
    delay = 50
    for seq in range(1, 500):
        now = seq / 60
        in_flight.sent(now, seq, 5000)
        assert not lag.look(now, in_flight)
        lag.acknowledged(now, in_flight.acknowledged(seq - delay))
    assert not lag.behind


def test_a_viewer_whose_acknowledgements_fall_back_is_behind_until_they_come() -> None:
    lag, in_flight = AckLag(), InFlight()
    for seq in range(1, 60):
        in_flight.sent(seq / 60, seq, 5000)
        lag.acknowledged(seq / 60 + 0.05, in_flight.acknowledged(seq))
    in_flight.sent(1, 60, 5000)
    assert not lag.look(1 + BEHIND_S, in_flight)
    assert lag.look(1.1 + BEHIND_S, in_flight)
    assert not lag.look(1.2 + BEHIND_S, in_flight), "told once"
    assert lag.behind
    lag.acknowledged(3, in_flight.acknowledged(60))
    lag.look(3, in_flight)
    assert not lag.behind


def test_too_many_bytes_on_their_way_are_behind_too() -> None:
    lag, in_flight = AckLag(), InFlight()
    in_flight.sent(0, 1, BEHIND_BYTES + 1)
    assert lag.look(0, in_flight)
