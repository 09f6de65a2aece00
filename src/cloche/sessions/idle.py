"""When a session ends by itself. Pure: the clock is an argument."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cloche.sessions.model import EndReason


@dataclass(frozen=True, slots=True)
class Activity:
    """When a session was last used, and how many use it right now."""

    last_active_at: datetime
    users: int


@dataclass(frozen=True, slots=True)
class End:
    at: datetime
    reason: EndReason


def next_end(*, expires_at: datetime, idle_timeout_s: int, activity: Activity) -> End:
    """Tell when, if nothing more happens, the session ends, and why. Whoever uses it keeps it from idling."""
    lifetime = End(expires_at, EndReason.LIFETIME_REACHED)
    if activity.users > 0:
        return lifetime
    idle = End(activity.last_active_at + timedelta(seconds=idle_timeout_s), EndReason.IDLE_TIMEOUT)
    return min(lifetime, idle, key=lambda end: end.at)
