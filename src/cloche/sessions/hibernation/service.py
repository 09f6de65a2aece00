"""Lays sessions down and brings them back. Owned by the manager; every door that reaches a session goes through it.

A session that is hibernated has a runner like any other, which was never started: it is listed, extended and ended
through that. Each way is one task, whoever asked for it and however many wait for it: nobody's hanging up leaves a
session half-way.
"""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, Protocol, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from cloche.agent_link.listen import hash_token
from cloche.concurrency.tasks import spawn
from cloche.egress.policy import EgressPolicy
from cloche.errors import ClocheError, ConflictError, GoneError, InternalError, NotFoundError, StartError
from cloche.ids import SessionId
from cloche.sessions.events import Data
from cloche.sessions.hibernation.lying import Lying
from cloche.sessions.hibernation.snapshots import in_use
from cloche.sessions.ledger import Ledger
from cloche.sessions.machine import advance
from cloche.sessions.model import EndReason, EventType, Session, SessionStatus
from cloche.sessions.profiles.keeper import ProfileKeeper
from cloche.sessions.profiles.refusals import reason_of
from cloche.sessions.resting import HIBERNATED, Snapshot
from cloche.sessions.roster import Roster
from cloche.sessions.runner import SessionRunner
from cloche.sessions.runner_parts import RunnerParts
from cloche.sessions.sandbox_spec import AgentSettings, sandbox_spec
from cloche.sessions.store import SessionStore
from cloche.sessions.waiting.place import Place
from cloche.sessions.waiting.queue import AdmissionQueue

BY_HAND: Final = "by_hand"
ASLEEP: Final = "asleep"
PRESSURE: Final = "pressure"
CAUSES: Final = (BY_HAND, ASLEEP, PRESSURE)
MAX_AT_ONCE: Final = 2
"""Sessions that are laid down at the same time where nobody waits for it: each seals and writes megabytes."""

T = TypeVar("T")
_log = structlog.get_logger(__name__)


class Making(Protocol):
    """How the manager makes and ends what this needs."""

    def make_runner(self, session: Session, token_hash: str, policy: EgressPolicy) -> SessionRunner: ...

    def policy_of(self, session: Session, upstream_sealed: str | None) -> EgressPolicy:
        """Under today's ceilings. Raises: ClocheError."""
        ...

    def end(self, runner: SessionRunner, reason: EndReason) -> "asyncio.Task[Session]": ...


