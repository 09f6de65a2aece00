"""What every runner of a daemon shares."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cloche.clock import Clock
from cloche.sandbox.driver import SandboxDriver
from cloche.sessions.audit import AuditWriter, NoAudit
from cloche.sessions.browsing.tools import CHROMIUM, Tools
from cloche.sessions.events import EventLog
from cloche.sessions.keeping import Keeping
from cloche.sessions.live.none import LivePart, NoLive
from cloche.sessions.news import News
from cloche.sessions.removals import Removals
from cloche.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from cloche.sessions.runner import SessionRunner


@dataclass(frozen=True, slots=True)
class RunnerParts:
    driver: SandboxDriver
    events: EventLog
    clock: Clock
    metrics: Metrics
    lease_s: float
    browser_tools: Tools = CHROMIUM
    live: "Callable[[SessionRunner], LivePart]" = lambda _: NoLive()
    keeping: "Callable[[SessionRunner], Keeping]" = lambda _: Keeping()
    audit: AuditWriter = field(default_factory=NoAudit)
    news: News = field(default_factory=News)
    removals: Removals = field(default_factory=Removals)
