"""H.264 by libx264: constrained baseline, one slice, Annex B, parameter sets before every IDR picture."""

from fractions import Fraction
from typing import ClassVar, Final

from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc

from cloche.live.encoder.frames import FULL_RANGE
from cloche.live.encoder.interval import Balance, Interval
from cloche.live.encoder.video import BUFFER_S, CLOCK_HZ, ENDLESS_GOP, NOMINAL_FPS, TIME_BASE, Encoded, VideoEncoder

_CEILING: Final = 8
"""How many times the rate x264 may ever be told. The first key frame may have at least one picture's share of it."""
# Small intra blocks are worth a decibel on text for less than a millisecond.
_ALWAYS: Final = "repeat-headers=1:scenecut=0:partitions=i4x4"
_WORTH_TELLING: Final = 0.05
_SMPTE170M: Final = 6
"""BT.601's matrix, as ITU-T H.264 table E-5 counts."""
_LEVELS: Final = ((3600, "3.1"), (8192, "4.0"))
"""Macroblocks of a picture, and the level that takes them (table A-1): 1280 × 720, and 1920 × 1088."""


class H264Encoder(VideoEncoder):
    """x264 assumes a constant frame rate here: with real times it would hold every picture back until the next. So it
    is told, of every picture, which rate at its nominal pace comes to the wanted rate at the real one."""

    pixel_format: ClassVar[str] = FULL_RANGE

    def encode(self, frame: VideoFrame, bits_per_second: int, interval: Interval, *, key: bool) -> Encoded | None:
        encoded = super().encode(frame, bits_per_second, interval, key=key)
        self._balance.count(interval.seconds, 8 * len(encoded.data) if encoded else 0, bits_per_second)
        return encoded

    def _open(self, threads: int) -> VideoCodecContext:
        self._balance = Balance()
        context = CodecContext.create("libx264", "w")
        context.width, context.height, context.pix_fmt = self.width, self.height, FULL_RANGE
        context.time_base, context.framerate = TIME_BASE, Fraction(NOMINAL_FPS)
        context.thread_count, context.gop_size, context.max_b_frames = threads, ENDLESS_GOP, 0
        # Passed as the JPEG had it; the stream says so (VUI), and what shows it converts once.
        context.color_range, context.colorspace = ColorRange.JPEG, _SMPTE170M
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.IEC61966_2_1
        # Opened as constant rate at the ceiling: x264 then stays constant at whatever rate it is told later.
        context.bit_rate = self.opened_for * _CEILING
        context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "level": _level(self.width, self.height),
            "maxrate": str(self.opened_for * _CEILING),
            "bufsize": str(int(self.opened_for * BUFFER_S)),
            # What of it the first key frame finds.
            "rc_init_occupancy": str(int(self.opened_for * BUFFER_S / 2)),
            "forced-idr": "1",
            # Finer than the JPEG it comes from is only bits, and a page at rest is sent again and again.
            "qmin": "18",
            "x264-params": f"{_ALWAYS}:sliced-threads={int(threads > 1)}",
        }
        context.open()
        return context

    def _follow(self, bits_per_second: int, interval: Interval) -> int:
        wanted = bits_per_second * NOMINAL_FPS * interval.smooth_seconds * self._balance.factor
        wanted = min(wanted, self.opened_for * _CEILING)
        if abs(wanted - (self._context.bit_rate or 0)) > _WORTH_TELLING * wanted:
            self._context.bit_rate = int(wanted)
        return self._pts + CLOCK_HZ // NOMINAL_FPS


def _level(width: int, height: int) -> str:
    blocks = ((width + 15) // 16) * ((height + 15) // 16)
    return next((level for most, level in _LEVELS if blocks <= most), "5.1")
