"""One log line and one count for each gRPC call."""

from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram

_log = structlog.get_logger(__name__)

_BUCKETS: Final = (0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


class GrpcMetrics:
    """Counts calls by RPC and status."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("rpc", "code")
        self._calls = Counter("cloche_grpc_calls", "gRPC calls answered.", labels, registry=registry)
        self._seconds = Histogram(
            "cloche_grpc_call_seconds", "Time to the answer of a gRPC call.", registry=registry, buckets=_BUCKETS
        )

    def note(self, rpc: str, code: str, seconds: float) -> None:
        """Count and log one call that has ended; `rpc` is one of the service's."""
        self._calls.labels(rpc, code).inc()
        self._seconds.observe(seconds)
        _log.info("grpc_call", rpc=rpc, code=code, ms=round(seconds * 1000, 1))
