"""What both video encoders share: when a new one is needed, when a key frame is due, and how a frame is handed over."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Final

from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from cloche.live.encoder.interval import Interval

CLOCK_HZ: Final = 90_000
TIME_BASE: Final = Fraction(1, CLOCK_HZ)
NOMINAL_FPS: Final = 30
"""What encoders are told. Real times differ, and reach rate control as each encoder understands them."""
ENDLESS_GOP: Final = 1 << 28
"""Key frames come when they are asked for, and at no other time."""
BUFFER_S: Final = 0.5
"""How far a picture may run ahead of the rate: a key frame is at most about half a second's worth of bits."""
_RENEWAL: Final = 2.5
"""By which factor the rate may differ from what an encoder was opened for, before another is opened."""
_RENEWAL_S: Final = 2.0
"""How long an encoder lives at least, of pictures' time, if only the rate is another: a new one costs a key frame."""


@dataclass(frozen=True, slots=True)
class Encoded:
    data: bytes
    is_key: bool


class VideoEncoder(ABC):
    """One encoder of one size. It begins with a key frame; another size, or quite another rate, needs another."""

    pixel_format: ClassVar[str]

    def __init__(self, width: int, height: int, bits_per_second: int, threads: int) -> None:
        self.width = width
        self.height = height
        self.opened_for = bits_per_second
        self._pts = -1
        self._age_s = 0.0
        self._context = self._open(threads)

    def suits(self, width: int, height: int, bits_per_second: int) -> bool:
        if (width, height) != (self.width, self.height):
            return False
        return self._age_s < _RENEWAL_S or self._nearest(bits_per_second) == bits_per_second

    def _nearest(self, bits_per_second: int) -> int:
        return int(min(max(bits_per_second, self.opened_for / _RENEWAL), self.opened_for * _RENEWAL))

    def encode(self, frame: VideoFrame, bits_per_second: int, interval: Interval, *, key: bool) -> Encoded | None:
        """`frame` is of the encoder's size and format. Raises: av.FFmpegError."""
        # A decoded JPEG is marked as an intra picture, and encoders that believe it make nothing but key frames.
        frame.pict_type = PictureType.I if key else PictureType.NONE
        self._pts = max(self._pts + 1, self._follow(self._nearest(bits_per_second), interval))
        self._age_s += interval.seconds
        frame.pts, frame.time_base = self._pts, TIME_BASE
        packets = self._context.encode(frame)
        data = b"".join(bytes(packet) for packet in packets)
        return Encoded(data, any(packet.is_keyframe for packet in packets)) if data else None

    @abstractmethod
    def _open(self, threads: int) -> VideoCodecContext: ...

    @abstractmethod
    def _follow(self, bits_per_second: int, interval: Interval) -> int:
        """Have rate control follow the rate and the pace; return when the picture is, in `TIME_BASE`."""
