from hypothesis import given
from hypothesis import strategies as st

from cloche.sessions.live.recording.timeline import MAX_DELAY_MS, Timeline


def test_frames_are_placed_by_when_they_were_drawn() -> None:
    timeline = Timeline()
    assert not timeline.has_begun
    assert [timeline.place(10_000 + at, 5.0 + came) for at, came in [(0, 0.0), (40, 0.5), (80, 0.5)]] == [0, 40, 80]
    assert timeline.has_begun
    assert timeline.at_ms(6.0) == 1000


def test_a_time_that_does_not_agree_with_when_it_came_is_not_believed() -> None:
    timeline = Timeline()
    timeline.place(0, 0.0)
    assert timeline.place(60_000, 1.0) == 1000
    assert timeline.place(-60_000, 2.0) == 2000
    assert timeline.place(3000, 3.0 + MAX_DELAY_MS / 1000 + 1) == 9000


def test_before_the_first_frame_there_is_no_time() -> None:
    assert Timeline().at_ms(1e9) == 0


@given(st.lists(st.tuples(st.integers(-(1 << 60), 1 << 60), st.floats(0, 10)), max_size=50))
def test_time_only_goes_forward_whatever_is_claimed(frames: list[tuple[int, float]]) -> None:
    timeline, now, placed = Timeline(), 1000.0, list[int]()
    for taken_at_ms, later_s in frames:
        now += later_s
        placed.append(timeline.place(taken_at_ms, now))
    assert placed == sorted(set(placed))
    assert all(at >= 0 for at in placed)
    assert not placed or placed[-1] <= timeline.at_ms(now) + len(placed)
