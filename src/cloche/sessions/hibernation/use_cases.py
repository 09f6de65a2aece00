"""Standby and hibernation by hand, as the manager offers them."""

from cloche.ids import SessionId
from cloche.sessions.auditing import note_standby
from cloche.sessions.hibernation.service import Hibernation
from cloche.sessions.model import Session, SessionStatus
from cloche.sessions.principal import Principal
from cloche.sessions.roster import Roster
from cloche.sessions.runner_parts import RunnerParts


class StandbyUseCases:
    """Part of the manager. See `sessions.interface.SessionManager`."""

    _parts: RunnerParts
    _roster: Roster
    hibernation: Hibernation

    async def hibernate(self, principal: Principal, session_id: SessionId) -> Session:
        runner = await self._roster.started_runner(principal, session_id)
        self._parts.audit.require()
        await self.hibernation.hibernate(runner)
        runner = self._roster.runners.get(session_id, runner)
        note_standby(self._parts.audit, "session.hibernate", runner.session, principal)
        await self._parts.audit.settled()
        return runner.current()

    async def sleep(self, principal: Principal, session_id: SessionId) -> Session:
        runner = await self._roster.started_runner(principal, session_id)
        self._parts.audit.require()
        if runner.session.status is not SessionStatus.HIBERNATED:
            await runner.standby.sleep()
        note_standby(self._parts.audit, "session.sleep", runner.session, principal)
        await self._parts.audit.settled()
        return runner.current()

    async def wake(self, principal: Principal, session_id: SessionId) -> Session:
        runner = await self._roster.ready_runner(principal, session_id)
        self._parts.audit.require()
        await runner.standby.wake()
        note_standby(self._parts.audit, "session.wake", runner.session, principal)
        await self._parts.audit.settled()
        return runner.current()
