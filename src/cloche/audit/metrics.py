"""What the journal counts of itself."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5)


class JournalMetrics:
    """The journal's series, on the daemon's registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.appended = Counter("cloche_audit_events", "Events written into the audit journal.", registry=registry)
        self.dropped = Counter(
            "cloche_audit_events_dropped",
            "Events that could not be kept for the audit journal; their number is written once it works again.",
            registry=registry,
        )
        self.queue = Gauge("cloche_audit_queue", "Events that wait to be written.", registry=registry)
        self.batch_seconds = Histogram(
            "cloche_audit_batch_seconds", "How long one batch took to write.", buckets=_SECONDS, registry=registry
        )
        self.failed = Gauge(
            "cloche_audit_failed", "1 while the audit journal is full or cannot be written.", registry=registry
        )
