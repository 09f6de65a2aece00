"""Work that goes on when whoever asked for it has gone, once it has begun: half a restart helps nobody."""

from collections.abc import Awaitable, Callable
from typing import Any

from cloche.agent.log import Log
from cloche.agent.loop import Loop
from cloche.agent.machine.problem import Problem


class Errand:
    def __init__(self, loop: Loop, log: Log) -> None:
        self._loop, self._log = loop, log
        self.has_begun = False
        """Set by the work itself; until then it ends with whoever waits for it."""
        self._value: dict[str, Any] = {}
        self._error: Exception | None = None

    async def run(self, work: Callable[["Errand"], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
        """Do it in a task of its own and return what came of it. Raises: whatever it raises."""
        task = self._loop.spawn(self._keep(work), "browser command")
        try:
            await task.done.wait()
        finally:
            if not self.has_begun:
                await self._loop.stop(task)
        if self._error is not None:
            raise self._error
        return self._value

    async def _keep(self, work: Callable[["Errand"], Awaitable[dict[str, Any]]]) -> None:
        try:
            self._value = await work(self)
        except Problem as problem:
            self._log.info("browser command failed", code=problem.code, message=problem.message)
            self._error = problem
        except Exception as error:  # noqa: BLE001  # handed on to whoever waits, and said here since nobody may
            self._log.error("browser command failed", error=repr(error))
            self._error = error
