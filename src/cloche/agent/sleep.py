"""Sleep and wake: get the machine ready for its snapshot, and back to life after it.

Getting ready, within the drain time but for the last two:

    1. checks are paused
    2. work in flight (Exec) may end, for at most half of the time
    3. checkpoint commands; a critical one that fails refuses the sleep, and all goes on as before
    4. what is left of the time is work's again; what still runs then is told, and stays
    5. file systems are synced, with `SYNC_AT_LEAST_S` in any case; a sync that fails or hangs refuses the sleep
    6. where the machine is the session's own, caches are dropped, for a smaller snapshot

Work comes before the checkpoints so that what it did is in them, and has half so that it cannot take their time. It
refuses nothing: the host knows what it runs, and may ask again. A refusal is told at once; what had been put to rest
is brought back after it.
"""

import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeVar

from cloche.agent.activity import Activity
from cloche.agent.checks.checks import Checks
from cloche.agent.checks.settling import Settled
from cloche.agent.clocks import Clocks, ClockWatch, passed, read_clocks
from cloche.agent.disks import Disks
from cloche.agent.init_process import tell_init
from cloche.agent.log import Log
from cloche.agent.loop import Event, Loop
from cloche.agent.sleep_states import Move, Sign, State, after

RESTORE_WITHIN_S: Final = 30.0
SYNC_AT_LEAST_S: Final = 5.0
DROP_AT_LEAST_S: Final = 2.0

_ANSWER_SHARE: Final = 0.1
_ANSWER_AT_MOST_S: Final = 1.0
"""So much of the drain time is kept for the answer: hosts wait for it exactly as long as they gave for draining."""


class Report(NamedTuple):
    success: bool
    detail: str


class Machine(NamedTuple):
    """What a sleeper takes from the machine it runs on, and how often it looks at its clocks."""

    clocks: Callable[[], Clocks] = read_clocks
    sync: Callable[[], None] | None = None
    drop_caches: Callable[[], None] | None = None
    tell_init: Callable[[], str] = tell_init
    look_awake_s: float = 5.0
    look_asleep_s: float = 1.0


_THIS_MACHINE: Final = Machine()
_LOST: Final = Settled(failed=("?",), critical=("?",), detail="internal error")
_T = TypeVar("_T")


class _Passage:
    """The way from one state to the next: a task, and what those who wait for it are told."""

    def __init__(self, loop: Loop, name: str, go: Callable[["_Passage"], Coroutine[Any, Any, None]]) -> None:
        self._is_told = Event(loop)
        self._report = Report(False, "")
        self._task = loop.spawn(go(self), name)

    def tell(self, report: Report) -> None:
        """Let those who wait go on. Only the first report counts."""
        if not self._is_told.is_set():
            self._report = report
            self._is_told.set()

    async def outcome(self, deadline: float | None = None) -> Report:
        """Raises: TimeoutError: it has not ended by `deadline` (monotonic)."""
        await self._is_told.wait(deadline)
        return self._report

    def give_up(self, report: Report) -> None:
        """Cancel the task, and let those who wait go on."""
        self.tell(report)
        self._task.cancel()

    async def ended(self) -> None:
        await self._task.done.wait()


