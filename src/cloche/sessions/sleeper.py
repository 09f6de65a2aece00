"""What a session's standby stops and lets go on: its sandbox, after its agent has got ready, and before it wakes.

Only an agent with integrations or probes is asked: to any other a freeze is nothing to get ready for. What is asked
for is the guest protocol's `SleepPrep` and `Wake` (docs/reference/agent.md).
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from cloche.concurrency.tasks import spawn
from cloche.errors import BusyError, ClocheError, ConflictError
from cloche.ids import SessionId
from cloche.sessions.agent_questions import AgentQuestions

DRAIN_S: Final = 10.0
"""For running commands and checkpoints. Their agent keeps a tenth of it for the answer."""
PREPARE_S: Final = DRAIN_S + 10.0
"""For all of it: file systems are synced beyond the drain time."""
MAX_REFUSALS: Final = 3
"""In a row, and it is stopped all the same: nothing of it is lost by that."""

_log = structlog.get_logger(__name__)


class SleeperRunner(Protocol):
    """What a runner does for it; see `standby.StandbyOwner`."""

    @property
    def questions(self) -> AgentQuestions: ...
    @property
    def users(self) -> int: ...
    @property
    def is_at_work(self) -> bool: ...
    async def freeze(self) -> None: ...
    async def thaw(self) -> None: ...
    async def reclaim(self) -> None: ...


class Sleeper:
    """See `standby.StandbyOwner`. Owned by the session's standby."""

    def __init__(self, runner: SleeperRunner, session_id: SessionId, count: Callable[[str], None]) -> None:
        """`count` takes what came of asking the agent: `ready`, `refused`, `busy`, `failed` or `given_up`."""
        self._runner, self._id, self._count = runner, session_id, count
        self._refusals = 0
        self._is_prepared = False

    @property
    def users(self) -> int:
        return self._runner.users

    @property
    def is_at_work(self) -> bool:
        return self._runner.is_at_work

    async def get_ready(self, *, insists: bool) -> None:
        questions = self._runner.questions
        try:
            async with asyncio.timeout(PREPARE_S):
                if not (await questions.health()).value.checks:
                    return
                self._is_prepared = True
                success, detail = await questions.sleep_prep(DRAIN_S)
        except asyncio.CancelledError:
            self._count("given_up")
            raise
        except BusyError:
            self._count("busy")
            raise ConflictError("the agent has much to answer", reason="session_in_use") from None
        except (TimeoutError, ClocheError) as error:
            self._count("failed")
            self._refused("no answer", error)
        else:
            if success and "still running" in detail:
                self._count("busy")
                raise ConflictError("programs of the agent's own are running", reason="session_in_use")
            self._count("ready" if success else "refused")
            if not success:
                self._refused(detail)
        if self._refusals and not insists and self._refusals < MAX_REFUSALS:
            raise ConflictError("the agent does not let it sleep", reason="sleep_refused")
        self._refusals = 0

    async def freeze(self) -> None:
        await self._runner.freeze()

    async def thaw(self) -> None:
        await self._runner.thaw()
        self.go_on()

    def go_on(self) -> None:
        if self._is_prepared:
            self._is_prepared = False
            spawn(self._wake_agent(), name=f"wake-agent:{self._id}")

    async def reclaim(self) -> None:
        await self._runner.reclaim()

    def _refused(self, detail: str, error: Exception | None = None) -> None:
        self._refusals += 1
        # The agent's own words, which it has from commands in the sandbox: one printable line.
        _log.warning("sleep_refused", session=self._id, detail=detail, times=self._refusals, exc_info=error)

    async def _wake_agent(self) -> None:
        """Whoever came is not kept waiting for it."""
        try:
            await self._runner.questions.wake()
        except ClocheError as error:
            _log.warning("agent_not_woken", session=self._id, error=error.code, detail=error.detail)
