"""A subscription for tests of WebRTC, which brings video of one colour that it encodes itself."""

import asyncio
import fractions
import time
from typing import Final, Literal

import av

from cloche.live.model import Chunk, Codec
from cloche.live.watching import StreamEndedError

WIDTH: Final = 320
HEIGHT: Final = 240
FRAMES_PER_SECOND: Final = 30
Colour = tuple[int, int, int]


class ColourVideo:
    """`live.watching.Subscription`, and what was asked of it. Red, green and blue from 0 to 255."""

    def __init__(self, codec: Codec, colour: Colour = (200, 30, 60)) -> None:
        self.codec = codec
        self.keys_asked = 0
        self.rates: list[int | None] = []
        self.closes = 0
        self.chunks: list[Chunk] = []
        self.dropped = 0
        self._encoder = _Encoder(codec, colour)
        self._is_key_due = True
        self._closed = asyncio.Event()
        self._rhythm = 1 / FRAMES_PER_SECOND

    async def next(self) -> Chunk:
        if self.chunks:
            try:
                async with asyncio.timeout(self._rhythm):
                    await self._closed.wait()
            except TimeoutError:
                pass
        if self._closed.is_set():
            raise StreamEndedError
        data = self._encoder.encode(is_key=self._is_key_due)
        chunk = Chunk(
            codec=self.codec,
            seq=len(self.chunks) + 1,
            data=data,
            is_key=self._is_key_due,
            taken_at_ms=int(time.time() * 1000),
            width=WIDTH,
            height=HEIGHT,
        )
        self._is_key_due = False
        self.chunks.append(chunk)
        return chunk

    def ask_key(self) -> None:
        self.keys_asked += 1
        self._is_key_due = True

    def set_rate(self, bits_per_second: int | None) -> None:
        self.rates.append(bits_per_second)

    def acknowledge(self, seq: int) -> None:
        raise AssertionError("WebRTC acknowledges nothing")

    def close(self) -> None:
        self.closes += 1
        self._closed.set()


class _Encoder:
    """libx264 or libvpx without delay; H.264 is constrained baseline with its parameter sets in the stream."""

    def __init__(self, codec: Codec, colour: Colour) -> None:
        name: Literal["libx264", "libvpx"] = "libx264" if codec is Codec.H264 else "libvpx"
        context = av.CodecContext.create(name, "w")
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height = WIDTH, HEIGHT
        context.pix_fmt = "yuv420p"
        context.time_base = fractions.Fraction(1, FRAMES_PER_SECOND)
        context.gop_size = 10_000
        context.bit_rate = 1_000_000
        if codec is Codec.H264:
            context.profile = "Baseline"
            # What does not say its colour matrix is taken for BT.709 by Chromium; swscale makes BT.601.
            colours = "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m"
            context.options = {"preset": "ultrafast", "tune": "zerolatency", "level": "31", "x264-params": colours}
        else:
            context.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
        self._context = context
        self._colour = bytes(colour)
        self._count = 0

    def encode(self, *, is_key: bool) -> bytes:
        frame = av.VideoFrame(WIDTH, HEIGHT, "rgb24")
        line = self._colour * WIDTH
        plane = frame.planes[0]
        plane.update(line.ljust(plane.line_size, b"\0") * HEIGHT)
        picture = frame.reformat(format="yuv420p")
        picture.pts, self._count = self._count, self._count + 1
        picture.time_base = self._context.time_base
        picture.pict_type = av.video.frame.PictureType.I if is_key else av.video.frame.PictureType.NONE
        return b"".join(bytes(packet) for packet in self._context.encode(picture))
