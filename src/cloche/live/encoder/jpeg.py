"""Smaller JPEGs, for viewers whose link takes no more: of lower quality, of smaller size, or both."""

from fractions import Fraction
from typing import Final

from av.codec.context import CodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange

from cloche.live.encoder.frames import FULL_RANGE

_COARSEST: Final = 31
_FINEST: Final = 2


class JpegEncoder:
    def __init__(self, width: int, height: int, quality: int) -> None:
        self.width = width
        self.height = height
        self.quality = quality
        self._pts = 0
        context = CodecContext.create("mjpeg", "w")
        context.width, context.height, context.pix_fmt = width, height, FULL_RANGE
        context.time_base, context.color_range = Fraction(1, 30), ColorRange.JPEG
        context.thread_count = 1
        scale = str(quantizer(quality))
        context.qscale, context.global_quality = True, quantizer(quality)
        context.options = {"huffman": "default", "qmin": scale, "qmax": scale}
        context.open()
        self._context = context

    def suits(self, width: int, height: int, quality: int) -> bool:
        return (width, height, quality) == (self.width, self.height, self.quality)

    def encode(self, frame: VideoFrame) -> bytes:
        """Raises: av.FFmpegError."""
        self._pts += 1
        frame.pts, frame.time_base = self._pts, self._context.time_base
        return b"".join(bytes(packet) for packet in self._context.encode(frame))


def quantizer(quality: int) -> int:
    """libav's scale, 2 to 31, for a quality of 1 to 100 as libjpeg means it: 8 is about its 50."""
    quality = min(max(quality, 1), 100)
    of_standard = 50 / quality if quality < 50 else (100 - quality) / 50
    return min(max(round(8 * of_standard), _FINEST), _COARSEST)
