"""What has become of a session whose agent's link is down, or whose browser has given up: back, or over, and why."""

import asyncio
import contextlib
from typing import Final, Protocol

from cloche.clock import Clock
from cloche.concurrency.tasks import spawn
from cloche.errors import ClocheError, DeadlineError
from cloche.sandbox.driver import Observation, SandboxState, Usage
from cloche.sessions.accounts import Accounts
from cloche.sessions.agent_side import AgentSide
from cloche.sessions.model import EndReason, EventType, Session
from cloche.sessions.standby import Standby

RETURN_WAIT_S: Final = 10.0
"""How long a sandbox that still runs may be without its agent's link."""
LOOK_EVERY_S: Final = 0.25


class Investigated(Protocol):
    """What a runner tells of its session, and does in the end."""

    session: Session
    accounts: Accounts
    standby: Standby

    async def observe(self) -> Observation | None:
        """Poll the sandbox; None when that cannot be told just now."""
        ...

    def read_accounts(self, usage: Usage) -> None: ...

    def report(self, type_: EventType) -> object: ...

    def end(self, reason: EndReason) -> None: ...


class Investigation:
    """Owned by the runner, which stops its task with its own."""

    def __init__(self, owner: Investigated, agent: AgentSide, clock: Clock) -> None:
        self.task: asyncio.Task[None] | None = None
        self.gave_up = False
        """Set when the browser has given up."""
        self.kills_at_ready = 0
        """How often something had been killed for memory when the browser last came up."""
        self._owner = owner
        self._agent = agent
        self._clock = clock

    @property
    def is_under_way(self) -> bool:
        return self.task is not None and not self.task.done()

    def begin(self) -> None:
        """Look into it, unless that is being done."""
        if not self.is_under_way:
            self.task = spawn(self._investigate(), name=f"investigate:{self._owner.session.id}")

    async def _investigate(self) -> None:
        """See whether the agent dials again. Or its browser has given up: see how it goes."""
        if self._owner.standby.is_asleep:
            await self._let_go_on()
        deadline = self._clock.monotonic() + RETURN_WAIT_S
        seen: Observation | None = None
        while self._clock.monotonic() < deadline and (seen is None or seen.state is SandboxState.RUNNING):
            if await self._is_back():
                self._owner.report(EventType.AGENT_RETURNED)
                return
            seen = await self._owner.observe()
        if seen is not None:
            self._owner.read_accounts(seen.usage)
        self._owner.end(self._reason(seen))

    async def _let_go_on(self) -> None:
        """What stands still does not dial, and of a sandbox whose init was killed the rest cannot even end."""
        with contextlib.suppress(ClocheError):  # then it is seen as it stands
            await self._owner.standby.wake()

    def _reason(self, seen: Observation | None) -> EndReason:
        # A browser, or an agent, killed for memory after the browser last came up did not go for a reason of its own.
        killed = self._owner.accounts.kills > self.kills_at_ready
        if killed or (seen is not None and seen.reason == "out_of_memory"):
            return EndReason.OUT_OF_MEMORY
        return EndReason.BROWSER_GAVE_UP if self.gave_up else EndReason.SANDBOX_LOST

    async def _is_back(self) -> bool:
        if self.gave_up:
            await asyncio.sleep(LOOK_EVERY_S)
            return False
        with contextlib.suppress(DeadlineError):
            await self._agent.registered(timeout_s=LOOK_EVERY_S)
        return self._agent.is_up  # it may have come and gone again
