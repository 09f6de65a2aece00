"""What the live view counts. Label values are of sets known beforehand; whatever else a viewer says is `other`."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from cloche.live.messages import Report
from cloche.live.model import Codec, Transport

OTHER: Final = "other"
FALLBACK_REASONS: Final = frozenset(
    {
        "webrtc_timeout",
        "webrtc_failed",
        "webrtc_refused",
        "ice_failed",
        "no_frames",
        "decoder_failed",
        "stream_ended",
        "unsupported",
        "chosen",
    }
)
CONTROL_CHANGES: Final = frozenset({"taken", "requested", "given", "refused", "released", "timed_out", "left"})
MALFORMED: Final = frozenset({"too_large", "malformed", "unknown_type", "wrong_right", "out_of_bounds", "flood"})
INPUT_EVENTS: Final = frozenset({"mouse", "wheel", "touch", "key", "text", "clipboard", "browser"})

_FPS: Final = (1, 5, 10, 15, 20, 25, 30, 38, 45, 52, 60)
_SECONDS: Final = (0.01, 0.02, 0.035, 0.05, 0.07, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10)
_BITS: Final = (50e3, 150e3, 400e3, 800e3, 1.2e6, 2e6, 3e6, 5e6, 10e6, 30e6)


def known(value: str, values: frozenset[str]) -> str:
    return value if value in values else OTHER


class LiveMetrics:
    """The live view's series, on the daemon's registry. One for all sessions."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._viewers = Gauge(
            "cloche_live_viewers", "Viewers connected now, by transport.", ["transport"], registry=registry
        )
        self._joins = Counter("cloche_live_joins", "Viewers that joined.", registry=registry)
        sent = Counter("cloche_live_frames_sent", "Frames given to viewers, by codec.", ["codec"], registry=registry)
        dropped = Counter(
            "cloche_live_frames_dropped",
            "Frames that a viewer was not sent for want of room, by codec.",
            ["codec"],
            registry=registry,
        )
        self._sent = {codec: sent.labels(codec.value) for codec in Codec}
        self._dropped = {codec: dropped.labels(codec.value) for codec in Codec}
        self._encoder_restarts = Counter(
            "cloche_live_encoder_restarts", "Encoder children that ended unasked.", registry=registry
        )
        self._capture_fps = Histogram(
            "cloche_live_capture_fps",
            "Pictures a second from a browser, while its page moves.",
            buckets=_FPS,
            registry=registry,
        )
        self._fps = self._reported("fps", "Frames a second that a viewer shows", _FPS, registry)
        self._rtt = self._reported("rtt_seconds", "Round trip to a viewer", _SECONDS, registry)
        self._age = self._reported("frame_age_seconds", "Age of a frame when a viewer shows it", _SECONDS, registry)
        self._bits = self._reported("bits_per_second", "What a viewer receives", _BITS, registry)
        self._fallbacks = Counter(
            "cloche_live_fallbacks",
            "Viewers that did not get the transport they would rather have, by reason.",
            ["reason"],
            registry=registry,
        )
        self._control = Counter(
            "cloche_live_control_changes", "What became of control, by what was done.", ["change"], registry=registry
        )
        self._malformed = Counter(
            "cloche_live_malformed_messages", "Viewers' messages that were dropped, by why.", ["why"], registry=registry
        )
        self._input = Counter(
            "cloche_live_input_events", "What viewers did in a session, by kind.", ["kind"], registry=registry
        )
        self._prepare()

    def joined(self) -> None:
        self._joins.inc()

    def transport_changed(self, before: Transport | None, after: Transport | None) -> None:
        """A viewer now watches by `after`; None: it does not."""
        if before is not None:
            self._viewers.labels(before.value).dec()
        if after is not None:
            self._viewers.labels(after.value).inc()

    def sent(self, codec: Codec) -> None:
        self._sent[codec].inc()

    def dropped(self, codec: Codec, frames: int) -> None:
        self._dropped[codec].inc(frames)

    def encoder_ended(self) -> None:
        self._encoder_restarts.inc()

    def captured(self, fps: float) -> None:
        self._capture_fps.observe(fps)

    def reported(self, transport: Transport, report: Report) -> None:
        """What a viewer says of itself. A zero stands for what it does not know."""
        for histogram, value in (
            (self._fps, report.fps),
            (self._rtt, report.rtt_ms / 1000),
            (self._age, report.frame_age_ms / 1000),
            (self._bits, report.bits_per_second),
        ):
            if value > 0:
                histogram.labels(transport.value).observe(value)

    def fell_back(self, reason: str) -> None:
        self._fallbacks.labels(known(reason, FALLBACK_REASONS)).inc()

    def control_changed(self, change: str) -> None:
        self._control.labels(known(change, CONTROL_CHANGES)).inc()

    def malformed(self, why: str) -> None:
        self._malformed.labels(known(why, MALFORMED)).inc()

    def input(self, kind: str, events: int = 1) -> None:
        self._input.labels(known(kind, INPUT_EVENTS)).inc(events)

    def _prepare(self) -> None:
        """Make every labelled series exist at zero, so that a rate over it is right from the first event on."""
        for transport in Transport:
            self._viewers.labels(transport.value)
            for histogram in (self._fps, self._rtt, self._age, self._bits):
                histogram.labels(transport.value)
        for counter, values in (
            (self._fallbacks, FALLBACK_REASONS),
            (self._control, CONTROL_CHANGES),
            (self._malformed, MALFORMED),
            (self._input, INPUT_EVENTS),
        ):
            for value in (*sorted(values), OTHER):
                counter.labels(value)

    @staticmethod
    def _reported(name: str, what: str, buckets: tuple[float, ...], registry: CollectorRegistry) -> Histogram:
        return Histogram(
            f"cloche_live_viewer_{name}",
            f"{what}, as it reports, by transport.",
            ["transport"],
            buckets=buckets,
            registry=registry,
        )
