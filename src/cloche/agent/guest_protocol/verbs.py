"""What each request of the guest protocol does."""

from collections.abc import Awaitable, Callable
from typing import Final

from cloche.agent.activity import Activity
from cloche.agent.checks.checks import Checks
from cloche.agent.guest_protocol.exec import Executor
from cloche.agent.guest_protocol.exec_gate import ExecGate
from cloche.agent.log import Log
from cloche.agent.loop import Loop
from cloche.agent.population import Population
from cloche.agent.sleep import Sleeper
from cloche.wire.guest import (
    Answer,
    RequestError,
    Tagged,
    Verb,
    answer_hello,
    error,
    read_drain_s,
    read_exec,
    read_hello,
    read_integrations,
)
from cloche.wire.messages import AGENT_VERSION, Payload

CHECKPOINT_S: Final = 30.0
"""What checkpoint commands get when no sleep is prepared: the drain timeout that hosts send by default."""

ENDS_WITH_ITS_PEER: Final = frozenset({Verb.EXEC})
"""What nobody needs to be done any more when the peer has hung up. Whatever else was begun is brought to its end."""


class Verbs:
    """Owned by the guest side. Cancelling the task that answers ends what runs for the answer."""

    def __init__(
        self,
        loop: Loop,
        log: Log,
        *,
        activity: Activity,
        checks: Checks,
        sleeper: Sleeper,
        exec_gate: ExecGate,
        population: Population,
    ) -> None:
        self._log = log
        self._activity, self._checks, self._sleeper = activity, checks, sleeper
        self._executor = Executor(loop, log, activity=activity, gate=exec_gate, population=population)
        self._is_checkpointing = False
        self._does: dict[Verb, Callable[[Payload], Awaitable[Tagged]]] = {
            Verb.HELLO: self._hello,
            Verb.PING: self._ping,
            Verb.WORKER_STATUS: self._worker_status,
            Verb.SLEEP_PREP: self._sleep_prep,
            Verb.WAKE: self._wake,
            Verb.POST_RESTORE: self._post_restore,
            Verb.INTEGRATION_STATUS: self._integration_status,
            Verb.CHECKPOINT_INTEGRATIONS: self._checkpoint,
            Verb.PROBE_STATUS: self._probe_status,
            Verb.EXEC: self._exec,
        }

    async def answer(self, verb: Verb, fields: Payload) -> Tagged:
        """Do what a request asks. Whatever goes wrong is an `Error` answer, never an exception."""
        try:
            return await self._does[verb](fields)
        except RequestError as mistake:
            return error(str(mistake))
        except Exception as failure:  # noqa: BLE001  # one request's failure is its own, and must be answered too
            # Not its text: it may hold what a command printed or was called with.
            self._log.error("request failed", verb=verb, error=type(failure).__name__)
            return error("internal error")

    async def _hello(self, fields: Payload) -> Tagged:
        return answer_hello(read_hello(fields), AGENT_VERSION)

    async def _ping(self, _: Payload) -> Tagged:
        return Tagged(Answer.PONG)

    async def _worker_status(self, _: Payload) -> Tagged:
        status, last_busy_at = self._activity.status(), self._activity.last_busy_at()
        return Tagged(Answer.WORKER_STATUS, {"status": str(status), "last_busy_at": last_busy_at})

    async def _sleep_prep(self, fields: Payload) -> Tagged:
        report = await self._sleeper.prepare(read_drain_s(fields))
        return Tagged(Answer.SLEEP_PREP_ACK, {"success": report.success, "detail": report.detail or None})

    async def _wake(self, _: Payload) -> Tagged:
        report = await self._sleeper.wake()
        if not report.success:
            self._log.warn("wake failed", detail=report.detail)  # the answer has no room for it
        return Tagged(Answer.WAKE_ACK, {"success": report.success})

    async def _post_restore(self, _: Payload) -> Tagged:
        report = await self._sleeper.post_restore()
        return Tagged(Answer.POST_RESTORE_ACK, {"success": report.success, "detail": report.detail or None})

    async def _integration_status(self, _: Payload) -> Tagged:
        return Tagged(Answer.INTEGRATION_STATUS_REPORT, {"integrations": self._checks.integration_reports()})

    async def _checkpoint(self, fields: Payload) -> Tagged:
        names = read_integrations(fields)
        if self._is_checkpointing:
            return error("a checkpoint is running already")
        self._is_checkpointing = True
        try:
            settled = await self._checks.checkpoint(names, CHECKPOINT_S)
        finally:
            self._is_checkpointing = False
        failed = list(settled.failed)
        return Tagged(
            Answer.CHECKPOINT_RESULT, {"success": not failed, "failed": failed, "detail": settled.detail or None}
        )

    async def _probe_status(self, _: Payload) -> Tagged:
        return Tagged(Answer.PROBE_STATUS_REPORT, {"probes": self._checks.probe_results()})

    async def _exec(self, fields: Payload) -> Tagged:
        # Before its fields are looked at: who may not run anything need not be told what would be wrong with it.
        if reason := self._executor.refusal():
            return error(reason)
        return await self._executor.run(read_exec(fields))
