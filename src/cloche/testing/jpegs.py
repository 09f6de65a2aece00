"""JPEGs for tests, made by libav, and encoded video looked at again. Colours are of full-range BT.601, as in JPEG."""

import random
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cache
from typing import Final, Literal

from av.codec.context import CodecContext
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange

Colour = tuple[int, int, int]
"""Y, Cb, Cr."""

GREY: Final = (128, 128, 128)
QUARTERS: Final[tuple[Colour, ...]] = ((76, 85, 255), (150, 44, 21), (29, 255, 107), (255, 128, 128))
"""Red, green, blue and white: from the left to the right, then from the top to the bottom."""
_BLOCK: Final = 8


def jpeg_of(frame: VideoFrame, quantizer: int = 3) -> bytes:
    context = CodecContext.create("mjpeg", "w")
    context.width, context.height, context.pix_fmt = frame.width, frame.height, frame.format.name
    context.time_base, context.thread_count = Fraction(1, 30), 1
    context.color_range = ColorRange.JPEG
    context.qscale, context.global_quality = True, quantizer
    context.options = {"huffman": "default", "qmin": str(quantizer), "qmax": str(quantizer), "strict": "unofficial"}
    frame.pts = 0
    return b"".join(bytes(packet) for packet in context.encode(frame))


def quarters(width: int, height: int, pixel_format: str = "yuvj420p", colours: Sequence[Colour] = QUARTERS) -> bytes:
    """A JPEG with a colour in each quarter."""
    frame = VideoFrame(width, height, pixel_format)
    for number, plane in enumerate(frame.planes):
        left = plane.width // 2
        rows = [
            bytes((first[number],)) * left + bytes((second[number],)) * (plane.width - left)
            for first, second in (colours[:2], colours[2:])
        ]
        view = memoryview(plane)
        for row in range(plane.height):
            start = row * plane.line_size
            view[start : start + plane.width] = rows[row >= plane.height // 2]
    return jpeg_of(frame)


def moving(width: int, height: int, step: int) -> bytes:
    """A JPEG of an animation: a pattern that scrolls, and a field of its own noise in every picture."""
    frame = VideoFrame(width, height, "yuvj420p")
    texture, noise = _texture(width, height), random.Random(step)  # noqa: S311 - a pattern
    luma = memoryview(frame.planes[0])
    for row in range(height):
        start = row * frame.planes[0].line_size
        luma[start : start + width] = texture[(row + 3 * step) % len(texture)]
        if row < height // 4:
            luma[start : start + width // 4] = noise.randbytes(width // 4)
    for plane in frame.planes[1:]:
        memoryview(plane)[:] = bytes((128 + step % 40,)) * plane.buffer_size
    return jpeg_of(frame)


@cache
def _texture(width: int, height: int) -> tuple[bytes, ...]:
    dice, rows = random.Random(7), list[bytes]()  # noqa: S311 - a pattern
    for _ in range(0, 2 * height, _BLOCK):
        row = b"".join(bytes((dice.randrange(256),)) * _BLOCK for _ in range(0, width, _BLOCK))[:width]
        rows += [row] * _BLOCK
    return tuple(rows)


class Watcher:
    """Decodes what an encoder made, as a viewer does."""

    def __init__(self, codec: Literal["h264", "vp8", "mjpeg"]) -> None:
        self._context: VideoCodecContext = CodecContext.create(codec, "r")
        self._context.thread_count = 1
        self._context.flags |= 1 << 19  # AV_CODEC_FLAG_LOW_DELAY

    def see(self, chunk: bytes) -> VideoFrame:
        """The picture that this chunk makes; an error where it makes none."""
        [frame] = self._context.decode(Packet(chunk))
        return frame


def colour_at(frame: VideoFrame, x: float, y: float) -> Colour:
    """What is at this place, from 0 to 1 each, in full range whatever the frame has."""
    values = []
    for plane in frame.planes:
        column, row = int(x * plane.width), int(y * plane.height)
        values.append(memoryview(plane)[row * plane.line_size + column])
    if frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj"):
        return values[0], values[1], values[2]
    blue, red = (round(128 + (value - 128) * 255 / 224) for value in values[1:])
    return round((values[0] - 16) * 255 / 219), blue, red


def is_near(seen: Colour, meant: Colour, most: int = 12) -> bool:
    return all(abs(a - b) <= most for a, b in zip(seen, meant, strict=True))


def shows_quarters(frame: VideoFrame, colours: Iterable[Colour] = QUARTERS) -> bool:
    places = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))
    return all(is_near(colour_at(frame, *place), colour) for place, colour in zip(places, colours, strict=True))
