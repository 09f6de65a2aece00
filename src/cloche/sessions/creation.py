"""How a session comes to be: its place, its profile, its runner, and the way up to `ready`. Owned by the manager."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import structlog

from cloche.agent_link.listen import hash_token
from cloche.concurrency.tasks import spawn
from cloche.egress.policy import EgressPolicy
from cloche.errors import CapacityError, ClocheError, InternalError, StartError
from cloche.ids import SessionId, new_session_id
from cloche.sessions.auditing import note_created
from cloche.sessions.ledger import Ledger
from cloche.sessions.model import (
    EndReason,
    EventType,
    Session,
    SessionOptions,
    SessionRequest,
    SessionStatus,
    Started,
)
from cloche.sessions.pool.inventory import DEFAULT
from cloche.sessions.pool.keeper import PoolKeeper
from cloche.sessions.pool.warm import Warm
from cloche.sessions.principal import Principal
from cloche.sessions.privacy import for_the_record
from cloche.sessions.profiles.keeper import ProfileKeeper
from cloche.sessions.roster import Roster
from cloche.sessions.runner import SessionRunner
from cloche.sessions.runner_parts import RunnerParts
from cloche.sessions.sandbox_spec import AgentSettings, sandbox_spec
from cloche.sessions.store import SessionStore
from cloche.sessions.waiting.place import Place
from cloche.sessions.waiting.queue import AdmissionQueue
from cloche.vault.secret_box import SecretBox

_log = structlog.get_logger(__name__)
T = TypeVar("T")

MakeRunner = Callable[[Session, str, EgressPolicy, Warm | None], SessionRunner]
"""Of a session, the hash of its agent's token, what it may reach, and the warm sandbox that it takes over."""
End = Callable[..., "asyncio.Task[Session]"]


