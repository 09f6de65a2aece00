"""Any order of reloads, sleeps and wakes: every check that should run does, once, and no other."""

import time
from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cloche.agent.checks import checks as module
from cloche.agent.checks.checks import Checks
from cloche.agent.checks.definitions import Integration, Probe
from cloche.agent.checks.dropins import DropIns
from cloche.agent.child import ChildOutcome
from cloche.agent.log import Log
from cloche.agent.loop import Event, Loop, Task
from cloche.agent.population import Population

NAMES = st.sampled_from("abc")
COMMANDS = st.sampled_from(["one", "two", None])
INTEGRATIONS = st.dictionaries(NAMES, COMMANDS)
PROBES = st.dictionaries(NAMES, st.sampled_from(["one", "two"]))


class Endless:
    """Stands in for the runner: commands that never end, and are counted."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.running: Counter[str] = Counter()

    async def run(self, command: str, _timeout_s: float) -> ChildOutcome:
        self.running[command] += 1
        try:
            await Event(self._loop).wait()
        finally:
            self.running[command] -= 1
        return ChildOutcome(exit_code=0)


class ChecksUnderChange(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.loop = Loop(lambda _name, _error: None)
        self.checks = Checks(self.loop, Log("error"), [], Population(owns_namespace=False))
        self.runner = Endless(self.loop)
        self.patch.setattr(self.checks, "_runner", self.runner)
        self.task: Task | None = None
        self.wanted: list[str] = []
        self.names: list[str] = []
        self.is_paused = False
        self.write({}, {})

    def write(self, integrations: dict[str, str | None], probes: dict[str, str]) -> None:
        """Let the drop-ins say this from now on."""
        found = DropIns(
            tuple(Integration(name, cmd and f"i {name} {cmd}") for name, cmd in integrations.items()),
            tuple(Probe(name, f"p {name} {cmd}") for name, cmd in probes.items()),
        )
        self.patch.setattr(module, "read_drop_ins", lambda _dirs: found)
        self.next = [cmd for cmd in (one.health_cmd for one in found.integrations) if cmd] + [
            p.cmd for p in found.probes
        ]
        self.next_names = list(integrations)

    @initialize(integrations=INTEGRATIONS, probes=PROBES)
    def begin_with(self, integrations: dict[str, str | None], probes: dict[str, str]) -> None:
        self.write(integrations, probes)

    @rule()
    def run(self) -> None:
        if self.task is None:
            self.task = self.loop.spawn(self.checks.run(), "checks")
            self.wanted, self.names = self.next, self.next_names

    @rule(integrations=INTEGRATIONS, probes=PROBES)
    def reload(self, integrations: dict[str, str | None], probes: dict[str, str]) -> None:
        self.turns()
        self.write(integrations, probes)
        self.checks.reload()
        self.wanted, self.names = self.next, self.next_names

    @rule()
    def pause(self) -> None:
        self.is_paused = True
        self.loop.spawn(self.checks.pause(), "pause")

    @rule()
    def resume(self) -> None:
        self.turns()
        self.is_paused = False
        self.checks.resume()

    @rule()
    def end(self) -> None:
        if self.task is not None:
            self.turns()
            self.task.cancel()
            self.task = None

    def turns(self) -> None:
        async def some() -> None:
            for _ in range(5):
                await self.loop.sleep(0)

        task = self.loop.spawn(some(), "turns")
        self.loop._run_until(task.done.is_set, time.monotonic() + 5)

    @invariant()
    def what_should_run_does_and_once(self) -> None:
        self.turns()
        should = self.wanted if self.task is not None and not self.is_paused else []
        assert +self.runner.running == Counter(should)
        assert [report["name"] for report in self.checks.integration_reports()] == self.names

    def teardown(self) -> None:
        async def nothing() -> None:
            """End what is left."""

        self.loop.run(nothing())
        assert not +self.runner.running
        self.patch.undo()


TestChecksUnderChange = ChecksUnderChange.TestCase
TestChecksUnderChange.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
