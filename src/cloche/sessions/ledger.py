"""What the manager writes down beside its decisions: metrics, refusals, usage. It decides nothing."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from cloche.egress.gateway import Refusal
from cloche.errors import CapacityError
from cloche.ids import SessionId
from cloche.sessions.admission import Refused
from cloche.sessions.events import Data
from cloche.sessions.model import FINAL_STATUSES, EndReason, EventType, SessionStatus
from cloche.sessions.pressure.judge import Resource
from cloche.sessions.privacy import refusal_for_the_record
from cloche.sessions.runner import SessionRunner
from cloche.sessions.store import SessionStore
from cloche.sessions.waiting.news import Outcome
from cloche.telemetry.metrics import Metrics

LIVE_STATUSES: Final = tuple(status for status in SessionStatus if status not in FINAL_STATUSES)

_log = structlog.get_logger(__name__)


class Ledger:
    """Owned by the manager."""

    def __init__(self, metrics: Metrics, store: SessionStore) -> None:
        self._metrics = metrics
        self._store = store
        self._noted: dict[SessionId, tuple[int, int]] = {}

    def live(self, runners: Iterable[SessionRunner]) -> None:
        """Count the sessions that have not ended, by status."""
        counts = Counter(runner.session.status for runner in runners)
        for status in LIVE_STATUSES:
            self._metrics.sessions_live.labels(str(status)).set(counts[status])

    def not_admitted(self, error: CapacityError) -> None:
        self._metrics.admissions_refused.labels(error.code, str(error.fields.get("reason", ""))).inc()

    # --- of the queue (QueueNews) -----------------------------------------------------------------------------------

    def waiting(self, length: int) -> None:
        self._metrics.admission_queue_length.set(length)

    def waited(self, outcome: Outcome, waited_s: float) -> None:
        self._metrics.admission_waits.labels(str(outcome)).inc()
        self._metrics.admission_wait_seconds.observe(waited_s)

    def short_of(self, resource: Refused | None) -> None:
        for each in Resource:
            self._metrics.admission_short.labels(str(each)).set(resource is not None and each.value == resource.value)

    # --- of sessions ------------------------------------------------------------------------------------------------

    def started(self, took_s: float) -> None:
        self._metrics.sessions_created.inc()
        self._metrics.start_seconds.observe(took_s)

    def woke(self, took_s: float) -> None:
        self._metrics.wake_seconds.observe(took_s)

    def asked_to_get_ready(self, outcome: str) -> None:
        self._metrics.sleep_preps.labels(outcome).inc()

    def hibernated(self, why: str, took_s: float) -> None:
        self._metrics.hibernations.labels(why).inc()
        self._metrics.hibernate_seconds.observe(took_s)

    def not_hibernated(self, reason: str) -> None:
        self._metrics.hibernations_failed.labels(reason).inc()

    def brought_back(self, took_s: float) -> None:
        self._metrics.bring_back_seconds.observe(took_s)

    def not_brought_back(self, reason: str) -> None:
        self._metrics.bring_backs_failed.labels(reason).inc()

    def not_started(self, reason: str) -> None:
        self._metrics.starts_failed.labels(reason).inc()

    def ended(self, runner: SessionRunner, reason: EndReason) -> None:
        self._noted.pop(runner.session.id, None)
        self._metrics.sessions_ended.labels(str(reason)).inc()
        self._metrics.egress_bytes.labels("in").inc(runner.accounts.counters.bytes_in)
        self._metrics.egress_bytes.labels("out").inc(runner.accounts.counters.bytes_out)

    def refused(self, runner: SessionRunner, refusal: Refusal) -> None:
        self._metrics.egress_refusals.labels(str(refusal.reason)).inc(refusal.count)
        runner.browsing.refused(refusal)
        data: Data = {
            "host": refusal.host,
            "port": refusal.port,
            "reason": str(refusal.reason),
            "rule": refusal.rule,
            "count": refusal.count,
        }
        runner.publish(EventType.EGRESS_REFUSED, refusal_for_the_record(runner.session, data))

    async def used(self, runner: SessionRunner) -> None:
        """Write down what has been taken, so that a crash of the daemon does not give a budget back."""
        current = runner.current()
        taken = current.usage.egress_bytes_in + current.usage.egress_bytes_out, current.usage.actions
        if taken == self._noted.get(current.id, (0, 0)):
            return
        self._noted[current.id] = taken
        try:
            await self._store.save(current)
        except SQLAlchemyError:
            _log.exception("usage_not_written", session=current.id)
