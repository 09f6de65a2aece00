"""What WebRTC counts of itself."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15)


class WebRtcMetrics:
    """The series of all peers, on the daemon's registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.peers = Gauge("cloche_webrtc_peers", "WebRTC connections that are alive.", registry=registry)
        self.ended = Counter(
            "cloche_webrtc_ended",
            "WebRTC connections that ended: closed by us, failed before they connected, lost, or left by the viewer.",
            ["how"],
            registry=registry,
        )
        self.refused = Counter(
            "cloche_webrtc_refused", "Offers, answers and candidates that were malformed.", ["what"], registry=registry
        )
        self.connect_seconds = Histogram(
            "cloche_webrtc_connect_seconds",
            "From the last SDP to an encrypted connection.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.selected = Counter(
            "cloche_webrtc_selected", "Connections by the kind of our candidate that won.", ["kind"], registry=registry
        )
        self.candidates_left_out = Counter(
            "cloche_webrtc_candidates_left_out",
            "Candidates of viewers that are not called.",
            ["reason"],
            registry=registry,
        )
        self.key_requests = Counter(
            "cloche_webrtc_key_requests", "Key frames that viewers asked for after a loss.", registry=registry
        )
        self.resent = Counter("cloche_webrtc_packets_resent", "Packets sent again.", registry=registry)
        self.messages_dropped = Counter(
            "cloche_webrtc_messages_dropped",
            "Messages of data channels that were not taken or not sent.",
            ["why"],
            registry=registry,
        )
