"""Pictures and video for tests of the live view, made with PyAV: plain colours, and any JPEG as H.264 or VP8."""

import io
from fractions import Fraction
from typing import Final

import av
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.plane import VideoPlane

from cloche.live.model import Codec

_ENCODERS: Final[dict[Codec, tuple[str, dict[str, str]]]] = {
    Codec.H264: ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}),
    Codec.VP8: ("libvpx", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
}
_BITS_PER_SECOND: Final = 4_000_000


def plain_jpeg(y: int, u: int, v: int, *, width: int = 640, height: int = 360) -> bytes:
    """One colour, in YUV as JPEG has it (full range, ITU-R BT.601)."""
    frame = VideoFrame(width, height, "yuvj420p")
    for plane, value in zip(frame.planes, (y, u, v), strict=True):
        assert isinstance(plane, VideoPlane)
        plane.update(bytes([value]) * plane.buffer_size)
    encoder = CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = width, height, "yuvj420p", Fraction(1, 25)
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    return bytes(packets[0])


class VideoMaker:
    """A stream of one codec, made of pictures of one size. The first chunk is a key frame."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._encoder: VideoCodecContext | None = None
        self._count = 0

    def encode(self, jpeg: bytes) -> list[tuple[bytes, bool]]:
        """The chunks of one picture, and of each whether it is a key frame."""
        with av.open(io.BytesIO(jpeg), mode="r", format="jpeg_pipe") as container:
            frame = next(container.decode(video=0)).reformat(format="yuv420p")
        if self._encoder is None or (self._encoder.width, self._encoder.height) != (frame.width, frame.height):
            self._encoder = self._open(frame.width, frame.height)
        frame.pts, frame.time_base, frame.pict_type = self._count, Fraction(1, 30), PictureType.NONE
        self._count += 1
        return [(bytes(packet), packet.is_keyframe) for packet in self._encoder.encode(frame)]

    def _open(self, width: int, height: int) -> VideoCodecContext:
        name, options = _ENCODERS[self.codec]
        encoder = CodecContext.create(name, "w")
        assert isinstance(encoder, VideoCodecContext)
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
        encoder.time_base, encoder.framerate = Fraction(1, 30), Fraction(30)
        encoder.bit_rate, encoder.options, encoder.thread_count = _BITS_PER_SECOND, options, 1
        return encoder
