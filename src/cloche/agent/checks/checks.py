"""All integrations and probes of this machine."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from cloche.agent.checks.check import Check, check_of, utc_text
from cloche.agent.checks.definitions import Definition, Integration, Probe
from cloche.agent.checks.dropins import Notice, read_drop_ins
from cloche.agent.checks.report import IntegrationState, integration_report, probe_report
from cloche.agent.checks.runner import Runner, Slots
from cloche.agent.checks.settling import Job, Settled, Settling, sum_up
from cloche.agent.checks.state_size import state_size_bytes
from cloche.agent.log import Log
from cloche.agent.loop import Event, Loop, Task
from cloche.agent.population import Population
from cloche.wire.messages import Payload

STATE_ROOT: Final = "/data/integrations"
"""Where the integration NAME keeps what it is restored from, in `NAME/state`."""


OnEnd = Callable[[Job, bool], Awaitable[None]]


class _Checkpoint(NamedTuple):
    """The last one of an integration."""

    at: str | None
    """When it last went well."""
    size_bytes: int


_NO_CHECKPOINT: Final = _Checkpoint(None, 0)


class Checks:
    """Owned by `guest_side`, which runs `run` as a task (cancelled, it ends every command that runs)."""

    def __init__(
        self, loop: Loop, log: Log, dirs: Sequence[str], population: Population, state_root: str = STATE_ROOT
    ) -> None:
        """`dirs` hold `integrations.d` and `probes.d`; where both name one, the first directory's counts."""
        self._loop, self._log, self._dirs, self._state_root = loop, log, tuple(dirs), state_root
        self._runner = Runner(loop, population)
        self._integrations: dict[str, tuple[Integration, Check]] = {}
        self._probes: dict[str, tuple[Probe, Check]] = {}
        self._checkpoints: dict[str, _Checkpoint] = {}
        self._noted: set[Notice] = set()
        self._is_running = False
        self._is_paused = False
        self._turn = Slots(loop, 1)
        self._settling: Settling | None = None

    async def run(self) -> None:
        """Read the drop-ins and run their checks, for ever."""
        self.reload()
        self._is_running = True
        self._start_all()
        try:
            await Event(self._loop).wait()
        finally:
            self._is_running = False
            self._stop_all()
            if self._settling is not None:
                self._settling.end()

    def reload(self) -> None:
        """Read the drop-ins again. What has not changed keeps its results and its time."""
        found = read_drop_ins(self._dirs)
        self._note(found.notices)
        self._integrations = self._renewed(self._integrations, found.integrations)
        self._probes = self._renewed(self._probes, found.probes)
        self._checkpoints = {name: one for name, one in self._checkpoints.items() if name in self._integrations}

    def integration_reports(self) -> list[Payload]:
        return [integration_report(name, self._state(name)) for name in self._integrations]

    def probe_results(self) -> list[Payload]:
        """Return those of probes that have run."""
        results = [(name, check.result) for name, (_, check) in self._probes.items()]
        return [probe_report(name, result) for name, result in results if result is not None]

    async def checkpoint(self, names: Sequence[str], within_s: float) -> Settled:
        """Run the checkpoint commands of these (none: all) side by side; what is not done in time is killed, failed.

        A name that there is not has failed; an integration without a command has nothing to do.
        """
        deadline = time.monotonic() + within_s

        async def keep(job: Job, went_well: bool) -> None:
            await self._keep_checkpoint(job.name, went_well, deadline)

        return await self._settle(names, lambda one: one.checkpoint_cmd, deadline, on_end=keep)

    async def restore(self, within_s: float, names: Sequence[str] = ()) -> Settled:
        """Run the restore commands of these (none: all) side by side; what one of them starts may stay."""
        deadline = time.monotonic() + within_s
        return await self._settle(names, lambda one: one.restore_cmd, deadline, keeps_group=True)

    async def pause(self) -> None:
        """Start no more checks, end those that run; integrations that were active are `paused`."""
        self._is_paused = True
        await self._loop.stop(*self._stop_all())

    def resume(self) -> None:
        """Go on, with every interval and grace period beginning now."""
        self._is_paused = False
        self._stop_all()
        self._start_all()

    async def _settle(
        self,
        names: Sequence[str],
        command_of: Callable[[Integration], str | None],
        deadline: float,
        *,
        keeps_group: bool = False,
        on_end: OnEnd | None = None,
    ) -> Settled:
        told = dict.fromkeys(names or self._integrations, "")
        told |= dict.fromkeys(told.keys() - self._integrations.keys(), "there is no such integration")
        chosen = [self._integrations[name][0] for name in told if name in self._integrations]
        jobs = [Job(one.name, text, one.critical) for one in chosen if (text := command_of(one)) is not None]
        if jobs:
            told |= await self._in_turn(jobs, deadline, keeps_group, on_end)
        return sum_up(told, jobs)

    async def _in_turn(
        self, jobs: Sequence[Job], deadline: float, keeps_group: bool, on_end: OnEnd | None
    ) -> dict[str, str]:
        """Run the commands when those of an earlier checkpoint or restore are done: none must run twice at once."""
        try:
            await self._turn.take(deadline)
        except TimeoutError:
            return {job.name: "an earlier checkpoint or restore took all the time" for job in jobs}
        try:
            self._settling = Settling(
                self._loop, self._runner, jobs, deadline=deadline, keeps_group=keeps_group, on_end=on_end
            )
            return await self._settling.outcome()
        finally:
            self._settling = None
            self._turn.give_back()

    async def _keep_checkpoint(self, name: str, went_well: bool, deadline: float) -> None:
        at = utc_text(time.time()) if went_well else self._checkpoints.get(name, _NO_CHECKPOINT).at
        size_bytes = await state_size_bytes(self._loop, f"{self._state_root}/{name}/state", deadline)
        if name in self._integrations:
            self._checkpoints[name] = _Checkpoint(at, size_bytes)

    def _renewed(
        self, before: Mapping[str, tuple[Definition, Check]], definitions: Iterable[Definition]
    ) -> dict[str, tuple[Definition, Check]]:
        wanted = {definition.name: definition for definition in definitions}
        kept = {name: pair for name, pair in before.items() if wanted.get(name) == pair[0]}
        for name in before.keys() - kept.keys():
            before[name][1].stop()
        return {name: kept.get(name) or (one, self._new_check(one)) for name, one in wanted.items()}

    def _new_check(self, definition: Integration | Probe) -> Check:
        check = Check(self._loop, self._log, self._runner, check_of(definition))
        if self._is_running and not self._is_paused:
            check.start()
        return check

    def _state(self, name: str) -> IntegrationState:
        integration, check = self._integrations[name]
        checkpoint = self._checkpoints.get(name, _NO_CHECKPOINT)
        return IntegrationState(
            result=check.result,
            has_command=integration.health_cmd is not None,
            is_in_grace=check.is_in_grace,
            is_paused=self._is_paused,
            last_checkpoint_at=checkpoint.at,
            state_size_bytes=checkpoint.size_bytes,
        )

    def _all(self) -> list[Check]:
        return [check for _, check in (*self._integrations.values(), *self._probes.values())]

    def _start_all(self) -> None:
        if self._is_running and not self._is_paused:
            for check in self._all():
                check.start()

    def _stop_all(self) -> list[Task]:
        return [task for check in self._all() for task in check.stop()]

    def _note(self, notices: Sequence[Notice]) -> None:
        """Log what is wrong each time, what is merely odd only the first time."""
        for notice in notices:
            if notice.is_skipped:
                self._log.warn("drop-in skipped", path=notice.path, reason=notice.reason)
            elif notice not in self._noted:
                self._log.info("drop-in", path=notice.path, reason=notice.reason)
        self._noted = set(notices)
