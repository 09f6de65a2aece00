"""Sessions as values, for tests that need one and do not care which."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cloche.ids import PrincipalName, new_session_id
from cloche.sessions.model import Budget, Session, SessionOptions, SessionStatus
from cloche.sessions.resting import StandbyRequest, StandbyUse

NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)

BUDGET: Final = Budget(
    memory_bytes=1 << 30,
    processes=512,
    cpu_cores=2.0,
    disk_bytes=1 << 30,
    egress_bytes=10 << 30,
    egress_connections=256,
)


def make_options(**changes: Any) -> SessionOptions:
    facts: dict[str, Any] = {"budget": BUDGET, "idle_timeout_s": 600, "lifetime_s": 3600}
    return SessionOptions(**facts | changes)


def make_session(**changes: Any) -> Session:
    """A pending session of `ann`, created at noon for an hour, with a fresh id; `changes` are fields of `Session`."""
    facts: dict[str, Any] = {
        "id": new_session_id(),
        "owner": PrincipalName("ann"),
        "status": SessionStatus.PENDING,
        "reason": "",
        "options": make_options(),
        "created_at": NOON,
        "expires_at": NOON + timedelta(hours=1),
    }
    return Session(**facts | changes)


def standby_of(asked: StandbyRequest | None) -> StandbyUse | None:
    """What a server with a default of five seconds makes of it."""
    return (
        None if asked is None else StandbyUse(after_s=asked.after_s or 5.0, hibernate_after_s=asked.hibernate_after_s)
    )
