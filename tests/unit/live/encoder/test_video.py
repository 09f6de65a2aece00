"""Both video encoders, seen by a decoder: colours, key frames, sizes, rate."""

from dataclasses import dataclass
from typing import Literal

import pytest
from av.video.frame import VideoFrame

from cloche.live.encoder.decode import Decoder
from cloche.live.encoder.frames import Shaper
from cloche.live.encoder.h264 import H264Encoder
from cloche.live.encoder.interval import Interval
from cloche.live.encoder.shape import video_shape
from cloche.live.encoder.video import Encoded, VideoEncoder
from cloche.live.encoder.vp8 import Vp8Encoder
from cloche.testing.jpegs import Watcher, moving, quarters, shows_quarters

WIDTH, HEIGHT = 320, 240
RATE = 500_000


@dataclass(frozen=True)
class Kind:
    encoder: type[VideoEncoder]
    name: Literal["h264", "vp8"]


KINDS = (Kind(H264Encoder, "h264"), Kind(Vp8Encoder, "vp8"))
BOTH = pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])


class Line:
    """An encoder, fed with pictures at a steady pace."""

    def __init__(self, kind: Kind, rate: int = RATE, every_ms: int = 40, threads: int = 1) -> None:
        self.encoder = kind.encoder(WIDTH, HEIGHT, rate, threads)
        self.rate = rate
        self._shaper = Shaper(kind.encoder.pixel_format)
        self._every_ms = every_ms
        self._interval = Interval()
        self._decoder = Decoder()
        self._at_ms = 0

    def encode(self, jpeg: bytes, *, key: bool = False) -> Encoded:
        self._at_ms += self._every_ms
        self._interval.next(self._at_ms)
        frame = self._decoder.decode(memoryview(jpeg))
        assert isinstance(frame, VideoFrame)
        shaped = self._shaper.shape(frame, video_shape(WIDTH, HEIGHT))
        encoded = self.encoder.encode(shaped, self.rate, self._interval, key=key)
        assert encoded is not None, "a picture was held back"
        return encoded

    def bits_per_second(self, first: int, count: int) -> float:
        size = sum(len(self.encode(moving(WIDTH, HEIGHT, step)).data) for step in range(first, first + count))
        return size * 8 * 1000 / (count * self._every_ms)


@BOTH
def test_each_picture_comes_out_at_once_in_its_colours(kind: Kind) -> None:
    line, watcher = Line(kind), Watcher(kind.name)
    still = quarters(WIDTH, HEIGHT)
    for _ in range(5):
        frame = watcher.see(line.encode(still).data)
        assert (frame.width, frame.height) == (WIDTH, HEIGHT)
        assert shows_quarters(frame)


@BOTH
def test_key_frames_come_first_and_when_asked_for_and_never_else(kind: Kind) -> None:
    line = Line(kind)
    keys = [
        step for step in range(80) if line.encode(moving(WIDTH, HEIGHT, 10 * step), key=step in (30, 31, 60)).is_key
    ]
    assert keys == [0, 30, 31, 60]


@BOTH
def test_a_decoder_can_begin_with_any_key_frame(kind: Kind) -> None:
    line = Line(kind)
    line.bits_per_second(0, 10)
    chunk = line.encode(quarters(WIDTH, HEIGHT), key=True)
    assert chunk.is_key
    assert shows_quarters(Watcher(kind.name).see(chunk.data))


@BOTH
@pytest.mark.parametrize("every_ms", [20, 40, 100], ids=["50 fps", "25 fps", "10 fps"])
def test_the_rate_is_kept_at_any_pace(kind: Kind, every_ms: int) -> None:
    line = Line(kind, every_ms=every_ms)
    assert abs(line.bits_per_second(0, 150) / RATE - 1) < 0.2


@BOTH
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_the_rate_follows_without_another_key_frame(kind: Kind, factor: float) -> None:
    line = Line(kind)
    line.bits_per_second(0, 50)
    line.rate = int(RATE * factor)
    assert line.encoder.suits(WIDTH, HEIGHT, line.rate)
    line.bits_per_second(50, 25)
    assert abs(line.bits_per_second(75, 100) / line.rate - 1) < 0.2


@BOTH
def test_a_key_frame_takes_no_more_than_half_a_second_of_bits(kind: Kind) -> None:
    line = Line(kind)
    line.bits_per_second(0, 50)
    for step in range(50, 200, 30):
        assert len(line.encode(moving(WIDTH, HEIGHT, step), key=True).data) * 8 < RATE / 2
        line.bits_per_second(step + 1, 29)


@BOTH
def test_quite_another_rate_needs_another_encoder_but_not_every_moment(kind: Kind) -> None:
    line = Line(kind)
    line.bits_per_second(0, 25)
    assert line.encoder.suits(WIDTH, HEIGHT, 10 * RATE)
    line.bits_per_second(25, 30)
    assert not line.encoder.suits(WIDTH, HEIGHT, 10 * RATE)
    assert not line.encoder.suits(WIDTH, HEIGHT, RATE // 10)
    assert line.encoder.suits(WIDTH, HEIGHT, RATE)
    assert not line.encoder.suits(WIDTH + 2, HEIGHT, RATE)


@BOTH
def test_several_threads_make_the_same_kind_of_stream(kind: Kind) -> None:
    line, watcher = Line(kind, threads=2), Watcher(kind.name)
    for step in range(5):
        watcher.see(line.encode(moving(WIDTH, HEIGHT, step)).data)
    assert shows_quarters(watcher.see(line.encode(quarters(WIDTH, HEIGHT)).data))


def nal_types(data: bytes) -> list[int]:
    """Of each NAL unit of an Annex B stream."""
    return [part[0] & 31 for part in data.split(b"\0\0\1")[1:]]


def test_h264_is_baseline_with_parameter_sets_before_every_idr_picture_and_one_slice() -> None:
    line = Line(KINDS[0])
    for step in range(20):
        chunk = line.encode(moving(WIDTH, HEIGHT, step), key=step == 10)
        assert chunk.data.startswith(b"\0\0\0\1")
        types = [kind for kind in nal_types(chunk.data) if kind != 6]
        assert types == ([7, 8, 5] if step in (0, 10) else [1])
        if step in (0, 10):
            sps = chunk.data.split(b"\0\0\0\1\x67")[1]
            assert sps[0] == 66, "not the baseline profile"
            assert sps[1] & 0x40, "not the constrained one"
            assert sps[2] == 31, "not level 3.1"


def test_h264_says_that_it_has_the_full_range_and_the_matrix_of_jpeg() -> None:
    frame = Watcher("h264").see(Line(KINDS[0]).encode(quarters(WIDTH, HEIGHT)).data)
    assert (frame.format.name, frame.colorspace) == ("yuvj420p", 6)
