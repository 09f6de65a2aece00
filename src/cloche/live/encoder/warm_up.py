"""A first picture, made here: codecs build their tables and Python loads its last modules before the doors close."""

from fractions import Fraction
from typing import Final

from av.codec.context import CodecContext
from av.video.frame import VideoFrame

from cloche.live.encoder import wire
from cloche.live.encoder.pictures import Pictures

_WIDTH: Final = 66
_HEIGHT: Final = 64
_RATE: Final = 500_000


def warm_up(threads: int) -> None:
    """Raises: RuntimeError, where one of the codecs does not work."""
    tasks = (
        wire.Task(wire.CodecId.H264, key=False, bits_per_second=_RATE),
        wire.Task(wire.CodecId.VP8, key=False, bits_per_second=_RATE, fit_width=64, fit_height=64),
        wire.Task(wire.CodecId.JPEG, key=False, quality=50, scale=0.5),
    )
    picture = wire.PictureTask(1, 1, tasks, memoryview(_jpeg()))
    if len(list(Pictures(threads).encode(picture))) != len(tasks):
        raise RuntimeError("a codec does not work")


def _jpeg() -> bytes:
    context = CodecContext.create("mjpeg", "w")
    context.width, context.height, context.pix_fmt = _WIDTH, _HEIGHT, "yuvj444p"
    context.time_base, context.thread_count = Fraction(1, 30), 1
    frame = VideoFrame(_WIDTH, _HEIGHT, "yuvj444p")
    for plane in frame.planes:
        memoryview(plane)[:] = bytes(plane.buffer_size)
    frame.pts = 0
    return b"".join(bytes(packet) for packet in context.encode(frame))
