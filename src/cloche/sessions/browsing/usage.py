"""What of a session's budget is taken and left, as every answer tells it. Pure."""

from datetime import datetime

from cloche.browser.contract.common import Usage
from cloche.sessions.browsing.meter import Meter
from cloche.sessions.model import Session


def usage_of(session: Session, meter: Meter, *, tabs: int | None, now: datetime, monotonic: float) -> Usage:
    """`tabs` None: no browser has been connected to, so nobody knows."""
    budget, taken = session.options.budget, session.usage
    egress = taken.egress_bytes_in + taken.egress_bytes_out
    return Usage(
        actions=meter.taken,
        actions_left=meter.left,
        window_actions_left=meter.window_left(monotonic),
        window_resets_in_ms=meter.resets_in_ms(monotonic),
        tabs=tabs or 0,
        tabs_left=-1 if tabs is None else max(0, budget.tabs - tabs),
        egress_bytes_left=max(0, budget.egress_bytes - egress),
        memory_bytes=-1 if taken.memory_bytes is None else taken.memory_bytes,
        cpu_seconds=-1.0 if taken.cpu_seconds is None else taken.cpu_seconds,
        lifetime_left_ms=max(0, int((session.expires_at - now).total_seconds() * 1000)),
    )
