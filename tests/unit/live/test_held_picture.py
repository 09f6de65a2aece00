from hypothesis import given
from hypothesis import strategies as st

from cloche.live.binary import binary_message
from cloche.live.held_picture import MAX_AGE_MS, MAX_PICTURE_BYTES, HeldPicture, is_acceptable, passed_on
from cloche.testing.live_stream import JPEG

numbers = st.integers(-(1 << 70), 1 << 70)


@given(st.lists(st.tuples(st.booleans(), numbers, numbers, numbers, st.floats(0, 100)), max_size=50))
def test_numbers_and_times_go_forward_and_fit_whatever_comes(
    steps: list[tuple[bool, int, int, int, float]],
) -> None:
    held, now, seq, taken_at_ms = HeldPicture(), 1000.0, 0, 0
    wall_ms = 1_700_000_000_000
    for is_new, at, width, height, gap in steps:
        now += gap
        wall_ms += int(gap * 1000)
        if is_new or held.picture is None:
            picture = held.replace(JPEG, at, width, height, now=now, wall_ms=wall_ms)
        else:
            picture = held.renewed(now)
        assert picture.seq == seq + 1
        assert picture.taken_at_ms > taken_at_ms
        assert picture.taken_at_ms <= wall_ms + len(steps)
        assert 0 <= picture.width <= 0xFFFF
        assert 0 <= picture.height <= 0xFFFF
        seq, taken_at_ms = picture.seq, picture.taken_at_ms
        assert binary_message(passed_on(picture)).endswith(JPEG)


def test_a_time_that_can_be_is_kept() -> None:
    held = HeldPicture()
    assert held.replace(JPEG, 99_950, 1, 1, now=0, wall_ms=100_000).taken_at_ms == 99_950
    assert held.replace(JPEG, 100_001 - MAX_AGE_MS, 1, 1, now=0, wall_ms=100_000).taken_at_ms == 99_951
    assert held.replace(JPEG, 100_001, 1, 1, now=0, wall_ms=100_000).taken_at_ms == 100_000


def test_the_same_picture_once_more_is_of_a_later_time() -> None:
    held = HeldPicture()
    held.replace(JPEG, 100_000, 1, 1, now=50, wall_ms=100_000)
    assert held.renewed(52.5).taken_at_ms == 102_500
    assert held.renewed(52.5).taken_at_ms == 102_501
    assert held.renewed(53.5).taken_at_ms == 103_501


def test_it_knows_which_numbers_are_of_the_newest() -> None:
    held = HeldPicture()
    assert not held.is_newest(0)
    held.replace(JPEG, 1, 1, 1, now=0, wall_ms=1)
    held.renewed(0)
    assert held.is_newest(1)
    held.replace(JPEG, 1, 1, 1, now=0, wall_ms=1)
    assert not held.is_newest(2)
    assert held.is_newest(3)
    held.forget()
    assert not held.is_newest(3)
    assert held.picture is None


def test_only_what_looks_like_jpeg_and_is_not_too_large_is_acceptable() -> None:
    assert is_acceptable(JPEG)
    assert not is_acceptable(b"")
    assert not is_acceptable(b"<svg>")
    assert not is_acceptable(JPEG + bytes(MAX_PICTURE_BYTES))
