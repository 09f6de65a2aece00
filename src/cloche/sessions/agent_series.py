"""What the agents of all live sessions have last said, summed up for Prometheus: no series is a session's own."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from cloche.sessions.agent_readings import Figures
from cloche.sessions.agent_side import LastWords
from cloche.wire.messages import HealthStatus, WorkerStatus

UNKNOWN: Final = "unknown"
MEBIBYTE: Final = 1024 * 1024


class Aggregate(StrEnum):
    """Over the sessions."""

    SUM = "sum"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Series:
    """One number of each session's figures."""

    name: str
    says: str
    of: Callable[[Figures], float]


SERIES: Final = (
    Series(
        "cloche_session_cpu_percent",
        "Processor time that sessions use, of all processors, as their agents last told.",
        lambda figures: figures.cpu_percent,
    ),
    Series(
        "cloche_session_memory_bytes",
        "Memory that sessions use, as their agents last told.",
        lambda figures: figures.memory_used_mb * MEBIBYTE,
    ),
    Series(
        "cloche_session_workspace_bytes",
        "What sessions have written to the file systems of their workspaces, as their agents last told.",
        lambda figures: figures.disk_used_mb * MEBIBYTE,
    ),
    Series(
        "cloche_session_open_files",
        "Files that the processes of sessions hold open, as their agents last told.",
        lambda figures: figures.open_files,
    ),
    Series(
        "cloche_session_network_received_bytes",
        "Received inside the network namespaces of live sessions since their start, as their agents last told.",
        lambda figures: figures.network_rx_mb * MEBIBYTE,
    ),
    Series(
        "cloche_session_network_sent_bytes",
        "Sent inside the network namespaces of live sessions since their start, as their agents last told.",
        lambda figures: figures.network_tx_mb * MEBIBYTE,
    ),
)


class AgentSeries(Collector):
    """Looks at the last words when it is asked, once a scrape. Registered by the composition root."""

    def __init__(self, last_words: Callable[[], Iterable[LastWords]]) -> None:
        self._last_words = last_words

    def collect(self) -> Iterator[GaugeMetricFamily]:
        words = list(self._last_words())
        figures = [each.figures.value for each in words if each.figures is not None]
        healths = [each.health for each in words if each.health is not None]
        for series in SERIES:
            yield _aggregated(series, [series.of(each) for each in figures])
        silent = len(words) - len(healths)
        yield _counted(
            "cloche_sessions_by_health",
            "Sessions that are up, by the health their agents last told.",
            [*HealthStatus, UNKNOWN],
            Counter(str(health.value.status) for health in healths) + Counter({UNKNOWN: silent}),
        )
        yield _counted(
            "cloche_sessions_by_worker_status",
            "Sessions that are up, by whether their agents last told that they are at work.",
            [*WorkerStatus],
            Counter(str(health.value.worker_status) for health in healths) + Counter({UNKNOWN: silent}),
        )
        oldest = GaugeMetricFamily(
            "cloche_oldest_heartbeat_age_seconds", "Since the last health of the session that was heard longest ago."
        )
        oldest.add_metric([], max((health.age_s for health in healths), default=0.0))
        yield oldest


def _aggregated(series: Series, values: list[float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(series.name, series.says, labels=["aggregate"])
    family.add_metric([Aggregate.SUM], sum(values))
    family.add_metric([Aggregate.MAX], max(values, default=0.0))
    return family


def _counted(name: str, says: str, labels: list[str], counts: Counter[str]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, says, labels=["status"])
    for label in labels:
        family.add_metric([str(label)], counts[label])
    return family
