"""What a principal's sessions have taken, by day. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from cloche.sessions.model import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageLine:
    """Sums over the sessions that one principal made on one day (UTC)."""

    day: date
    owner: str
    sessions: int
    failed: int
    seconds: float
    """From each one's creation to its end, or until now."""
    egress_bytes_in: int
    egress_bytes_out: int
    actions: int
    cpu_seconds: float


@dataclass(slots=True)
class _Sum:
    sessions: int = 0
    failed: int = 0
    seconds: float = 0.0
    egress_bytes_in: int = 0
    egress_bytes_out: int = 0
    actions: int = 0
    cpu_seconds: float = 0.0


def usage_lines(sessions: Iterable[Session], now: datetime) -> list[UsageLine]:
    """Oldest day first."""
    sums: dict[tuple[date, str], _Sum] = defaultdict(_Sum)
    for session in sessions:
        line = sums[session.created_at.astimezone(UTC).date(), session.owner]
        line.sessions += 1
        line.failed += session.status == "failed"
        line.seconds += max(0.0, ((session.closed_at or now) - session.created_at).total_seconds())
        line.egress_bytes_in += session.usage.egress_bytes_in
        line.egress_bytes_out += session.usage.egress_bytes_out
        line.actions += session.usage.actions
        line.cpu_seconds += session.usage.cpu_seconds or 0.0
    return [
        UsageLine(
            day=day,
            owner=owner,
            sessions=line.sessions,
            failed=line.failed,
            seconds=round(line.seconds, 3),
            egress_bytes_in=line.egress_bytes_in,
            egress_bytes_out=line.egress_bytes_out,
            actions=line.actions,
            cpu_seconds=round(line.cpu_seconds, 3),
        )
        for (day, owner), line in sorted(sums.items())
    ]
