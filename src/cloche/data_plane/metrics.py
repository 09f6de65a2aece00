"""What is counted of the workers. The label is a worker's place, which the next one takes over."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class WorkerMetrics:
    """On the daemon's registry; one for all workers."""

    def __init__(self, registry: CollectorRegistry, workers: int) -> None:
        self._connections = Gauge(
            "cloche_data_worker_connections", "Connections that a worker relays now.", ["worker"], registry=registry
        )
        self._bytes = Counter("cloche_data_worker_bytes", "Bytes that a worker relayed.", ["worker"], registry=registry)
        self._restarts = Counter(
            "cloche_data_worker_restarts", "Workers that ended and were replaced.", ["worker"], registry=registry
        )
        for place in map(str, range(workers)):
            self._connections.labels(place)
            self._bytes.labels(place)
            self._restarts.labels(place)

    def relays(self, place: int, change: int) -> None:
        self._connections.labels(str(place)).inc(change)

    def moved(self, place: int, count: int) -> None:
        self._bytes.labels(str(place)).inc(count)

    def restarted(self, place: int) -> None:
        self._restarts.labels(str(place)).inc()
