"""VP8 by libvpx, tuned for conversation: real time, no look-ahead, constant rate."""

from fractions import Fraction
from typing import ClassVar

from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange

from cloche.live.encoder.frames import LIMITED_RANGE
from cloche.live.encoder.interval import Interval
from cloche.live.encoder.video import BUFFER_S, CLOCK_HZ, ENDLESS_GOP, NOMINAL_FPS, TIME_BASE, VideoEncoder


class Vp8Encoder(VideoEncoder):
    """libvpx gives each picture bits for the time it lasts. libav cannot tell it another rate once it is open, so the
    clock it sees runs faster or slower instead, by as much as the wanted rate is above or below the first."""

    pixel_format: ClassVar[str] = LIMITED_RANGE

    def _open(self, threads: int) -> VideoCodecContext:
        self._clock = 0.0
        context = CodecContext.create("libvpx", "w")
        context.width, context.height, context.pix_fmt = self.width, self.height, LIMITED_RANGE
        context.time_base, context.framerate = TIME_BASE, Fraction(NOMINAL_FPS)
        context.thread_count, context.gop_size = threads, ENDLESS_GOP
        context.color_range = ColorRange.MPEG
        context.bit_rate = self.opened_for
        # As with H.264: finer than the JPEG is of no use.
        context.qmin, context.qmax = 8, 63
        rate = str(self.opened_for)
        context.options = {
            "deadline": "realtime",
            "cpu-used": "-12",
            "lag-in-frames": "0",
            "auto-alt-ref": "0",
            "error-resilient": "1",
            "minrate": rate,
            "maxrate": rate,
            "bufsize": str(int(self.opened_for * BUFFER_S)),
            "undershoot-pct": "95",
            "overshoot-pct": "15",
            # Per cent of one picture's share: a quarter of a second. libvpx makes key frames small and mends them.
            "max-intra-rate": str(int(BUFFER_S / 2 * NOMINAL_FPS * 100)),
            "static-thresh": "1",
        }
        context.open()
        return context

    def _follow(self, bits_per_second: int, interval: Interval) -> int:
        self._clock += interval.seconds * bits_per_second / self.opened_for
        return int(self._clock * CLOCK_HZ)
