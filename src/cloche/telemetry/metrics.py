"""The series that the daemon counts as it goes; `sessions.agent_series` adds what agents last told, at each scrape.

Names are noun_verb_unit; label values are enums, made beforehand, never ids.
"""

import asyncio
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from cloche.telemetry.heap import register_memory

_WAITING_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_ACTION_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
_WAKE_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5)
_SECONDS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10, 20)


class Metrics:
    """The daemon's own registry (never the library's global one) and its series. Built by the composition root."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.sessions_live = Gauge(
            "cloche_sessions_live", "Sessions that have not ended, by status.", ["status"], registry=self.registry
        )
        self.sessions_created = Counter(
            "cloche_sessions_created", "Sessions that became ready.", registry=self.registry
        )
        self.sessions_ended = Counter(
            "cloche_sessions_ended", "Sessions that ended, by reason.", ["reason"], registry=self.registry
        )
        self.starts_failed = Counter(
            "cloche_session_starts_failed",
            "Sessions that did not start, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self.admissions_refused = Counter(
            "cloche_admissions_refused",
            "Creates refused for lack of room, by code and by what there was too little of.",
            ["code", "reason"],
            registry=self.registry,
        )
        self.admission_queue_length = Gauge(
            "cloche_admission_queue_length", "Creates that wait for a place now.", registry=self.registry
        )
        self.admission_waits = Counter(
            "cloche_admission_waits",
            "Creates that waited for a place, by how that ended.",
            ["outcome"],
            registry=self.registry,
        )
        self.admission_wait_seconds = Histogram(
            "cloche_admission_wait_seconds",
            "How long creates waited for a place, however that ended.",
            buckets=_WAITING_SECONDS,
            registry=self.registry,
        )
        self.admission_short = Gauge(
            "cloche_admission_short",
            "1: the machine was short of this when a create last asked.",
            ["resource"],
            registry=self.registry,
        )
        self.given_up = Counter(
            "cloche_given_up",
            "Times something was given up for memory or processes, by what.",
            ["relief"],
            registry=self.registry,
        )
        self.start_seconds = Histogram(
            "cloche_session_start_seconds",
            "From the request to a browser that answers.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.wake_seconds = Histogram(
            "cloche_session_wake_seconds",
            "From a reason to wake a session to its sandbox going on.",
            buckets=_WAKE_SECONDS,
            registry=self.registry,
        )
        self.sleep_preps = Counter(
            "cloche_session_sleep_preps",
            "Agents with integrations that were asked to get ready for standby, by what came of it.",
            ["outcome"],
            registry=self.registry,
        )
        self.hibernations = Counter(
            "cloche_session_hibernations", "Sessions that were hibernated, by cause.", ["why"], registry=self.registry
        )
        self.hibernations_failed = Counter(
            "cloche_session_hibernations_failed",
            "Sessions that were to be hibernated and were not, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self.hibernate_seconds = Histogram(
            "cloche_session_hibernate_seconds",
            "From a reason to hibernate a session to nothing of it running.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.bring_back_seconds = Histogram(
            "cloche_session_bring_back_seconds",
            "From a reason to wake a hibernated session to its browser being as it was.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.bring_backs_failed = Counter(
            "cloche_session_bring_backs_failed",
            "Hibernated sessions that could not be brought back, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self.devtools_clients = Gauge(
            "cloche_devtools_clients", "DevTools clients attached now.", registry=self.registry
        )
        self.browser_exits = Counter("cloche_browser_exits", "Browsers that ended unasked.", registry=self.registry)
        self.browser_actions = Counter(
            "cloche_browser_actions",
            "What the browser service was asked, by use case and how it ended.",
            ["action", "outcome"],
            registry=self.registry,
        )
        self.browser_action_seconds = Histogram(
            "cloche_browser_action_seconds",
            "From the request to its answer, by use case.",
            ["action"],
            buckets=_ACTION_SECONDS,
            registry=self.registry,
        )
        self.egress_bytes = Counter(
            "cloche_egress_bytes",
            "Bytes through ended sessions' gateways, by direction.",
            ["direction"],
            registry=self.registry,
        )
        self.egress_refusals = Counter(
            "cloche_egress_refusals", "Connections the gateways refused, by reason.", ["reason"], registry=self.registry
        )
        self.asyncio_tasks = Gauge(
            "cloche_asyncio_tasks",
            "Tasks of the daemon's event loop, the scrape's own among them.",
            registry=self.registry,
        )
        self.asyncio_tasks.set_function(_tasks_of_this_loop)
        register_memory(self.registry)

    def prepare(
        self,
        *,
        statuses: Iterable[str],
        end_reasons: Iterable[str],
        refusal_reasons: Iterable[str],
        admission_refusals: Iterable[tuple[str, str]],
        wait_outcomes: Iterable[str],
        resources: Iterable[str],
    ) -> None:
        """Make every labelled series exist at zero, so that a rate over it is right from the first event on."""
        for status in statuses:
            self.sessions_live.labels(status)
        for reason in end_reasons:
            self.sessions_ended.labels(reason)
        for reason in refusal_reasons:
            self.egress_refusals.labels(reason)
        for outcome in ("ready", "refused", "busy", "failed", "given_up"):
            self.sleep_preps.labels(outcome)
        for why in ("by_hand", "asleep", "pressure"):
            self.hibernations.labels(why)
        for direction in ("in", "out"):
            self.egress_bytes.labels(direction)
        for code, why in admission_refusals:
            self.admissions_refused.labels(code, why)
        for outcome in wait_outcomes:
            self.admission_waits.labels(outcome)
        for resource in resources:
            self.admission_short.labels(resource)


def _tasks_of_this_loop() -> int:
    """Counted at each scrape, which runs on the daemon's loop. Without a loop there is none."""
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return 0
