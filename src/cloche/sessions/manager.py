"""The use cases of sessions, for real: admit, build, keep, list, end. Every door calls these and adds nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from cloche.concurrency.tasks import spawn
from cloche.data_plane.relay import RelaysOf
from cloche.egress.accept_guard import AcceptGuard
from cloche.egress.accounting import Counters
from cloche.egress.gateway import Gateway
from cloche.egress.policy import EgressPolicy
from cloche.egress.resolver import Resolver
from cloche.errors import InvalidError, JournalError
from cloche.ids import EventId, ProfileId, SessionId
from cloche.sessions.admission import Admission, AdmissionLimits
from cloche.sessions.agent_side import LastWords
from cloche.sessions.auditing import client_of, note_close
from cloche.sessions.budget import Ceilings, effective_options
from cloche.sessions.creation import Creation
from cloche.sessions.egress_policy import EgressCeiling, effective_policy, without_credentials
from cloche.sessions.hibernation.service import Hibernation
from cloche.sessions.hibernation.use_cases import StandbyUseCases
from cloche.sessions.interface import Attachment, SessionAgent, SessionBrowser, SessionMachine, SessionManager
from cloche.sessions.ledger import Ledger
from cloche.sessions.live.interface import SessionLive
from cloche.sessions.machine import FAILURES
from cloche.sessions.machine_rights import require_machine, require_scope
from cloche.sessions.model import (
    UP_STATUSES,
    EndReason,
    EventType,
    Session,
    SessionEvent,
    SessionOptions,
    SessionPage,
    SessionRequest,
    SessionStatus,
)
from cloche.sessions.pool.figures import PoolFigures
from cloche.sessions.pool.keeper import PoolKeeper, PoolSettings
from cloche.sessions.pool.warm import Warm
from cloche.sessions.pressure.machine import MachinePressure
from cloche.sessions.pressure.relief import Relief, Several
from cloche.sessions.principal import Principal, Role
from cloche.sessions.profiles.keeper import ProfileKeeper
from cloche.sessions.roster import Roster, visible
from cloche.sessions.runner import SessionRunner
from cloche.sessions.runner_parts import RunnerParts
from cloche.sessions.sandbox_spec import AgentSettings
from cloche.sessions.store import SessionStore
from cloche.sessions.usage_report import UsageLine, usage_lines
from cloche.sessions.waiting.queue import WORDS, AdmissionQueue, QueueLimits
from cloche.storage.database import Database
from cloche.vault.secret_box import SecretBox


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerSettings:
    ceilings: Ceilings
    admission: AdmissionLimits
    queue: QueueLimits = field(default_factory=QueueLimits)
    egress: EgressCeiling
    agent: AgentSettings
    start_timeout_s: float = 30.0
    pool: PoolSettings = field(default_factory=PoolSettings)


class Manager(StandbyUseCases, SessionManager):
    """Owns the runners of all live sessions and the rows of all. Built by the composition root."""

    def __init__(
        self,
        settings: ManagerSettings,
        *,
        parts: RunnerParts,
        database: Database,
        resolver: Resolver,
        accept_guard: AcceptGuard | None = None,
        relays_of: RelaysOf | None = None,
        secret_box: SecretBox,
        probes: Mapping[str, Callable[[], Awaitable[str | None]]],
        profiles: ProfileKeeper | None = None,
        pressure: MachinePressure | None = None,
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._store = SessionStore(database)
        self._ledger = Ledger(parts.metrics, self._store)
        self._resolver = resolver
        self._accept_guard, self._relays_of = accept_guard, relays_of
        self._secret_box = secret_box
        self._probes = probes
        self._roster = Roster(parts, self._store, self._ledger)
        self._runners = self._roster.runners
        self._queue = AdmissionQueue(
            Admission(settings.admission),
            settings.queue,
            parts.clock,
            self._ledger,
            pressure=pressure,
            demand=self._roster.demand,
        )
        self._profiles = profiles or ProfileKeeper(None)
        self.pool = PoolKeeper(
            settings.pool,
            default=effective_options(SessionRequest(), settings.ceilings),
            make=partial(Warm, driver=parts.driver, agent=settings.agent, clock=parts.clock),
            surroundings=self,
            clock=parts.clock,
            figures=PoolFigures(parts.metrics.registry),
        )
        self._creation = Creation(
            parts,
            queue=self._queue,
            agent=settings.agent,
            start_timeout_s=settings.start_timeout_s,
            store=self._store,
            roster=self._roster,
            ledger=self._ledger,
            profiles=self._profiles,
            secret_box=secret_box,
            make_runner=self.make_runner,
            end=self.end,
            pool=self.pool,
        )
        self.hibernation = Hibernation(
            parts,
            self,
            queue=self._queue,
            agent=settings.agent,
            start_timeout_s=settings.start_timeout_s,
            store=self._store,
            roster=self._roster,
            ledger=self._ledger,
            profiles=self._profiles,
        )
        self._roster.awake, self._roster.slept_long = self.hibernation.awake, self.hibernation.slept_long

    # --- use cases --------------------------------------------------------------------------------------------------

    async def create(
        self, principal: Principal, request: SessionRequest, *, wait: bool = True, pool: str | None = None
    ) -> Session:
        started = self._parts.clock.monotonic()
        self._parts.audit.require()
        if request.machine:
            require_scope(principal)
        options, policy = self.in_force(request, pool)
        place = await self._creation.take_place(principal, options, timeout_s=request.queue_timeout_s, wait=wait)
        # Shielded: a client that goes away does not take down a session that is half built; it will be listed.
        session, going = await asyncio.shield(
            self._creation.begin(place, principal, request, options, policy, started + place.waited_s)
        )
        try:
            await self._parts.audit.settled()
        except JournalError as error:  # it comes up all the same, and nobody else would tell its id
            raise JournalError(error.detail, **{**error.fields, "session_id": session.id}) from error
        return await asyncio.shield(going) if wait else session

    def in_force(self, request: SessionRequest, pool: str | None = None) -> tuple[SessionOptions, EgressPolicy]:
        """What a session gets that asks this of a named pool or of none. Raises: InvalidError, DeniedError."""
        options = effective_options(request, self._settings.ceilings)
        policy = effective_policy(options, request.egress.upstream, self._settings.egress)
        return replace(options, egress=without_credentials(options.egress), pool=pool), policy

    async def get(self, principal: Principal, session_id: SessionId) -> Session:
        runner = self._runners.get(session_id)
        if runner is None:
            return visible(principal, await self._store.load(session_id))
        visible(principal, runner.session)
        if runner.session.status in UP_STATUSES:
            await runner.refresh_usage()
        return self._roster.current(runner)

    async def list(
        self,
        principal: Principal,
        *,
        status: SessionStatus | None = None,
        labels: Mapping[str, str] | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> SessionPage:
        page = await self._store.page(
            owner=None if principal.role is Role.ADMIN else principal.name,
            status=status,
            labels=labels or {},
            limit=limit,
            cursor=cursor,
        )
        shown = [self._roster.current(self._runners[s.id]) if s.id in self._runners else s for s in page.sessions]
        return replace(page, sessions=tuple(shown))

    async def close(self, principal: Principal, session_id: SessionId) -> Session:
        runner = self._runners.get(session_id)
        if runner is None:
            return visible(principal, await self._store.load(session_id))
        note_close(self._parts.audit, visible(principal, runner.session), principal)
        closed = await asyncio.shield(self.end(runner, EndReason.CLOSED_BY_USER))
        await self._parts.audit.settled()
        return closed

    async def extend(self, principal: Principal, session_id: SessionId, *, lifetime_s: int) -> Session:
        if lifetime_s < 1:
            raise InvalidError("must be at least 1", field="lifetime_s")
        runner = await self._roster.live_runner(principal, session_id)
        self._parts.audit.require()
        lifetime = timedelta(seconds=min(lifetime_s, self._settings.ceilings.max_lifetime_s))
        expires_at = self._parts.clock.now() + lifetime
        await self._store.save(replace(runner.current(), expires_at=expires_at))
        runner.session = replace(runner.session, expires_at=expires_at)
        runner.publish(EventType.EXTENDED, {"by": principal.name, "expires_at": expires_at.isoformat()})
        runner.end_moved()
        self.hibernation.end_moved()
        await self._parts.audit.settled()
        return runner.current()

    async def events(
        self, principal: Principal, session_id: SessionId, *, after: EventId | None = None
    ) -> AsyncIterator[SessionEvent]:
        await self.get(principal, session_id)
        live = session_id in self._runners
        async with aclosing(self._parts.events.read(session_id, after=after or EventId(0), live=live)) as events:
            async for event in events:
                yield event

    @asynccontextmanager
    async def attach(
        self, principal: Principal | None, session_id: SessionId, *, quiet: bool = False
    ) -> AsyncIterator[Attachment]:
        runner = await self._roster.ready_runner(principal, session_id)
        written_down = client_of(self._parts.audit, runner.session, principal, quiet=quiet)
        async with written_down, runner.attach(quiet=quiet) as attachment:
            yield attachment

    async def agent(self, principal: Principal, session_id: SessionId) -> SessionAgent:
        return (await self._roster.ready_runner(principal, session_id)).questions

    async def machine(self, principal: Principal, session_id: SessionId, *, whole: bool = True) -> SessionMachine:
        runner = await self._roster.ready_runner(principal, session_id)
        if whole:
            require_machine(principal, made_with=runner.session.options.machine)
            self._parts.audit.require()
        return runner.machine

    async def browser(self, principal: Principal, session_id: SessionId) -> SessionBrowser:
        return (await self._roster.ready_runner(principal, session_id)).browsing

    async def live(self, principal: Principal | None, session_id: SessionId) -> SessionLive:
        return (await self._roster.ready_runner(principal, session_id)).live

    async def usage(self, principal: Principal, *, since: datetime) -> tuple[Sequence[UsageLine], bool]:
        owner = None if principal.role is Role.ADMIN else principal.name
        found, truncated = await self._store.made_since(since, owner=owner)
        current = (self._runners[s.id].current() if s.id in self._runners else s for s in found)
        return usage_lines(current, self._parts.clock.now()), truncated

    async def save_profile(self, principal: Principal, session_id: SessionId) -> ProfileId:
        """Save a living session's state to its profile now. Raises: as `SessionProfiles.save_session`."""
        return await self._profiles.save_now(await self._roster.ready_runner(principal, session_id))

    def last_words(self) -> Iterator[LastWords]:
        """What the agents of all sessions that are up have last said, for the metrics."""
        return (runner.last_words for runner in self._runners.values() if runner.session.status in UP_STATUSES)

    async def readiness(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        if (lack := await self._queue.lacks()) is not None:
            found["capacity"] = f"{WORDS[lack]}; {self._queue.waiting} wait for a place"
        for name, probe in self._probes.items():
            if (reason := await probe()) is not None:
                found[name] = reason
        return found

    # --- starting ---------------------------------------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        return self._creation.is_busy

    @property
    def warm_relief(self) -> Relief:
        """What the pool can give up for memory or processes."""
        return Several("warm", self.pool.give_up)

    @property
    def is_short(self) -> bool:
        return self._queue.is_short

    def make_runner(
        self, session: Session, token_hash: str, policy: EgressPolicy, warm: Warm | None = None
    ) -> SessionRunner:
        def make_gateway(runner: SessionRunner, counters: Counters) -> Gateway:
            return Gateway(
                policy,
                self._resolver,
                on_refusal=lambda refusal: self._ledger.refused(runner, refusal),
                on_exhausted=runner.budget_exhausted,
                counters=counters,
                guard=self._accept_guard,
                relays=self._relays_of(session.id) if self._relays_of else None,
            )

        return SessionRunner(
            session,
            token_hash=token_hash,
            warm=warm,
            parts=self._parts,
            gateway=make_gateway,
            standby=self._roster.standby_of,
            on_end=self._end_by_itself,
            on_usage=self._ledger.used,
        )

    # --- ending -----------------------------------------------------------------------------------------------------

    def end(self, runner: SessionRunner, reason: EndReason, *, detail: str = "") -> "asyncio.Task[Session]":
        """Begin to end a session, or join the end that has begun: a session ends once."""
        if runner.ending is None:
            runner.end_reason = str(reason)
            runner.ending = spawn(self._take_down(runner, reason, detail), name=f"end:{runner.session.id}")
            self._roster.leave_queue(runner.session.id)
        return runner.ending

    def _end_by_itself(self, runner: SessionRunner, reason: EndReason) -> None:
        self.end(runner, reason)

    async def _take_down(self, runner: SessionRunner, reason: EndReason, detail: str) -> Session:
        failed = reason in FAILURES
        try:
            if not failed and runner.session.status is not SessionStatus.CLOSING:
                await self._roster.become(runner, SessionStatus.CLOSING, str(reason))
            if not failed:
                await runner.save(str(reason))
            await runner.stop(str(reason))
            status = SessionStatus.FAILED if failed else SessionStatus.CLOSED
            runner.session = replace(runner.current(), closed_at=self._parts.clock.now())
            return await self._roster.become(runner, status, str(reason), detail)
        finally:
            try:
                await self._profiles.end(runner.session.id)
            finally:
                self._forget(runner, reason)

    def _forget(self, runner: SessionRunner, reason: EndReason) -> None:
        self.hibernation.ended(runner.session.id)
        self._roster.remove(runner.session.id)
        self._parts.events.finish(runner.session.id)
        self._ledger.ended(runner, reason)

    # --- the daemon's own start and stop ----------------------------------------------------------------------------

    def policy_of(self, session: Session, upstream_sealed: str | None) -> EgressPolicy:
        """Rebuild a stored session's policy under today's ceilings. Raises as `create` does."""
        opened = self._secret_box.open(upstream_sealed, context=session.id) if upstream_sealed else None
        return effective_policy(session.options, opened, self._settings.egress)

    def take_over(self, session: Session, token_hash: str, policy: EgressPolicy) -> SessionRunner:
        """Make the runner of a session that an earlier daemon left, and count it."""
        runner = self.make_runner(session, token_hash, policy)
        self._roster.add(runner, self._queue.take_back(session.owner))
        return runner

    async def tidy_profiles(self) -> None:
        """After the recovery: forget what sessions that are no more had of profiles."""
        lying = {id_ for id_, runner in self._runners.items() if runner.session.status is SessionStatus.HIBERNATED}
        await self._profiles.recover(tuple(self._runners), lying)

    def in_use(self, pool: str | None) -> int:
        """How many sessions of a named pool have not ended, or of those that name none."""
        return sum(runner.session.options.pool == pool for runner in self._runners.values())

    def begin_pool(self) -> None:
        """After the recovery: keep warm sandboxes from here on."""
        self.pool.begin()

    async def drain(self) -> None:
        """Admit no one any more, and let what is starting come up or fail."""
        await self._queue.close()
        await self._creation.settled()
        await self.pool.close()
        await self.hibernation.settle()
        await self._profiles.settle()

    async def end_all(self) -> None:
        """End every session because the server stops; but those that are hibernated wait for the next one."""
        up = (runner for runner in tuple(self._runners.values()) if not self.hibernation.holds(runner))
        await asyncio.gather(*(self.end(runner, EndReason.SERVER_STOPPING) for runner in up))
        await self._parts.removals.settled()

    async def release_all(self) -> None:
        """Leave every session running for the next daemon."""
        runners = tuple(runner for runner in self._runners.values() if not self.hibernation.holds(runner))
        await asyncio.gather(*(runner.release() if runner.ending is None else runner.ending for runner in runners))
        await self._parts.removals.settled()
