"""The sessions of one daemon: the rows of all of them, and the runners of those that live."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from cloche.errors import ConflictError, GoneError, NotFoundError
from cloche.ids import SessionId
from cloche.sessions.events import Data
from cloche.sessions.ledger import Ledger
from cloche.sessions.machine import advance
from cloche.sessions.model import FINAL_STATUSES, UP_STATUSES, EventType, Session, SessionStatus
from cloche.sessions.pressure.demand import Demand, footprint
from cloche.sessions.principal import Principal
from cloche.sessions.runner import SessionRunner
from cloche.sessions.runner_parts import RunnerParts
from cloche.sessions.sleeper import Sleeper
from cloche.sessions.standby import Standby, StandbyNews
from cloche.sessions.store import SessionStore
from cloche.sessions.waiting.place import Place

_log = structlog.get_logger(__name__)

EVENT_OF_STATUS: Final = {
    SessionStatus.READY: EventType.READY,
    SessionStatus.CLOSING: EventType.CLOSING,
    SessionStatus.CLOSED: EventType.CLOSED,
    SessionStatus.FAILED: EventType.FAILED,
}


class Roster:
    """Owned by the manager. Who may see a session, which runner it has, and each step of its lifecycle."""

    def __init__(self, parts: RunnerParts, store: SessionStore, ledger: Ledger) -> None:
        self._parts, self._store, self._ledger = parts, store, ledger
        self.runners: dict[SessionId, SessionRunner] = {}
        self._places: dict[SessionId, Place] = {}
        self.awake: Callable[[SessionId], Awaitable[SessionRunner]] | None = None
        """Brings a hibernated session back. Set by the manager."""
        self.slept_long: Callable[[SessionRunner], None] = lambda _: None
        self._asked = Counter[SessionId]()

    def __iter__(self) -> Iterator[SessionRunner]:
        return iter(self.runners.values())

    def add(self, runner: SessionRunner, place: Place | None = None) -> None:
        """Its place is given back when it is removed. None: the session has one, of the runner before."""
        self.runners[runner.session.id] = runner
        if place is not None:
            self._places[runner.session.id] = place
        self._ledger.live(self)

    def remove(self, session_id: SessionId) -> None:
        self.runners.pop(session_id, None)
        if (place := self._places.pop(session_id, None)) is not None:
            place.give_back()
        self._asked.pop(session_id, None)
        self._ledger.live(self)

    def current(self, runner: SessionRunner) -> Session:
        """The session as it stands, also where it waits for its place."""
        place = self._places.get(runner.session.id)
        return replace(runner.current(), queue_position=place.position if place is not None else None)

    def leave_queue(self, session_id: SessionId) -> None:
        """It is ending: others need not wait behind it."""
        if (place := self._places.get(session_id)) is not None and place.is_waiting:
            place.give_back()

    def demand(self, places: int) -> Demand:
        """What so many places will take beyond what their sessions take already: those not up yet take nothing."""
        without = {SessionStatus.PENDING, SessionStatus.HIBERNATED}
        settled = [runner for runner in self if runner.session.status not in without]
        awake = [runner for runner in settled if runner.session.status is SessionStatus.READY]
        one = footprint((r.accounts.memory_bytes for r in awake), (r.accounts.tasks for r in awake))
        return Demand(one, max(0, places - len(settled)))

    def asked(self, runner: SessionRunner) -> int:
        """How often it has been asked for: whoever has it now may use it a moment later, and is not counted yet."""
        return self._asked[runner.session.id]

    async def become(
        self, runner: SessionRunner, status: SessionStatus, reason: str, detail: str = "", *, is_written: bool = False
    ) -> Session:
        """Take one step of the lifecycle: check it, write it unless that has been done, tell it."""
        runner.session = replace(runner.session, status=advance(runner.session.status, status), reason=reason)
        session = runner.current()
        try:
            if not is_written:
                description = self._description(runner) if status is SessionStatus.READY else None
                await self._store.save(session, sandbox=description)
        except SQLAlchemyError:
            if status is SessionStatus.READY:
                raise
            # What ends must end, written or not; the next start finds the row unfinished and ends it there.
            _log.exception("session_not_written", session=session.id, status=str(status))
        data = {"reason": reason} | ({"detail": detail} if detail else {}) if reason else {}
        self._ledger.live(self)
        runner.publish(EVENT_OF_STATUS[status], data)
        return session

    def standby_of(self, runner: SessionRunner) -> Standby:
        """What puts a session to sleep and wakes it; each change is a step of its lifecycle."""
        standby, clock, name = runner.session.options.standby, self._parts.clock, runner.session.id
        after_s = standby.after_s if standby is not None else None
        deeper_after_s = standby.hibernate_after_s if standby is not None else None

        async def fell_asleep(why: str) -> None:
            await self._move(runner, SessionStatus.SLEEPING, EventType.ASLEEP, {"reason": why})

        async def woke(slept_s: float, took_s: float) -> None:
            self._ledger.woke(took_s)
            data: Data = {"slept_s": round(slept_s, 3), "took_ms": round(took_s * 1000, 3)}
            await self._move(runner, SessionStatus.READY, EventType.AWAKE, data)

        news = StandbyNews(fell_asleep=fell_asleep, woke=woke, slept_long=lambda: self.slept_long(runner))
        sleeper = Sleeper(runner, name, self._ledger.asked_to_get_ready)
        return Standby(sleeper, news, clock, after_s=after_s, name=name, deeper_after_s=deeper_after_s)

    async def _move(self, runner: SessionRunner, status: SessionStatus, type_: EventType, data: Data) -> None:
        """Between `ready` and `sleeping`. One that is ending stays what it is becoming."""
        if runner.session.status not in UP_STATUSES:
            return
        runner.session = replace(runner.session, status=status)
        self._ledger.live(self)
        runner.publish(type_, data)
        try:
            await self._store.save(runner.current())
        except SQLAlchemyError:  # the next start finds it up, and looks whether it sleeps
            _log.exception("session_not_written", session=runner.session.id, status=str(status))

    async def live_runner(self, principal: Principal | None, session_id: SessionId) -> SessionRunner:
        """Raises: NotFoundError, GoneError."""
        runner = self.runners.get(session_id)
        session = runner.session if runner is not None else await self._store.load(session_id)
        if principal is not None:
            visible(principal, session)
        if runner is None or runner.ending is not None or session.status in FINAL_STATUSES:
            reason = runner.end_reason if runner is not None else session.reason
            raise GoneError("the session has ended", reason=reason)
        return runner

    async def ready_runner(self, principal: Principal | None, session_id: SessionId) -> SessionRunner:
        """One that is hibernated is brought back first.

        Raises: as `live_runner`; ConflictError for one that is not ready yet; what bringing it back raises.
        """
        runner = await self.started_runner(principal, session_id)
        if runner.session.status is SessionStatus.HIBERNATED and self.awake is not None:
            runner = await self.awake(session_id)
        if session_id in self.runners:  # it may have ended again while it was brought back
            self._asked[session_id] += 1
        return runner

    async def started_runner(self, principal: Principal | None, session_id: SessionId) -> SessionRunner:
        """Hibernated or up. Raises: as `live_runner`, and ConflictError for one that is not ready yet."""
        runner = await self.live_runner(principal, session_id)
        if runner.session.status is SessionStatus.PENDING:
            raise ConflictError("the session is not ready yet", status="pending")
        return runner

    def _description(self, runner: SessionRunner) -> dict[str, Any] | None:
        return self._parts.driver.describe(runner.sandbox) if runner.sandbox is not None else None


def visible(principal: Principal, session: Session) -> Session:
    """A foreign session and one that never was are the same to a user. Raises: NotFoundError."""
    if not principal.may_use(session.owner):
        raise NotFoundError("there is no such session")
    return session
