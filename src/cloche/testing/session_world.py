"""The session layer of one daemon over fake sandboxes with agents that a test drives."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final, cast

from prometheus_client import generate_latest

from cloche.egress.addresses import IPAddress
from cloche.egress.lookups import NameNotFoundError
from cloche.egress.policy import EgressPolicy
from cloche.egress.resolver import Resolver
from cloche.ids import EventId, PrincipalName, SessionId
from cloche.sessions.admission import AdmissionLimits
from cloche.sessions.agent_series import AgentSeries
from cloche.sessions.audit import AuditWriter, NoAudit
from cloche.sessions.browsing.tools import CHROMIUM, Tools
from cloche.sessions.budget import Ceilings
from cloche.sessions.egress_policy import EgressCeiling
from cloche.sessions.events import EventLog
from cloche.sessions.keeping import Keeping
from cloche.sessions.manager import Manager, ManagerSettings
from cloche.sessions.model import EventType, Session, SessionEvent, SessionRequest
from cloche.sessions.pool.keeper import PoolSettings
from cloche.sessions.pool.named import NamedPools
from cloche.sessions.pressure.machine import MachinePressure
from cloche.sessions.principal import Principal, Role
from cloche.sessions.profiles.keeper import ProfileKeeper
from cloche.sessions.recovery import Recovery
from cloche.sessions.removals import Removals
from cloche.sessions.runner_parts import RunnerParts
from cloche.sessions.sandbox_spec import AgentSettings
from cloche.sessions.waiting.queue import QueueLimits
from cloche.storage.database import Database
from cloche.telemetry.metrics import Metrics
from cloche.testing.agent import FakeAgent
from cloche.testing.agent_driver import AgentDriver
from cloche.testing.clock import FakeClock
from cloche.testing.sessions import BUDGET
from cloche.vault.secret_box import SecretBox, derive_key

ANN: Final = Principal(PrincipalName("ann"), Role.USER)
BOB: Final = Principal(PrincipalName("bob"), Role.USER)
ADMIN: Final = Principal(PrincipalName("admin"), Role.ADMIN)


async def _no_such_name(name: str) -> Sequence[IPAddress]:
    raise NameNotFoundError(name)


@dataclass
class World:
    """One daemon's session layer over fake sandboxes, and what a test asks it."""

    database: Database
    events: EventLog
    clock: FakeClock
    driver: AgentDriver
    limits: AdmissionLimits = field(default_factory=lambda: AdmissionLimits(20, 20))
    queue: QueueLimits = field(default_factory=QueueLimits)
    pressure: MachinePressure | None = None
    ceiling: EgressCeiling = field(default_factory=lambda: EgressCeiling(private_hosts=None, base=EgressPolicy()))
    start_timeout_s: float = 5.0
    key: bytes = field(default_factory=lambda: derive_key(b"s" * 32, "secret-box"))
    probes: dict[str, Any] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=Metrics)
    browser_tools: Tools = CHROMIUM
    ceilings: Ceilings = field(default_factory=lambda: Ceilings(default_budget=BUDGET, max_budget=BUDGET))
    profiles: ProfileKeeper = field(default_factory=lambda: ProfileKeeper(None))
    handed_over: bool = False
    pool: PoolSettings = field(default_factory=PoolSettings)
    audit: AuditWriter = field(default_factory=NoAudit)
    removals: Removals = field(default_factory=Removals)

    def __post_init__(self) -> None:
        self.resolver = Resolver(_no_such_name, self.clock)
        self.manager = Manager(
            ManagerSettings(
                ceilings=self.ceilings,
                admission=self.limits,
                queue=self.queue,
                egress=self.ceiling,
                agent=AgentSettings(),
                start_timeout_s=self.start_timeout_s,
                pool=self.pool,
            ),
            parts=RunnerParts(
                driver=self.driver,
                events=self.events,
                clock=self.clock,
                metrics=self.metrics,
                lease_s=30,
                browser_tools=self.browser_tools,
                keeping=lambda runner: Keeping(self.profiles.parts_of(runner)),
                audit=self.audit,
                removals=self.removals,
            ),
            database=self.database,
            resolver=self.resolver,
            secret_box=SecretBox(self.key),
            probes=self.probes,
            profiles=self.profiles,
            pressure=self.pressure,
        )
        self.pools = NamedPools(
            self.manager,
            self.manager.pool,
            self.database,
            secret_box=SecretBox(self.key),
            audit=self.audit,
            clock=self.clock,
        )
        self.metrics.registry.register(AgentSeries(self.manager.last_words))

    async def ready(self, principal: Principal = ANN, **request: Any) -> Session:
        return await self.manager.create(principal, SessionRequest(**request))

    def agent(self, session: Session) -> FakeAgent:
        return self.driver.agents[session.id]

    async def told(self, session_id: SessionId, type_: EventType, *, after: int = 0) -> SessionEvent:
        """Wait for an event of a session."""
        told = self.manager.events(ADMIN, session_id, after=EventId(after))
        async with asyncio.timeout(5), aclosing(cast(AsyncGenerator[SessionEvent], told)):
            async for event in told:
                if event.type is type_:
                    return event
        raise AssertionError(f"the session ended without {type_}")

    async def history(self, session_id: SessionId) -> list[str]:
        """The types of all that has happened so far."""
        read = self.events.read(session_id, after=EventId(0), live=False)
        return [str(event.type) async for event in read]

    def measured(self) -> dict[str, float]:
        lines = generate_latest(self.metrics.registry).decode().splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}

    @property
    def live(self) -> float:
        return self.measured().get('cloche_sessions_live{status="ready"}', 0.0)

    async def recover(self) -> None:
        """What a daemon does at its start: take over what an earlier one left."""
        await Recovery(self.manager, self.driver, self.database).run(self.driver.leftovers_by_session())

    async def hand_over(self) -> None:
        """Stop as a daemon does that leaves its sessions to the next one."""
        await self.manager.drain()
        await self.manager.release_all()
        await self.resolver.close()
        self.handed_over = True

    async def close(self) -> None:
        if self.handed_over:
            return
        await self.manager.drain()
        await self.manager.end_all()
        await self.resolver.close()
        assert self.live == 0