class Creation:
    """Every start goes through here; `settled` waits for those under way."""

    def __init__(
        self,
        parts: RunnerParts,
        *,
        queue: AdmissionQueue,
        agent: AgentSettings,
        start_timeout_s: float,
        store: SessionStore,
        roster: Roster,
        ledger: Ledger,
        profiles: ProfileKeeper,
        secret_box: SecretBox,
        make_runner: MakeRunner,
        end: End,
        pool: PoolKeeper,
    ) -> None:
        self._parts, self._queue, self._agent, self._start_timeout_s = parts, queue, agent, start_timeout_s
        self._store, self._roster, self._ledger, self._profiles = store, roster, ledger, profiles
        self._secret_box, self._make_runner, self._end = secret_box, make_runner, end
        self._pool = pool
        self._starts: set[asyncio.Task[Any]] = set()

    async def take_place(
        self, principal: Principal, options: SessionOptions, *, timeout_s: float | None = None, wait: bool = True
    ) -> Place:
        """As `AdmissionQueue.take`. Raises: QuotaError, NoRoomError."""
        try:
            is_warm = self._pool.has(options)
            return await self._queue.take(principal.name, timeout_s=timeout_s, wait=wait, is_there=is_warm)
        except CapacityError as error:
            self._ledger.not_admitted(error)
            raise

    def begin(
        self,
        place: Place,
        principal: Principal,
        request: SessionRequest,
        options: SessionOptions,
        policy: EgressPolicy,
        began: float,
    ) -> "asyncio.Task[tuple[Session, asyncio.Task[Session]]]":
        """Begin to build a session in its place: the task ends with the session and the task of its way up.

        A client that goes away does not take down what is half built, so whoever waits for either shields it.
        """
        return self._starting(self._admit(place, principal, request, options, policy, began), name="admit")

    @property
    def is_busy(self) -> bool:
        """Somebody waits for a session that is being built."""
        return bool(self._starts)

    async def settled(self) -> None:
        while self._starts:  # one that has been admitted is next to be built
            await asyncio.wait(self._starts)

    async def _admit(
        self,
        place: Place,
        principal: Principal,
        request: SessionRequest,
        options: SessionOptions,
        policy: EgressPolicy,
        began: float,
    ) -> "tuple[Session, asyncio.Task[Session]]":
        """Give a session its sandbox, its profile and its runner, and begin to build it.

        Raises: as `ProfileKeeper.begin`.
        """
        warm: Warm | None = None
        pool = options.pool or DEFAULT
        try:
            if not place.is_waiting:
                at_rest = await self._profiles.wants_rest(principal, options)
                if at_rest is not None:
                    warm = await self._pool.take(options, pool=pool, browser_at_rest=at_rest)
            session_id = new_session_id() if warm is None else warm.session_id
            beginning = await self._profiles.begin(principal, session_id, options)
        except BaseException:
            place.give_back()
            if warm is not None:
                self._pool.put_back(warm, pool=pool)
            raise
        if warm is not None and beginning.is_at_rest != warm.shape.browser_at_rest:
            # Saved in the other form since it was looked at: a browser that runs cannot take a directory.
            await self._parts.removals.begin(session_id, warm.discard())
            warm = None
        started = Started.COLD if warm is None else Started.WARM
        session = self._new_session(session_id, principal, beginning.options, started)
        token = secrets.token_urlsafe(32)
        token_hash = hash_token(token) if warm is None else warm.token_hash
        runner = self._make_runner(session, token_hash, policy, warm)
        self._roster.add(runner, place)
        spec = sandbox_spec(session, token, self._agent, browser_at_rest=beginning.is_at_rest)
        start = partial(runner.start, spec) if warm is None else runner.take_over
        needs_nothing = beginning.options.profile is None and beginning.options.start_url is None
        stands = warm if needs_nothing else None
        coming = self._bring_up(runner, place, start, token_hash, request.egress.upstream, began, stands)
        up = self._starting(coming, name=f"create:{session_id}")
        # After that: its row, which the next steps wait for, is written first, and the journal's beside these.
        note_created(self._parts.audit, session)
        return self._roster.current(runner), up

    def _starting(self, steps: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        task = spawn(steps, name=name)
        self._starts.add(task)
        task.add_done_callback(self._starts.discard)
        return task

    async def _bring_up(
        self,
        runner: SessionRunner,
        place: Place,
        start: Callable[[], Awaitable[None]],
        token_hash: str,
        upstream: str | None,
        began: float,
        stands: Warm | None,
    ) -> Session:
        """`stands`: its warm sandbox, where nothing is to be put into that. Then it is written down as ready at once,
        and the next daemon may adopt it as it is. Raises: ClocheError."""
        session = runner.session
        failure: ClocheError = StartError("the session did not start in time", reason="start_timeout")
        try:
            sealed = self._secret_box.seal(upstream, context=session.id) if upstream else None
            row, sandbox = for_the_record(session), None
            if stands is not None and stands.sandbox is not None:
                row = replace(row, status=SessionStatus.READY, browser=stands.browser)
                sandbox = self._parts.driver.describe(stands.sandbox)
            await self._store.add(row, agent_token_hash=token_hash, upstream_sealed=sealed, sandbox=sandbox)
            runner.publish(EventType.CREATED, {"owner": session.owner})
            began += await self._placed(runner, place)
            async with asyncio.timeout(self._start_timeout_s):
                await start()
            if runner.ending is None:
                ready = await self._roster.become(runner, SessionStatus.READY, "", is_written=sandbox is not None)
                self._ledger.started(self._parts.clock.monotonic() - began)
                return ready
        except TimeoutError:
            _log.warning("session_start_too_slow", session=session.id)
        except ClocheError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - the top of a task: no session may stay half built
            _log.exception("session_start_broke", session=session.id)
            failure = InternalError("the session could not be started")
            failure.__cause__ = error
        if runner.ending is not None:  # closed by its owner, or lost, while it was coming up
            return await asyncio.shield(runner.ending)
        await self._fail_start(runner, failure)
        raise failure

    async def _placed(self, runner: SessionRunner, place: Place) -> float:
        """Wait until it has its place; return for how many seconds. Raises: NoRoomError, QuotaError."""
        began = self._parts.clock.monotonic()
        await place.granted(
            lambda position, waiting: runner.publish(EventType.QUEUED, {"position": position, "waiting": waiting})
        )
        return self._parts.clock.monotonic() - began

    def _new_session(
        self, session_id: SessionId, principal: Principal, options: SessionOptions, started: Started
    ) -> Session:
        now = self._parts.clock.now()
        return Session(
            id=session_id,
            owner=principal.name,
            status=SessionStatus.PENDING,
            reason="",
            options=options,
            created_at=now,
            expires_at=now + timedelta(seconds=options.lifetime_s),
            started=started,
        )

    async def _fail_start(self, runner: SessionRunner, failure: ClocheError) -> None:
        said = failure.fields.get("reason") if isinstance(failure, CapacityError) else None
        reason = failure.reason if isinstance(failure, StartError) else str(said or failure.code)
        _log.warning("session_start_failed", session=runner.session.id, reason=reason, exc_info=failure)
        self._ledger.not_started(reason)
        await asyncio.shield(self._end(runner, EndReason.START_FAILED, detail=reason))
