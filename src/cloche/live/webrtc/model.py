"""What a WebRTC peer tells of itself. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class PeerState(StrEnum):
    NEW = "new"
    CONNECTING = "connecting"
    """SDP has been exchanged; ICE and DTLS are at work."""
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    """Nothing has been heard for some seconds. It may come back by itself: not the end."""
    FAILED = "failed"
    """Never came about, or was lost for half a minute, or the viewer's side ended it. Final; everything is freed."""
    CLOSED = "closed"
    """By our side. Final."""

    @property
    def is_final(self) -> bool:
        return self in (PeerState.FAILED, PeerState.CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerStats:
    """Counters are since the beginning."""

    rtt_ms: float
    """Between our reports and the viewer's; 0: not known yet."""
    fraction_lost: float
    """Of the packets between the viewer's last two reports, 0 to 1."""
    packets_lost: int
    """As the viewer counts them: what came late or twice is taken off, so it can be negative."""
    packets_sent: int
    bytes_sent: int
    """RTP payloads with their headers, without what is sent again."""
    packets_resent: int
    bits_per_second: float
    """Sent in the last second or two."""
    rate: int | None
    """What the link is thought to take, in bits a second; None: no reason to think of a limit."""
    frames: int
    key_frames: int
    key_requests: int
    """By the viewer, because it lost something it could not get again."""
    local_candidate: str
    """`host`, `srflx`, `prflx` or `relay` of the pair in use; empty before there is one."""
    remote_candidate: str
