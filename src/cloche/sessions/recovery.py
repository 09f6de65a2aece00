"""After a restart: adopt what still lives, end what does not, reap what nobody wants."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from cloche.concurrency.tasks import together
from cloche.egress.policy import EgressPolicy
from cloche.errors import ClocheError
from cloche.ids import SessionId
from cloche.sandbox.driver import SandboxDriver
from cloche.sessions import rows
from cloche.sessions.entrance import ATTACH_WAIT_S
from cloche.sessions.manager import Manager
from cloche.sessions.model import EndReason, EventType, SessionStatus
from cloche.sessions.reconcile import Action, Adopt, Fail, Reap, Rest, plan
from cloche.storage.database import Database

_log = structlog.get_logger(__name__)


class Recovery:
    """Runs once, after the doors' listeners are bound and before they serve."""

    def __init__(self, manager: Manager, driver: SandboxDriver, database: Database) -> None:
        self._manager = manager
        self._driver = driver
        self._database = database

    async def run(self, leftovers: Mapping[SessionId, Mapping[str, Any]]) -> None:
        """Bring rows and sandboxes together. Returns when every session is adopted or ended."""
        async with self._database.read() as connection:
            unfinished = await rows.unfinished(connection)
        actions = plan({id_: found.session for id_, found in unfinished.items()}, leftovers)
        await together(*(self._carry_out(action, unfinished) for action in actions))

    async def _carry_out(self, action: Action, unfinished: Mapping[SessionId, rows.Unfinished]) -> None:
        match action:
            case Adopt(session, description):
                await self._adopt(unfinished[session.id], description)
            case Rest(session, description):
                if description is not None:  # of which it was being taken, or in which it was being brought back
                    await self._reap(session.id, description)
                self._manager.hibernation.take_over(session)
            case Fail(session, description):
                await self._fail(unfinished[session.id], description)
            case Reap(session_id, description):
                await self._reap(session_id, description)

    async def _adopt(self, found: rows.Unfinished, description: Mapping[str, Any]) -> None:
        try:
            policy = self._manager.policy_of(found.session, found.upstream_sealed)
        except ClocheError as error:
            # Today's settings forbid what this session was given: it must not go on with less walls or other ones.
            _log.warning("session_not_adopted", session=found.session.id, exc_info=error)
            await self._fail(found, description)
            return
        # It is woken with the adoption, and sleeps again when nobody comes.
        session = replace(found.session, status=SessionStatus.READY)
        runner = self._manager.take_over(session, found.agent_token_hash, policy)
        try:
            async with asyncio.timeout(ATTACH_WAIT_S):
                await runner.adopt(description)
        except Exception as error:  # noqa: BLE001 - the top of a task: one session must not stop the daemon's start
            _log.warning("session_not_adopted", session=runner.session.id, exc_info=error)
            if runner.sandbox is None:
                await self._reap(runner.session.id, description)
            await self._manager.end(runner, EndReason.SANDBOX_LOST)
            return
        runner.publish(EventType.ADOPTED)
        _log.info("session_adopted", session=runner.session.id)

    async def _fail(self, found: rows.Unfinished, description: Mapping[str, Any] | None) -> None:
        if description is not None:
            await self._reap(found.session.id, description)
        runner = self._manager.take_over(found.session, found.agent_token_hash, EgressPolicy())
        # One that was closing already goes on to its end, for the reason it had.
        closing = found.session.status is SessionStatus.CLOSING
        await self._manager.end(runner, EndReason(found.session.reason) if closing else EndReason.SANDBOX_LOST)

    async def _reap(self, session_id: SessionId, description: Mapping[str, Any]) -> None:
        try:
            await self._driver.destroy(await self._driver.adopt(description))
            _log.info("orphan_reaped", session=session_id)
        except Exception as error:  # noqa: BLE001 - the top of a task: the next start finds it again
            _log.warning("orphan_not_reaped", session=session_id, exc_info=error)
