"""Where frames begin and end."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from cloche.data_plane.frames import MAX_REASON_BYTES, FrameCounter, close_frame


def frame(opcode: int, length: int, *, masked: bool = False) -> bytes:
    mask = 0x80 if masked else 0
    if length < 126:
        header = struct.pack(">BB", 0x80 | opcode, mask | length)
    elif length < 1 << 16:
        header = struct.pack(">BBH", 0x80 | opcode, mask | 126, length)
    else:
        header = struct.pack(">BBQ", 0x80 | opcode, mask | 127, length)
    return header + (b"\x01\x02\x03\x04" if masked else b"") + b"\x88" * length


lengths = st.integers(0, 300) | st.sampled_from([125, 126, 127, 65535, 65536, 70000])
frames = st.lists(st.builds(frame, st.integers(0, 7), lengths, masked=st.booleans()), max_size=5)


@given(frames, st.integers(0, 50), st.lists(st.integers(1, 70_000), max_size=12))
def test_boundaries_are_where_frames_end_however_the_bytes_arrive(
    parts: list[bytes], skip: int, steps: list[int]
) -> None:
    stream = b"h" * skip + b"".join(parts)
    ends, position = {skip}, skip
    for part in parts:
        position += len(part)
        ends.add(position)
    counter, position = FrameCounter(skip), 0
    for step in [*steps, len(stream)]:
        counter.feed(memoryview(stream)[position : position + step])
        position = min(position + step, len(stream))
        assert counter.at_boundary == (position in ends)
        assert not counter.close_seen


@given(st.integers(1, 4))
def test_a_close_frame_is_noticed_with_its_header(size: int) -> None:
    data = frame(8, 2)
    counter = FrameCounter()
    counter.feed(memoryview(data)[:size])
    assert counter.close_seen == (size >= 2)
    assert counter.at_boundary == (size == 4)


def test_a_length_without_end_is_never_a_boundary() -> None:
    counter = FrameCounter()
    counter.feed(memoryview(b"\x82\x7f" + b"\xff" * 8 + b"x" * 100))
    assert not counter.at_boundary


@given(st.integers(1000, 4999), st.text(max_size=200))
def test_a_close_frame_holds_its_code_and_as_much_of_the_reason_as_fits(code: int, reason: str) -> None:
    data = close_frame(code, reason)
    assert data[0] == 0x88 and data[1] == len(data) - 2 <= 125
    assert struct.unpack(">H", data[2:4])[0] == code
    text = data[4:].decode()
    assert reason.startswith(text)
    assert text == reason or len(reason[: len(text) + 1].encode()) > MAX_REASON_BYTES
    counter = FrameCounter()
    counter.feed(memoryview(data))
    assert counter.at_boundary and counter.close_seen
