"""Recordings as a player sees them."""

import io
import os
from collections.abc import Iterator

import av
import pytest

from cloche.live.encoder.mux import Muxer, chapters
from cloche.live.encoder.pictures import Pictures
from cloche.live.encoder.wire import HEAD, CodecId, ContainerId, Opening, PictureTask, Task
from cloche.testing.jpegs import moving

BOTH = pytest.mark.parametrize(
    ("container", "codec"), [(ContainerId.WEBM, CodecId.VP8), (ContainerId.MP4, CodecId.H264)], ids=["webm", "mp4"]
)


@pytest.fixture
def muxer() -> Iterator[Muxer]:
    descriptor = os.memfd_create("test", os.MFD_CLOEXEC)
    yield Muxer(descriptor)
    os.close(descriptor)


def video(codec: CodecId, count: int) -> list[tuple[bytes, bool]]:
    """Frames of 160 × 120 and whether they are key frames, which is one in ten."""
    pictures, frames = Pictures(), []
    for step in range(count):
        task = Task(codec, step % 10 == 0, 300_000)
        [data] = pictures.encode(PictureTask(step, step * 40, (task,), memoryview(moving(160, 120, step))))
        frames.append((data[HEAD.size + 13 :], bool(data[1])))
    return frames


def whole(muxer: Muxer) -> bytes:
    return b"".join(muxer.pieces())


@BOTH
def test_a_player_finds_every_frame_the_length_and_the_chapters(
    muxer: Muxer, container: ContainerId, codec: CodecId
) -> None:
    muxer.open(Opening(container, codec, 160, 120, 1 << 24))
    for number, (data, is_key) in enumerate(video(codec, 25)):
        assert muxer.add(number * 100, data, is_key=is_key)
    muxer.finish(10_000, [(0, "opened"), (1200, "clicked “Buy”"), (9000, "closed")])
    with av.open(io.BytesIO(whole(muxer))) as file:
        assert file.duration == 10_000_000
        found = [
            (float(c["start"] * c["time_base"]), float(c["end"] * c["time_base"]), c["metadata"]["title"])
            for c in file.chapters()
        ]
        assert found == [(0, 1.2, "opened"), (1.2, 9, "clicked “Buy”"), (9, 10, "closed")]
        stream = file.streams.video[0]
        assert (stream.width, stream.height) == (160, 120)
        times = [round(float(frame.time), 3) for frame in file.decode(video=0)]
        assert times == [number / 10 for number in range(25)]


@BOTH
def test_a_player_can_seek(muxer: Muxer, container: ContainerId, codec: CodecId) -> None:
    muxer.open(Opening(container, codec, 160, 120, 1 << 24))
    for number, (data, is_key) in enumerate(video(codec, 30)):
        muxer.add(number * 100, data, is_key=is_key)
    muxer.finish(3000, [])
    with av.open(io.BytesIO(whole(muxer))) as file:
        file.seek(2_500_000)
        assert float(next(file.decode(video=0)).time) == 2.0


def test_the_index_of_an_mp4_stands_before_its_pictures(muxer: Muxer) -> None:
    muxer.open(Opening(ContainerId.MP4, CodecId.H264, 160, 120, 1 << 24))
    for number, (data, is_key) in enumerate(video(CodecId.H264, 12)):
        muxer.add(number * 40, data, is_key=is_key)
    muxer.finish(0, [(0, "begin")])
    file = whole(muxer)
    assert 0 < file.index(b"moov") < file.index(b"mdat")


def test_webm_says_which_colours_it_has(muxer: Muxer) -> None:
    muxer.open(Opening(ContainerId.WEBM, CodecId.VP8, 160, 120, 1 << 24))
    muxer.add(0, video(CodecId.VP8, 1)[0][0], is_key=True)
    muxer.finish(40, [])
    with av.open(io.BytesIO(whole(muxer))) as file:
        context = file.streams.video[0].codec_context
        assert (context.colorspace, context.color_range, context.color_primaries) == (6, 1, 1)


@BOTH
def test_what_has_no_room_is_not_taken_and_the_file_is_whole(
    muxer: Muxer, container: ContainerId, codec: CodecId
) -> None:
    most = 60_000
    muxer.open(Opening(container, codec, 160, 120, most))
    taken = [muxer.add(number * 40, data, is_key=key) for number, (data, key) in enumerate(video(codec, 80))]
    assert taken[0]
    assert not taken[-1]
    muxer.finish(5000, [(number, "x" * 100) for number in range(1000)])
    file = whole(muxer)
    assert len(file) <= most
    with av.open(io.BytesIO(file)) as playable:
        assert sum(1 for _ in playable.decode(video=0)) == taken.count(True)


def test_it_begins_with_a_key_frame_whatever_came_before(muxer: Muxer) -> None:
    muxer.open(Opening(ContainerId.WEBM, CodecId.VP8, 160, 120, 1 << 24))
    frames = video(CodecId.VP8, 12)
    for number, (data, is_key) in enumerate(frames[5:]):
        assert muxer.add(number * 40, data, is_key=is_key)
    muxer.finish(1000, [])
    with av.open(io.BytesIO(whole(muxer))) as file:
        assert sum(1 for _ in file.decode(video=0)) == 2


def test_frames_that_are_not_later_than_the_last_are_moved(muxer: Muxer) -> None:
    muxer.open(Opening(ContainerId.WEBM, CodecId.VP8, 160, 120, 1 << 24))
    for at_ms, (data, is_key) in zip((0, 100, 100, 50, 200), video(CodecId.VP8, 5), strict=True):
        muxer.add(at_ms, data, is_key=is_key)
    muxer.finish(300, [])
    with av.open(io.BytesIO(whole(muxer))) as file:
        assert [round(float(frame.time), 3) for frame in file.decode(video=0)] == [0, 0.1, 0.101, 0.102, 0.2]


def test_without_a_frame_there_is_no_file(muxer: Muxer) -> None:
    muxer.open(Opening(ContainerId.WEBM, CodecId.VP8, 160, 120, 1 << 24))
    with pytest.raises(ValueError, match="nothing was recorded"):
        muxer.finish(1000, [])


def test_chapters_are_in_order_within_the_file_and_each_lasts_until_the_next() -> None:
    marks = [(500, "b"), (0, "a"), (500, "c"), (99_999, "d")]
    assert list(chapters(marks, 1000)) == [(0, 500, "a"), (500, 999, "c"), (999, 1000, "d")]
    assert list(chapters([], 1000)) == []
