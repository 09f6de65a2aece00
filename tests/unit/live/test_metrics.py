from prometheus_client import CollectorRegistry, generate_latest

from cloche.live.messages import Report
from cloche.live.metrics import LiveMetrics
from cloche.live.model import Codec, Transport


def test_every_series_has_its_prefix_and_exists_from_the_start() -> None:
    registry = CollectorRegistry()
    LiveMetrics(registry)
    assert all(metric.name.startswith("cloche_live_") for metric in registry.collect())
    assert registry.get_sample_value("cloche_live_viewers", {"transport": "webrtc"}) == 0
    assert registry.get_sample_value("cloche_live_fallbacks_total", {"reason": "other"}) == 0
    assert registry.get_sample_value("cloche_live_viewer_fps_count", {"transport": "jpeg"}) == 0


def test_viewers_are_counted_by_how_they_watch() -> None:
    registry = CollectorRegistry()
    metrics = LiveMetrics(registry)
    metrics.joined()
    metrics.transport_changed(None, Transport.WEBRTC)
    metrics.transport_changed(Transport.WEBRTC, Transport.JPEG)
    assert registry.get_sample_value("cloche_live_viewers", {"transport": "webrtc"}) == 0
    assert registry.get_sample_value("cloche_live_viewers", {"transport": "jpeg"}) == 1
    metrics.transport_changed(Transport.JPEG, None)
    assert registry.get_sample_value("cloche_live_viewers", {"transport": "jpeg"}) == 0
    assert registry.get_sample_value("cloche_live_joins_total") == 1


def test_what_viewers_say_makes_no_new_labels() -> None:
    registry = CollectorRegistry()
    metrics = LiveMetrics(registry)
    before = generate_latest(registry).count(b"\n")
    for name in ("ses_1", "x" * 64, "'\n", ""):
        metrics.fell_back(name)
        metrics.control_changed(name)
        metrics.malformed(name)
        metrics.input(name, 3)
    assert generate_latest(registry).count(b"\n") == before
    assert registry.get_sample_value("cloche_live_fallbacks_total", {"reason": "other"}) == 4
    assert registry.get_sample_value("cloche_live_input_events_total", {"kind": "other"}) == 12
    metrics.fell_back("webrtc_timeout")
    assert registry.get_sample_value("cloche_live_fallbacks_total", {"reason": "webrtc_timeout"}) == 1


def test_reports_are_observed_by_transport_without_what_is_not_known() -> None:
    registry = CollectorRegistry()
    metrics = LiveMetrics(registry)
    metrics.reported(Transport.WEBCODECS, Report(fps=50, rtt_ms=12, bits_per_second=2e6))
    labels = {"transport": "webcodecs"}
    assert registry.get_sample_value("cloche_live_viewer_fps_sum", labels) == 50
    assert registry.get_sample_value("cloche_live_viewer_rtt_seconds_sum", labels) == 0.012
    assert registry.get_sample_value("cloche_live_viewer_bits_per_second_sum", labels) == 2e6
    assert registry.get_sample_value("cloche_live_viewer_frame_age_seconds_count", labels) == 0


def test_frames_are_counted_by_codec() -> None:
    registry = CollectorRegistry()
    metrics = LiveMetrics(registry)
    metrics.sent(Codec.VP8)
    metrics.dropped(Codec.VP8, 7)
    metrics.encoder_ended()
    metrics.captured(50)
    assert registry.get_sample_value("cloche_live_frames_sent_total", {"codec": "vp8"}) == 1
    assert registry.get_sample_value("cloche_live_frames_dropped_total", {"codec": "vp8"}) == 7
    assert registry.get_sample_value("cloche_live_encoder_restarts_total") == 1
    assert registry.get_sample_value("cloche_live_capture_fps_sum") == 50
