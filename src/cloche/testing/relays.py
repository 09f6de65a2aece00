"""The data plane in both of its places, for tests that are to hold in either."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from prometheus_client import CollectorRegistry

from cloche.data_plane.metrics import WorkerMetrics
from cloche.data_plane.workers import DataWorkers

WORKERS: Final = (0, 2)


@asynccontextmanager
async def data_workers(count: int, registry: CollectorRegistry | None = None) -> AsyncGenerator[DataWorkers | None]:
    """So many workers; None where there are to be none."""
    if not count:
        yield None
        return
    async with DataWorkers(count, WorkerMetrics(registry or CollectorRegistry(), count)) as workers:
        yield workers
