"""What the live view's doors are set to."""

from dataclasses import dataclass, field
from typing import Final

from cloche.live.messages import MAX_MESSAGE_BYTES
from cloche.live.model import VIDEO, Codec, Transport
from cloche.live.webrtc.ice import IceSettings
from cloche.sessions.live.devices import DEVICES

DAY_S: Final = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveDoorSettings:
    """Made by the composition root from the daemon's settings."""

    transports: tuple[Transport, ...] = (Transport.WEBRTC, Transport.WEBCODECS, Transport.JPEG)
    """What viewers may use, in the order in which they are to try it."""
    codecs: tuple[Codec, ...] = VIDEO
    """Of video, best first."""
    webrtc_timeout_s: float = 15.0
    """How long a viewer waits for pictures over WebRTC before it tries what is next."""
    fallback_fps: float = 5.0
    """Of pictures in JSON, on `/ws/sessions/{id}`."""
    frame_ancestors: tuple[str, ...] = ()
    """Which origins may show the viewer page in a frame (CSP `frame-ancestors`). Empty: none."""
    ice: IceSettings = field(default_factory=IceSettings)
    link_lifetime_s: int = 3600
    """Of a link whose maker does not say."""
    max_link_lifetime_s: int = DAY_S
    devices: tuple[str, ...] = tuple(DEVICES)
    """Names of what `emulate` takes, as `hello` tells them."""
    max_message_bytes: int = MAX_MESSAGE_BYTES
    patience_s: float = 15.0
    """How long a viewer may take nothing of what is sent to it."""
    ping_every_s: float = 5.0
    report_every_s: float = 3.0
    """How often a WebRTC connection's own figures are told to the session."""
