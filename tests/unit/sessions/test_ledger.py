from types import SimpleNamespace
from typing import Any, cast

from cloche.sessions.ledger import Ledger
from cloche.sessions.model import SessionStatus
from cloche.sessions.store import SessionStore
from cloche.telemetry.metrics import Metrics


def runners(*statuses: SessionStatus) -> Any:
    return [SimpleNamespace(session=SimpleNamespace(status=status)) for status in statuses]


def test_live_sessions_are_counted_by_status_and_a_status_without_any_is_zero() -> None:
    metrics = Metrics()
    ledger = Ledger(metrics, cast(SessionStore, None))

    def shown(status: SessionStatus) -> float | None:
        return metrics.registry.get_sample_value("cloche_sessions_live", {"status": str(status)})

    ledger.live(runners(SessionStatus.READY, SessionStatus.READY, SessionStatus.PENDING))
    assert (shown(SessionStatus.READY), shown(SessionStatus.PENDING), shown(SessionStatus.CLOSING)) == (2, 1, 0)

    ledger.live(runners(SessionStatus.CLOSING))
    assert (shown(SessionStatus.READY), shown(SessionStatus.PENDING), shown(SessionStatus.CLOSING)) == (0, 0, 1)
