"""Settings of the live view: who may watch how, what it may cost, and how it gets through networks."""

from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

from cloche.live.model import VIDEO, ClipboardPolicy, Codec, RecordPolicy, Transport

MIB = 1 << 20

CommaList = Annotated[tuple[str, ...], NoDecode]


class LiveSettings(BaseSettings):
    """Base of `daemon.settings.Settings`."""

    live_max_viewers: int = Field(default=20, ge=1, le=1000)
    """Of one session."""
    live_transports: Annotated[tuple[Transport, ...], NoDecode] = (
        Transport.WEBRTC,
        Transport.WEBCODECS,
        Transport.JPEG,
    )
    """What viewers may use, in the order in which they are to try it."""
    live_codecs: Annotated[tuple[Codec, ...], NoDecode] = VIDEO
    """Of video, best first, where a viewer decodes more than one."""
    live_webrtc_timeout_s: float = Field(default=15.0, gt=0, le=300, allow_inf_nan=False)
    """How long a viewer waits for pictures over WebRTC before it tries what is next."""
    live_fallback_fps: float = Field(default=5.0, gt=0, le=60, allow_inf_nan=False)
    """Of pictures in JSON, on `/ws/sessions/{id}`."""
    live_max_fps: int = Field(default=60, ge=1, le=120)
    live_bitrate: int = Field(default=3_000_000, ge=200_000, le=20_000_000)
    """Of video, in bits a second, where the links take it."""
    live_frame_ancestors: CommaList = ()
    """Which origins may show the viewer page in a frame (CSP `frame-ancestors`). Empty: none."""
    live_link_max_s: int = Field(default=86_400, ge=60)
    """The longest life of a link that somebody asks for."""

    live_clipboard: ClipboardPolicy = ClipboardPolicy.IN
    """Of sessions that do not say."""
    live_clipboard_ceiling: ClipboardPolicy = ClipboardPolicy.BOTH
    """The most that a session may ask for."""
    live_control_idle_s: float = Field(default=300.0, gt=0, allow_inf_nan=False)
    """A person who has taken control and does nothing for so long has given it back."""

    live_record: RecordPolicy = RecordPolicy.ON_REQUEST
    """`off` and `always` hold for every session; with `on_request` each may choose."""
    live_record_max_s: int = Field(default=3_600, ge=1)
    live_record_max_bytes: int = Field(default=256 * MIB, ge=1 * MIB)

    live_encoder_memory_bytes: int = Field(default=512 * MIB, ge=128 * MIB)

    live_stun: str = ""
    """`stun:host:port`. Empty: none; a server that viewers reach by its address needs none."""
    live_turn_urls: CommaList = ()
    live_turn_secret: SecretStr | None = None
    """What coturn calls `static-auth-secret`."""
    live_turn_ttl_s: int = Field(default=3_600, ge=60)
    live_public_address: str = ""
    """The address by which viewers reach this machine, where it has another (NAT 1:1)."""
    live_udp_ports: str = ""
    """`first-last`: where WebRTC listens. Empty: the system chooses."""
    live_relay_only: bool = False
    """Nothing but TURN: neither side learns the other's address."""
    live_private_viewers: bool = True
    """Viewers may be on private networks. Off: WebRTC calls public addresses only."""

    @field_validator("live_transports", "live_codecs", "live_frame_ancestors", "live_turn_urls", mode="before")
    @classmethod
    def _split_list(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(item.strip() for item in value.split(",") if item.strip())
        return value
