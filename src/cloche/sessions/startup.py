"""A session's way up: steps that can be stopped from outside, and that fail for the reason the agent gives."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import DeadlineError, SandboxError, StartError
from cloche.sandbox.driver import Observation, SandboxState
from cloche.sessions.agent_side import AgentSide

LOOK_EVERY_S: Final = 0.25
LAST_WORDS_S: Final = 0.1
"""When a step fails because the agent is going away: how long its own account of why may take to be read."""


class Startup:
    """One attempt. Owned by the runner: `run` once, `fail` whenever the agent reports a failure, `stop` at any time."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._failure: asyncio.Future[StartError] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[Exception | None] | None = None

    def fail(self, reason: str, detail: str) -> None:
        """Tell why it will not come up. The first reason counts; after the end of `run` none does."""
        if not self._failure.done():
            self._failure.set_result(StartError(detail, reason=reason))

    async def run(self, steps: Coroutine[Any, Any, None]) -> bool:
        """Take the steps; False when `stop` cut them short. Raises what `fail` was told, else what a step raised."""
        task = self._task = spawn(_error_of(steps), name=f"start:{self._name}")
        try:
            waited: set[asyncio.Future[Any]] = {task, self._failure}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            error = task.result() if task.done() and not task.cancelled() else None
            if isinstance(error, SandboxError):
                await asyncio.wait({self._failure}, timeout=LAST_WORDS_S)
            if self._failure.done():
                raise self._failure.result() from error
            if error is not None:
                raise error
            return not task.cancelled()
        finally:
            await cancel_and_wait(task)

    async def stop(self) -> None:
        """Cut the steps short and wait until they have put their things away."""
        await cancel_and_wait(self._task)


async def registered(agent: AgentSide, poll: Callable[[], Awaitable[Observation]]) -> None:
    """Wait for the agent, looking now and then whether there still is anyone to wait for. Raises: StartError."""
    while True:
        try:
            return await agent.registered(timeout_s=LOOK_EVERY_S)
        except DeadlineError:
            if (await poll()).state is not SandboxState.RUNNING:
                raise StartError(
                    "the sandbox ended before its agent registered", reason="sandbox_died_at_start"
                ) from None


async def _error_of(steps: Coroutine[Any, Any, None]) -> Exception | None:
    try:
        await steps
    except Exception as error:  # noqa: BLE001 - handed to whoever waits for the steps, who raises it
        return error
    return None