class Hibernation:
    """See the package. `close` before the daemon leaves its sessions."""

    def __init__(
        self,
        parts: RunnerParts,
        making: Making,
        *,
        queue: AdmissionQueue,
        agent: AgentSettings,
        start_timeout_s: float,
        store: SessionStore,
        roster: Roster,
        ledger: Ledger,
        profiles: ProfileKeeper,
    ) -> None:
        self._parts, self._making, self._queue = parts, making, queue
        self._agent, self._start_timeout_s = agent, start_timeout_s
        self._store, self._roster, self._ledger, self._profiles = store, roster, ledger, profiles
        self._falling: dict[SessionId, asyncio.Task[None]] = {}
        self._rising: dict[SessionId, asyncio.Task[SessionRunner]] = {}
        self._resting = set[SessionId]()
        """Those that hold no place on the server."""
        self._at_once = asyncio.Semaphore(MAX_AT_ONCE)
        self._is_closed = False
        self._lying = Lying(parts.clock, roster, self._lifetime_is_over)

    # --- laying down ------------------------------------------------------------------------------------------------

    async def hibernate(self, runner: SessionRunner, why: str = BY_HAND) -> None:
        """Have nothing of it run any more. Nothing happens to one of which nothing does.

        Raises: ConflictError (`session_in_use`: somebody uses it, or has come before it was done; `private_session`;
        `machine_session`; `profiles_off`); GoneError; what saving its state raises. Then it goes on.
        """
        session_id = runner.session.id
        if (rising := self._rising.get(session_id)) is not None:
            await asyncio.wait({rising})
            raise in_use(1)
        if session_id in self._falling or runner.session.status is not SessionStatus.HIBERNATED:
            await self._joined(self._falling, session_id, lambda: self._lay_down(runner, why), name="hibernate")

    def slept_long(self, runner: SessionRunner) -> None:
        """It has been asleep for as long as its owner has said."""
        spawn(self._unasked(runner, ASLEEP), name=f"hibernate-asleep:{runner.session.id}")

    async def hibernate_longest_asleep(self, count: int) -> int:
        """Hibernate at most `count` of those that sleep, those first that have slept longest; return how many were."""
        done = 0
        asleep = [runner for runner in self._roster if runner.standby.asleep_since is not None and self._may(runner)]
        asleep.sort(key=lambda runner: runner.standby.asleep_since or 0.0)
        for runner in asleep:
            if done >= count:
                break
            if runner.standby.is_asleep and runner.ending is None:
                done += await self._unasked(runner, PRESSURE)
        return done

    async def _unasked(self, runner: SessionRunner, why: str) -> bool:
        """Whether it was. It goes on where it was not, and falls asleep again."""
        try:
            async with self._at_once:
                await self.hibernate(runner, why)
        except ClocheError as error:
            _log.info("session_not_hibernated", session=runner.session.id, reason=reason_of(error))
            return False
        return True

    def _may(self, runner: SessionRunner) -> bool:
        try:
            self._require(runner)
        except ConflictError:
            return False
        return True

    def _require(self, runner: SessionRunner) -> None:
        options = runner.session.options
        if options.private:
            raise ConflictError("nothing of a private session is kept", reason="private_session")
        if options.machine:
            raise ConflictError("the programs and files of a machine are not kept", reason="machine_session")
        self._profiles.require_snapshots()
        if self._is_closed:
            raise ConflictError("the server is stopping", reason="server_stopping")

    async def _lay_down(self, runner: SessionRunner, why: str) -> None:
        began, asked = self._parts.clock.monotonic(), self._roster.asked(runner)
        session_id = runner.session.id
        try:
            self._require(runner)
            async with runner.standby.held() as somebody_came:
                async with self._profiles.snapshot_of(runner, somebody_came) as snapshot:
                    await runner.refresh_usage()
                    if somebody_came.is_set() or self._roster.asked(runner) != asked or runner.ending is not None:
                        raise in_use(runner.users)
                    await self._write_down(runner, snapshot)
                runner.standby.left()
        except ClocheError as error:
            self._ledger.not_hibernated(reason_of(error))
            raise
        except SQLAlchemyError as error:
            self._ledger.not_hibernated("database")
            raise InternalError("the session could not be hibernated") from error
        if runner.ending is None:
            await runner.stop(HIBERNATED)
        if runner.ending is None:
            self._lie(runner.current())
            took_s = self._parts.clock.monotonic() - began
            self._ledger.hibernated(why, took_s)
            data: Data = {"reason": why, "bytes": snapshot.size_bytes, "took_ms": round(took_s * 1000, 3)}
            self._roster.runners[session_id].publish(EventType.HIBERNATED, data)

    async def _write_down(self, runner: SessionRunner, snapshot: Snapshot) -> None:
        """From here on the snapshot is the session: once the row is on the disk, and not before."""
        before = runner.session
        status = advance(before.status, SessionStatus.HIBERNATED)
        runner.session = replace(before, status=status, reason="", snapshot=snapshot)
        runner.is_kept = True
        try:
            await self._store.lay_down(runner.current())
        except BaseException:
            runner.is_kept = False
            if runner.ending is None:
                runner.session = replace(runner.session, status=before.status, snapshot=None)
                with suppress(SQLAlchemyError):  # it may have been written, whatever was said
                    await self._store.save(runner.current())
            raise

    def _lie(self, session: Session, place: Place | None = None) -> SessionRunner:
        """In place of the runner that there was: one of which nothing runs."""
        runner = self._making.make_runner(session, "", EgressPolicy())
        runner.is_kept = True
        runner.accounts.sandbox_went()
        self._roster.add(runner, place)
        if session.id not in self._resting:
            self._resting.add(session.id)
            self._queue.lie_down()
        self._lying.changed()
        return runner

    # --- bringing back ----------------------------------------------------------------------------------------------

    async def awake(self, session_id: SessionId) -> SessionRunner:
        """The runner of a session that is or was hibernated, up again.

        Raises: GoneError: it has ended, also because what was kept of it is gone (`snapshot_lost`); BusyError; what
        restoring its state raises. After any but the first it is hibernated as it was, and may be asked for again.
        """
        while True:
            runner = await self._roster.live_runner(None, session_id)
            if runner.session.status is not SessionStatus.HIBERNATED:
                return runner
            if (falling := self._falling.get(session_id)) is not None:
                await asyncio.wait({falling})
                continue
            return await self._joined(self._rising, session_id, lambda: self._rise(runner), name="bring-back")  # noqa: B023  # called at once

    async def _rise(self, lying: SessionRunner) -> SessionRunner:
        began, session = self._parts.clock.monotonic(), lying.current()
        try:
            return await self._bring_back(session, began)
        except ClocheError as error:
            self._ledger.not_brought_back(reason_of(error))
            _log.warning("session_not_brought_back", session=session.id, reason=reason_of(error))
            raise

    async def _bring_back(self, session: Session, began: float) -> SessionRunner:
        token = secrets.token_urlsafe(32)
        policy = self._making.policy_of(session, await self._store.upstream_sealed(session.id))
        self._queue.get_up()
        self._resting.discard(session.id)
        runner = self._making.make_runner(session, hash_token(token), policy)
        self._roster.add(runner)
        try:
            async with asyncio.timeout(self._start_timeout_s):
                await runner.start(sandbox_spec(session, token, self._agent, browser_at_rest=True))
            if runner.ending is None:
                await self._write_up(runner, hash_token(token), began)
        except TimeoutError:
            await self._lie_again(runner, StartError("the session did not wake in time", reason="wake_timeout"))
        except ClocheError as error:
            await self._lie_again(runner, error)
        except Exception as error:  # noqa: BLE001 - the top of a task: nothing may stay half built
            _log.exception("session_bring_back_broke", session=session.id)
            failure = InternalError("the session could not be brought back")
            failure.__cause__ = error
            await self._lie_again(runner, failure)
        if runner.ending is not None:
            await asyncio.shield(runner.ending)
            raise GoneError("the session has ended", reason=runner.end_reason)
        await self._profiles.drop_snapshot(session.id)
        return runner

    async def _write_up(self, runner: SessionRunner, token_hash: str, began: float) -> None:
        was, driver = runner.session, self._parts.driver
        assert runner.sandbox is not None and was.snapshot is not None
        session = replace(was, status=advance(was.status, SessionStatus.READY), snapshot=None)
        up = replace(runner.current(), status=session.status, snapshot=None)
        await self._store.bring_back(up, sandbox=driver.describe(runner.sandbox), agent_token_hash=token_hash)
        if runner.ending is not None:
            return
        runner.session = session
        self._ledger.live(self._roster)
        took_s = self._parts.clock.monotonic() - began
        self._ledger.brought_back(took_s)
        slept_s = (self._parts.clock.now() - was.snapshot.taken_at).total_seconds()
        data: Data = {"hibernated": True, "slept_s": round(max(0.0, slept_s), 3), "took_ms": round(took_s * 1000, 3)}
        runner.publish(EventType.AWAKE, data)

    async def _lie_again(self, runner: SessionRunner, error: ClocheError) -> None:
        """What was built goes, and it lies as before. Raises: the error, but where the session is to end anyway."""
        if runner.ending is not None:
            return
        session = replace(runner.current(), status=SessionStatus.HIBERNATED)
        if runner.session.status is not SessionStatus.HIBERNATED:
            raise InternalError("the session is up, and could not be written down so") from error
        await asyncio.shield(spawn(runner.stop(HIBERNATED), name=f"lie-again:{session.id}"))
        if isinstance(error.__cause__, SQLAlchemyError):
            with suppress(SQLAlchemyError):  # it may have been written that it is up, whatever was said
                await self._store.lay_down(session)
        if not self.holds(runner):
            return
        lying = self._lie(session)
        if isinstance(error, NotFoundError):
            await asyncio.shield(self._making.end(lying, EndReason.SNAPSHOT_LOST))
            raise GoneError("what was kept of the session is gone", reason=str(EndReason.SNAPSHOT_LOST)) from error
        raise error

    # --- all of them ------------------------------------------------------------------------------------------------

    def take_over(self, session: Session) -> None:
        """One that an earlier daemon has left so."""
        self._lie(session, self._queue.take_back(session.owner))

    def holds(self, runner: SessionRunner) -> bool:
        """Whether nothing of it runs, and nobody is ending it."""
        return runner.session.status is SessionStatus.HIBERNATED and runner.ending is None

    def end_moved(self) -> None:
        """The end of some session's lifetime was changed."""
        self._lying.changed()

    def ended(self, session_id: SessionId) -> None:
        """Before its place is given back."""
        if session_id in self._resting:
            self._resting.discard(session_id)
            self._queue.rests_no_more()

    async def settle(self) -> None:
        """Begin nothing more, and let what is under way come to its end."""
        self._is_closed = True
        await self._lying.close()
        while going := {*self._falling.values(), *self._rising.values()}:
            await asyncio.wait(going)

    def _lifetime_is_over(self, runner: SessionRunner) -> None:
        self._making.end(runner, EndReason.LIFETIME_REACHED)

    async def _joined(
        self,
        going: dict[SessionId, asyncio.Task[T]],
        session_id: SessionId,
        steps: Callable[[], Coroutine[Any, Any, T]],
        *,
        name: str,
    ) -> T:
        """Take these steps, or wait with whoever takes them already."""
        if (task := going.get(session_id)) is None:
            task = going[session_id] = spawn(steps(), name=f"{name}:{session_id}")
            task.add_done_callback(lambda _: going.pop(session_id))
        return await asyncio.shield(task)
