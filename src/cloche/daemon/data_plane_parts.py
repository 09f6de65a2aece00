"""Where the daemon relays bytes: in its own loop, or in worker processes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from cloche.data_plane.metrics import WorkerMetrics
from cloche.data_plane.relay import RelaysOf
from cloche.data_plane.workers import DataWorkers


@asynccontextmanager
async def data_plane(workers: int, registry: CollectorRegistry) -> AsyncIterator[RelaysOf | None]:
    """Start so many workers, and end them with the block. None: there are to be none. Raises: StartError."""
    metrics = WorkerMetrics(registry, workers)
    if not workers:
        yield None
        return
    async with DataWorkers(workers, metrics) as running:
        yield running.of
