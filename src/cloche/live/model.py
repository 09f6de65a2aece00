"""The words of a live view: pictures, chunks of video, transports, rights. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_BITS_PER_SECOND: Final = 20_000_000
MIN_BITS_PER_SECOND: Final = 150_000


class Codec(StrEnum):
    """What a viewer decodes."""

    H264 = "h264"
    """Annex B, constrained baseline, parameter sets before every IDR picture (ITU-T H.264; RFC 6184)."""
    VP8 = "vp8"
    """One frame of RFC 6386 to a chunk."""
    JPEG = "jpeg"
    """Pictures one by one, as Chromium made them or made smaller."""


VIDEO: Final = (Codec.H264, Codec.VP8)


class Transport(StrEnum):
    """How pictures reach a viewer; in the order in which a viewer tries them."""

    WEBRTC = "webrtc"
    WEBCODECS = "webcodecs"
    """Video in binary WebSocket messages, decoded by the page (WebCodecs)."""
    JPEG = "jpeg"
    """Pictures in binary WebSocket messages."""
    FRAMES = "frames"
    """Pictures in base64 in JSON, on `/ws/sessions/{id}`."""


class Right(StrEnum):
    VIEW = "view"
    CONTROL = "control"


class ClipboardPolicy(StrEnum):
    """Which way text may go between a viewer's clipboard and the session."""

    OFF = "off"
    IN = "in"
    OUT = "out"
    BOTH = "both"

    @property
    def lets_in(self) -> bool:
        return self in (ClipboardPolicy.IN, ClipboardPolicy.BOTH)

    @property
    def lets_out(self) -> bool:
        return self in (ClipboardPolicy.OUT, ClipboardPolicy.BOTH)


class RecordPolicy(StrEnum):
    """Whether a session's pictures may be kept."""

    OFF = "off"
    ON_REQUEST = "on_request"
    ALWAYS = "always"
    """From the session's first moment to its end."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame of the screencast, as Chromium made it. A stranger's bytes: nobody in the daemon decodes them."""

    seq: int
    """Counts up by one from 1 for the life of a `LiveStream`."""
    jpeg: bytes
    taken_at_ms: int
    """When Chromium drew it, in milliseconds since 1970."""
    width: int
    """Of the page's viewport in CSS pixels; likewise `height`. The picture itself may have more or fewer."""
    height: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """One encoded frame, or a picture for those who watch by `Codec.JPEG`."""

    codec: Codec
    seq: int
    """That of its `Picture`."""
    data: bytes
    is_key: bool
    """Whether a decoder can begin with it; always so of JPEG."""
    taken_at_ms: int
    width: int
    """Of the encoded picture in pixels; likewise `height`. 0 for a JPEG that was passed through."""
    height: int


@dataclass(frozen=True, slots=True)
class Demand:
    """What the encoder shall make of every picture for one codec, from the viewers of that codec taken together."""

    bits_per_second: int
    """Of video. For JPEG see `quality` and `scale`."""
    quality: int = 0
    """Of JPEG, 1–100; 0: pass Chromium's own bytes on."""
    scale: float = 1.0
    """Of JPEG: by how much both sides are made smaller, in (0, 1]."""
    fit_width: int = 0
    """Of video: with `fit_height` the size that every picture is given, black bars around the page. 0: as it comes. For
    recordings, whose track cannot change its size."""
    fit_height: int = 0
