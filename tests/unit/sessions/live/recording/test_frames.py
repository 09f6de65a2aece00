import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.sessions.live.recording.frames import Frame, packed, unpacked


@given(st.lists(st.tuples(st.integers(0, (1 << 64) - 1), st.booleans(), st.binary(max_size=50))))
def test_frames_come_out_as_they_went_in(frames: list[tuple[int, bool, bytes]]) -> None:
    batch = b"".join(packed(pts_ms, data, is_key=is_key) for pts_ms, is_key, data in frames)
    assert list(unpacked(batch)) == [Frame(*frame) for frame in frames]


@given(st.integers(1, 20))
def test_what_is_cut_off_is_refused(missing: int) -> None:
    batch = packed(1, b"12345678", is_key=True)
    with pytest.raises(ValueError, match="cut off"):
        list(unpacked(batch[:-missing]))


@given(st.binary(min_size=1))
def test_garbage_is_refused_or_read_in_bounds(garbage: bytes) -> None:
    try:
        frames = list(unpacked(garbage))
    except ValueError:
        return
    assert sum(len(frame.data) for frame in frames) < len(garbage)
