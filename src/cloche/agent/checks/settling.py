"""Checkpoint and restore: commands of integrations, side by side, done by a deadline or killed and failed."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, NamedTuple

from cloche.agent.checks.runner import Runner
from cloche.agent.checks.verdict import DETAIL_CHARACTERS, explain, one_line
from cloche.agent.loop import Loop

_NAME_CHARACTERS: Final = 64
_SHOWN_NAMES: Final = 64
"""More than there is room for in a detail."""
_ENDED: Final = "it was ended with the agent's checks"


class Settled(NamedTuple):
    """How checkpoint or restore commands went, by the integrations' names. `detail` is one line fit to be shown."""

    failed: tuple[str, ...] = ()
    critical: tuple[str, ...] = ()
    """Those of `failed` that are critical."""
    detail: str = ""
    done: tuple[str, ...] = ()
    """Those whose command ran and did not fail."""


class Job(NamedTuple):
    name: str
    command: str
    is_critical: bool


class Settling:
    """Owned by `Checks`, which runs one at a time. `end` is for when the agent ends before the commands do."""

    def __init__(
        self,
        loop: Loop,
        runner: Runner,
        jobs: Sequence[Job],
        *,
        deadline: float,
        keeps_group: bool = False,
        on_end: Callable[[Job, bool], Awaitable[None]] | None = None,
    ) -> None:
        """`deadline` is monotonic; `on_end` hears of each command that has run, and whether it went well."""
        self._loop, self._runner, self._jobs, self._on_end = loop, runner, jobs, on_end
        self._deadline, self._keeps_group = deadline, keeps_group
        self._within_s = max(0.0, deadline - time.monotonic())
        self._told = {job.name: _ENDED for job in jobs}
        self._tasks = [loop.spawn(self._do(job), f"settle {job.name}") for job in jobs]

    async def outcome(self) -> dict[str, str]:
        """Wait until all are done; return why each one failed, nothing for those that did not."""
        try:
            for task in self._tasks:
                await task.done.wait()
        finally:
            self.end()
        return self._told

    def end(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _do(self, job: Job) -> None:
        try:
            outcome = await self._runner.run_hurried(job.command, self._deadline, keeps_group=self._keeps_group)
        except TimeoutError:
            self._told[job.name] = f"not begun within {round(self._within_s, 1):g} s"
            return
        self._told[job.name] = "" if outcome.succeeded else explain(outcome, self._within_s)
        if self._on_end is not None:
            await self._on_end(job, outcome.succeeded)


def sum_up(told: Mapping[str, str], jobs: Sequence[Job]) -> Settled:
    """Put together why each name failed (nothing: it did not). Names may be anybody's words."""
    failed = tuple(name for name, why in told.items() if why)
    critical = {job.name for job in jobs if job.is_critical}
    shown = (f"{one_line(name, _NAME_CHARACTERS)}: {told[name]}" for name in failed[:_SHOWN_NAMES])
    return Settled(
        failed=failed,
        critical=tuple(name for name in failed if name in critical),
        detail="; ".join(shown)[:DETAIL_CHARACTERS],
        done=tuple(job.name for job in jobs if not told[job.name]),
    )