class Sleeper:
    """Owned by `lifecycle`, which runs `run` (the watch over the clocks) as a task; asked by the guest protocol.

    What was begun goes on when whoever asked for it is gone: half asleep is no state to stay in.
    """

    def __init__(
        self,
        loop: Loop,
        log: Log,
        *,
        checks: Checks,
        activity: Activity,
        workspace: str,
        owns_machine: bool,
        on_wake: Callable[[], None],
        reload: Callable[[], None],
        machine: Machine = _THIS_MACHINE,
    ) -> None:
        """`on_wake` re-makes connections and restarts the beats; `reload` reads configuration files again."""
        self._loop, self._log, self._checks, self._activity = loop, log, checks, activity
        self._owns_machine, self._on_wake, self._reload, self._machine = owns_machine, on_wake, reload, machine
        self._disks = Disks(
            loop, workspace=workspace, owns_machine=owns_machine, sync=machine.sync, drop=machine.drop_caches
        )
        self._state = State.AWAKE
        self._state_changed = Event(loop)
        self._passage: _Passage | None = None
        self._to_restore: Sequence[str] | None = None
        """Whose restore commands a wake must run: none (None), these, or all (empty)."""
        self._watch = ClockWatch(machine.clocks())
        self._rested_at = machine.clocks()

    @property
    def is_asleep(self) -> bool:
        return self._state is State.ASLEEP

    async def prepare(self, drain_s: float) -> Report:
        """Checkpoint, sync, drop caches; on success the machine may be paused.

        Asked again meanwhile it tells the same; asked when asleep it has nothing to do. Where it wakes just now, the
        rest of that comes out of the drain time: nobody waits for an answer any longer.
        """
        deadline = time.monotonic() + drain_s
        while (move := self._take(Sign.SLEEP)) is Move.WAIT:
            try:
                await self._outcome(deadline - _kept_for_answer_s(drain_s))
            except TimeoutError:
                return Report(False, "still waking up")
            drain_s = max(0.0, deadline - time.monotonic())
        if move is Move.NOTHING:
            return Report(True, "ready; asleep already")
        if move is Move.DRAIN:
            self._to_restore, self._rested_at = None, self._machine.clocks()
            self._passage = _Passage(self._loop, "sleep", lambda passage: self._drain(passage, drain_s))
        return await self._outcome()

    async def wake(self) -> Report:
        """Bring everything back. Fails if a critical integration could not be restored; it is awake all the same."""
        if self._take(Sign.WAKE) is Move.NOTHING:
            return Report(True, "awake already")
        return await self._outcome()

    async def post_restore(self) -> Report:
        """Take it that the machine was restored from a snapshot: read configuration again, wake, tell pid 1."""
        self._reload()
        self._take(Sign.RESUMED)
        woken = await self._outcome() if self._state is State.WAKING else Report(True, "awake")
        if not self._owns_machine:
            return Report(False, f"{woken.detail}; pid 1 is not told: this kernel is not the session's own")
        problem = self._machine.tell_init()
        return Report(woken.success and not problem, f"{woken.detail}; {problem or 'pid 1 is told'}")

    async def run(self) -> None:
        """Watch the clocks for ever: a machine may be stopped without a word, and resumed without one."""
        try:
            while True:
                look_s = self._machine.look_asleep_s if self.is_asleep else self._machine.look_awake_s
                due = self._machine.clocks().monotonic + look_s
                with suppress(TimeoutError):
                    await self._state_changed.next(time.monotonic() + look_s)
                self._look(due)
        finally:
            if self._passage is not None:
                self._passage.give_up(Report(False, "the agent is ending"))
                await self._passage.ended()
            self._disks.close()

    def _look(self, due: float) -> None:
        now = self._machine.clocks()
        # Awake, a timer that comes late only says that others were first; and what was stopped has lost nothing.
        reason = self._watch.look(now, now.monotonic - due if self.is_asleep else 0.0)
        if reason:
            self._log.info("the machine was stopped", sign=reason, state=str(self._state))
            self._take(Sign.RESUMED)

    def _take(self, sign: Sign) -> Move:
        """Change state, and begin what follows from it; a drain is begun by who knows for how long."""
        before = self._state
        self._state, move = after(before, sign)
        if move is Move.GIVE_UP_DRAIN or move is Move.RESTORE:
            self._begin_waking(gives_up=move is Move.GIVE_UP_DRAIN, was_stopped=sign is not Sign.REFUSED)
        elif move is Move.FRESHEN:
            self._freshen()
        if self._state is not before:
            self._state_changed.pulse()
        return move

    async def _outcome(self, deadline: float | None = None) -> Report:
        assert self._passage is not None
        return await self._passage.outcome(deadline)

    async def _drain(self, passage: _Passage, drain_s: float) -> None:
        report = await self._guarded(self._get_ready(drain_s), Report(False, "internal error"))
        self._log.info("ready to sleep" if report.success else "sleep refused", detail=report.detail)
        self._take(Sign.READY if report.success else Sign.REFUSED)
        passage.tell(report)

    async def _get_ready(self, drain_s: float) -> Report:
        begun = time.monotonic()
        deadline = begun + drain_s - _kept_for_answer_s(drain_s)
        await self._checks.pause()
        await self._activity.work_done((begun + deadline) / 2)
        settled = await self._checkpoint(max(0.0, deadline - time.monotonic()))
        if settled.critical:
            return Report(False, f"critical and not checkpointed: {', '.join(settled.critical)} ({settled.detail})")
        acting = await self._activity.work_done(deadline)
        problem = await self._disks.sync(max(deadline, time.monotonic() + SYNC_AT_LEAST_S))
        if problem:
            return Report(False, f"not synced: {problem}")
        parts = ["ready", *_tell_settled(settled, "checkpointed")]
        if acting:
            parts.append(f"still running: {acting}")
        if self._owns_machine:
            parts.append(await self._drop_caches(deadline))
        self._to_restore, self._rested_at = (), self._machine.clocks()
        return Report(True, "; ".join(parts))

    async def _checkpoint(self, within_s: float) -> Settled:
        self._to_restore = ()  # also if this is given up half-way: nobody knows then which commands had an effect
        settled = await self._checks.checkpoint((), within_s)
        self._to_restore = settled.done or None
        return settled

    async def _drop_caches(self, deadline: float) -> str:
        problem = await self._disks.drop_caches(max(deadline, time.monotonic() + DROP_AT_LEAST_S))
        return f"caches not dropped: {problem}" if problem else "caches dropped"

    def _begin_waking(self, *, gives_up: bool, was_stopped: bool) -> None:
        before = self._passage
        assert before is not None
        if gives_up:
            before.give_up(Report(False, "woken while it got ready"))
        self._passage = _Passage(self._loop, "wake", lambda passage: self._bring_back(passage, before, was_stopped))

    async def _bring_back(self, passage: _Passage, before: _Passage, was_stopped: bool) -> None:
        await before.ended()
        settled = await self._guarded(self._restore(), _LOST)
        report = Report(False, "internal error")
        try:
            report = self._describe_wake(settled)
            self._checks.resume()
            if was_stopped:
                self._freshen()
        finally:
            self._take(Sign.DONE)
            passage.tell(report)

    async def _restore(self) -> Settled:
        if self._to_restore is None:
            return Settled()
        return await self._checks.restore(RESTORE_WITHIN_S, self._to_restore)

    def _describe_wake(self, settled: Settled) -> Report:
        slept = passed(self._rested_at, self._machine.clocks())
        parts = ["awake", *_tell_settled(settled, "restored")]
        if abs(jump_s := slept.suspended_s + slept.wall_jump_s) >= 1:
            parts.append(f"the clock jumped by {jump_s:.0f} s")
        report = Report(not settled.critical, "; ".join(parts))
        say = self._log.info if report.success else self._log.error
        say(
            "awake",
            detail=report.detail,
            slept_s=round(slept.monotonic_s, 1),
            suspended_s=round(slept.suspended_s, 1) or 0.0,  # and not -0.0
            clock_set_s=round(slept.wall_jump_s, 1) or 0.0,
        )
        return report

    def _freshen(self) -> None:
        """Forget what was before the machine was stopped, and make connections anew."""
        self._watch.settle(self._machine.clocks())
        self._activity.restart()
        self._on_wake()

    async def _guarded(self, coroutine: Coroutine[Any, Any, _T], otherwise: _T) -> _T:
        try:
            return await coroutine
        except Exception as error:  # noqa: BLE001  # the top of a task: whoever waits is told, and nothing stays paused
            self._log.error("sleep or wake failed", error=repr(error))
            return otherwise


def _kept_for_answer_s(drain_s: float) -> float:
    return min(drain_s * _ANSWER_SHARE, _ANSWER_AT_MOST_S)


def _tell_settled(settled: Settled, done: str) -> list[str]:
    """Say how commands went: how many did, which did not."""
    count = len(settled.done)
    parts = [f"{count} integration{'s' if count > 1 else ''} {done}"] if count else []
    if settled.failed:
        parts.append(f"not {done}: {settled.detail}")
    return parts
