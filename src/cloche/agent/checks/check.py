"""One check: a command that is run again and again, and what came of it last."""

import math
import time
from typing import NamedTuple

from cloche.agent.checks.definitions import Integration, Probe
from cloche.agent.checks.runner import Runner
from cloche.agent.checks.verdict import Result, judge
from cloche.agent.log import Log
from cloche.agent.loop import Loop, Task


class CheckSpec(NamedTuple):
    """What there is to run."""

    kind: str
    name: str
    command: str | None
    """None: nothing, ever."""
    interval_s: float
    timeout_s: float
    grace_s: float = 0.0
    is_json: bool = False


def check_of(definition: Integration | Probe) -> CheckSpec:
    match definition:
        case Probe(name=name, cmd=cmd, interval_s=interval_s, timeout_s=timeout_s, is_json=is_json):
            return CheckSpec("probe", name, cmd, interval_s, timeout_s, is_json=is_json)
        case Integration(name=name, health_cmd=cmd, health_interval_s=interval_s, health_timeout_s=timeout_s):
            return CheckSpec("integration", name, cmd, interval_s, timeout_s, definition.startup_grace_s)


class Check:
    """Owned by `Checks`, which starts and stops it. Its runs never overlap."""

    def __init__(self, loop: Loop, log: Log, runner: Runner, spec: CheckSpec) -> None:
        self._loop, self._log, self._runner, self._spec = loop, log, runner, spec
        self._task: Task | None = None
        self._grace_until = -math.inf
        self.result: Result | None = None

    @property
    def is_in_grace(self) -> bool:
        return time.monotonic() < self._grace_until

    def start(self) -> None:
        """Run now and at every interval from now on; the grace period begins too. Not to be called when started."""
        self._grace_until = time.monotonic() + self._spec.grace_s
        if self._spec.command is not None:
            self._task = self._loop.spawn(self._repeat(self._spec.command), f"{self._spec.kind} {self._spec.name}")

    def stop(self) -> list[Task]:
        """Run no more and end what runs; the result stays. Return the task that is ending, where there is one."""
        tasks, self._task = [self._task] if self._task is not None else [], None
        for task in tasks:
            task.cancel()
        return tasks

    async def _repeat(self, command: str) -> None:
        spec = self._spec
        while True:
            begun = time.monotonic()
            outcome = await self._runner.run(command, spec.timeout_s)
            self._take(judge(outcome, spec.timeout_s, utc_text(time.time()), is_json=spec.is_json))
            # From start to start. One that has taken longer is due at once, and only once.
            await self._loop.sleep(max(0.0, begun + spec.interval_s - time.monotonic()))

    def _take(self, result: Result) -> None:
        if self.result is None or self.result.healthy != result.healthy:
            # Without the detail: what a command prints is not ours to log.
            self._log.info("check", kind=self._spec.kind, name=self._spec.name, healthy=result.healthy)
        self.result = result


def utc_text(seconds: float) -> str:
    """Return a time of the wall clock as `YYYY-MM-DDTHH:MM:SSZ`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
