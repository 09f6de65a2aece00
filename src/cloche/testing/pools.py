"""Named pools for testing doors: the real use cases over sessions in memory, with nothing that ever waits in them."""

from dataclasses import replace
from typing import NoReturn

from prometheus_client import CollectorRegistry

from cloche.clock import Clock
from cloche.egress.policy import EgressPolicy
from cloche.ids import SessionId
from cloche.sessions.audit import NoAudit
from cloche.sessions.budget import Ceilings, effective_options
from cloche.sessions.egress_policy import EgressCeiling, effective_policy, without_credentials
from cloche.sessions.model import Session, SessionOptions, SessionRequest
from cloche.sessions.pool.figures import PoolFigures
from cloche.sessions.pool.keeper import PoolKeeper, PoolSettings
from cloche.sessions.pool.named import NamedPools
from cloche.sessions.principal import Principal
from cloche.storage.database import Database
from cloche.testing.manager import FakeSessionManager
from cloche.testing.sessions import BUDGET
from cloche.vault.secret_box import SecretBox, derive_key

_CEILINGS = Ceilings(default_budget=BUDGET, max_budget=BUDGET, engines=frozenset({"shell", "chrome"}))


class _Sessions:
    """Sessions in memory, with the rules of the real manager on what may be asked for."""

    def __init__(self, manager: FakeSessionManager) -> None:
        self._manager = manager

    async def create(
        self, principal: Principal, request: SessionRequest, *, wait: bool = True, pool: str | None = None
    ) -> Session:
        self.in_force(request)
        return await self._manager.create(principal, request, wait=wait, pool=pool)

    def in_force(self, request: SessionRequest, pool: str | None = None) -> tuple[SessionOptions, EgressPolicy]:
        options = effective_options(request, _CEILINGS)
        policy = effective_policy(options, request.egress.upstream, EgressCeiling((), EgressPolicy()))
        return replace(options, egress=without_credentials(options.egress)), policy

    async def get(self, principal: Principal, session_id: SessionId) -> Session:
        return await self._manager.get(principal, session_id)

    async def close(self, principal: Principal, session_id: SessionId) -> Session:
        return await self._manager.close(principal, session_id)

    def in_use(self, pool: str | None) -> int:
        return self._manager.in_use(pool)


class _Nothing:
    is_busy = False
    is_short = False


def unfilled_pools(manager: FakeSessionManager, database: Database, clock: Clock) -> NamedPools:
    sessions = _Sessions(manager)
    keeper = PoolKeeper(
        PoolSettings(size=1, most=8),
        default=sessions.in_force(SessionRequest())[0],
        make=_make,
        surroundings=_Nothing(),
        clock=clock,
        figures=PoolFigures(CollectorRegistry()),
    )
    box = SecretBox(derive_key(b"p" * 32, "secret-box"))
    return NamedPools(sessions, keeper, database, secret_box=box, audit=NoAudit(), clock=clock)


def _make(options: SessionOptions, browser_at_rest: bool) -> NoReturn:
    raise AssertionError("its keeper has not begun")
