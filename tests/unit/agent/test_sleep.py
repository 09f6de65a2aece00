"""Sleep and wake on the real loop, with checks, clocks and disks that do as they are told."""

import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloche.agent import sleep
from cloche.agent.activity import Activity
from cloche.agent.checks.checks import Checks
from cloche.agent.checks.settling import Settled
from cloche.agent.clocks import Clocks, read_clocks
from cloche.agent.log import Log
from cloche.agent.loop import Cancelled, Event, Loop
from cloche.agent.sleep import Machine, Report, Sleeper

FAILURES: list[str] = []
LOG = Log("error")


@pytest.fixture(autouse=True)
def no_task_fails() -> Iterator[None]:
    FAILURES.clear()
    yield
    assert not FAILURES


class FakeChecks(Checks):
    """Writes down what it is asked, in the contract's words; settles as told, after a pause if told so."""

    def __init__(self, loop: Loop, told: list[str]) -> None:
        self.told = told
        self.checkpointed = self.restored = Settled()
        self.hold: Event | None = None
        self.breaks = False
        self.within_s: list[float] = []
        self._loop = loop

    async def checkpoint(self, names: Sequence[str], within_s: float) -> Settled:
        self.told.append(f"checkpoint {names}")
        self.within_s.append(within_s)
        await self._pause()
        return self.checkpointed

    async def restore(self, within_s: float, names: Sequence[str] = ()) -> Settled:
        self.told.append(f"restore {names}")
        self.within_s.append(within_s)
        await self._pause()
        return self.restored

    async def pause(self) -> None:
        self.told.append("pause")

    def resume(self) -> None:
        self.told.append("resume")

    async def _pause(self) -> None:
        if self.breaks:
            raise ZeroDivisionError
        await self._loop.sleep(0)
        if self.hold is not None:
            try:
                await self.hold.wait(time.monotonic() + 5)
            except Cancelled:
                self.told.append("killed")
                raise


class Rig:
    def __init__(
        self, *, owns_machine: bool = True, sync: Callable[[], None] | None = None, quick: bool = False
    ) -> None:
        self.told: list[str] = []
        self.loop = Loop(lambda name, error: FAILURES.append(f"{name}: {error!r}"))
        self.checks = FakeChecks(self.loop, self.told)
        self.shift = Clocks(0.0, 0.0, 0.0)
        """How far each clock has jumped so far."""
        self.init_problem = ""
        self.activity = Activity(self.loop, LOG, threshold=0.1, interval_s=5, processors_used=lambda: 0.0)
        self.sleeper = Sleeper(
            self.loop,
            LOG,
            checks=self.checks,
            activity=self.activity,
            workspace="/",
            owns_machine=owns_machine,
            on_wake=lambda: self.told.append("on_wake"),
            reload=lambda: self.told.append("reload"),
            machine=Machine(
                clocks=self.clocks,
                sync=sync or (lambda: self.told.append("sync")),
                drop_caches=lambda: self.told.append("drop"),
                tell_init=self._tell_init,
                look_awake_s=0.01 if quick else 3600,
                look_asleep_s=0.01 if quick else 3600,
            ),
        )

    def clocks(self) -> Clocks:
        return Clocks(*(now + jumped for now, jumped in zip(read_clocks(), self.shift, strict=True)))

    def _tell_init(self) -> str:
        self.told.append("init")
        return self.init_problem

    def run(self, main: Callable[[], Coroutine[object, object, None]]) -> None:
        async def all_of_it() -> None:
            watching = self.loop.spawn(self.sleeper.run(), "clocks")
            await main()
            await self.loop.stop(watching)

        self.loop.run(all_of_it())

    def asking(self, coroutine: Coroutine[object, object, Report]) -> tuple[list[Report], Event]:
        """Ask in a task of its own; return where the answer will be, and what is set then."""
        reports: list[Report] = []

        async def ask() -> None:
            reports.append(await coroutine)

        return reports, self.loop.spawn(ask(), "ask").done

    async def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 5
        while not holds():
            assert time.monotonic() < deadline, self.told
            await self.loop.sleep(0.001)


def waited(release: threading.Event) -> None:
    assert release.wait(5)


def test_getting_ready_goes_in_order_and_is_told() -> None:
    rig = Rig()
    rig.checks.checkpointed = Settled(done=("db", "queue"))

    async def main() -> None:
        assert await rig.sleeper.prepare(30) == Report(True, "ready; 2 integrations checkpointed; caches dropped")
        assert rig.sleeper.is_asleep

    rig.run(main)
    assert rig.told == ["pause", "checkpoint ()", "sync", "drop"]


def test_where_the_kernel_is_shared_its_caches_are_left_alone() -> None:
    rig = Rig(owns_machine=False)

    async def main() -> None:
        assert await rig.sleeper.prepare(30) == Report(True, "ready")

    rig.run(main)
    assert "drop" not in rig.told


@pytest.mark.parametrize("drain_s", [0.0, 2.0, 30.0, 3600.0])
def test_checkpoint_commands_get_the_drain_time_less_what_the_answer_needs(drain_s: float) -> None:
    rig = Rig()

    async def main() -> None:
        await rig.sleeper.prepare(drain_s)

    rig.run(main)
    (within_s,) = rig.checks.within_s
    assert 0.9 * drain_s - 1 <= within_s <= drain_s
    assert (within_s == 0) == (drain_s == 0)


def test_a_critical_failure_refuses_names_it_and_brings_back_those_that_were_done() -> None:
    rig = Rig()
    rig.checks.checkpointed = Settled(("db", "web"), ("db",), "db: exit code 1; web: exit code 2", done=("queue",))

    async def main() -> None:
        report = await rig.sleeper.prepare(30)
        assert not report.success
        assert "db" in report.detail
        assert not rig.sleeper.is_asleep
        await rig.until(lambda: "resume" in rig.told)

    rig.run(main)
    assert rig.told == ["pause", "checkpoint ()", "restore ('queue',)", "resume"]


def test_a_refusal_with_nothing_done_restores_nothing() -> None:
    rig = Rig()
    rig.checks.checkpointed = Settled(("db",), ("db",), "db: exit code 1")

    async def main() -> None:
        assert not (await rig.sleeper.prepare(30)).success
        await rig.until(lambda: "resume" in rig.told)

    rig.run(main)
    assert rig.told == ["pause", "checkpoint ()", "resume"]


def test_other_failures_are_told_and_refuse_nothing() -> None:
    rig = Rig()
    rig.checks.checkpointed = Settled(("web",), (), "web: timed out after 3 s", done=("db",))

    async def main() -> None:
        report = await rig.sleeper.prepare(30)
        assert report == Report(
            True, "ready; 1 integration checkpointed; not checkpointed: web: timed out after 3 s; caches dropped"
        )

    rig.run(main)


def test_a_sync_that_fails_refuses_and_all_is_brought_back() -> None:
    def fail() -> None:
        raise OSError(5, "Input/output error")

    rig = Rig(sync=fail)
    rig.checks.checkpointed = Settled(done=("db",))

    async def main() -> None:
        assert await rig.sleeper.prepare(30) == Report(False, "not synced: Input/output error")
        await rig.until(lambda: "resume" in rig.told)

    rig.run(main)
    assert rig.told == ["pause", "checkpoint ()", "restore ('db',)", "resume"]


def test_a_sync_that_hangs_refuses_and_holds_up_nothing(monkeypatch) -> None:
    monkeypatch.setattr(sleep, "SYNC_AT_LEAST_S", 0.05)
    release = threading.Event()
    rig = Rig(sync=lambda: waited(release))

    async def main() -> None:
        assert await rig.sleeper.prepare(0) == Report(False, "not synced: not done in time")
        await rig.until(lambda: "resume" in rig.told)
        release.set()
        assert (await rig.sleeper.prepare(30)).success

    rig.run(main)


def test_caches_that_cannot_be_dropped_only_change_the_detail(monkeypatch) -> None:
    rig = Rig()

    def forbid() -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(rig.sleeper._disks, "_drop", forbid)

    async def main() -> None:
        assert await rig.sleeper.prepare(30) == Report(True, "ready; caches not dropped: Operation not permitted")

    rig.run(main)


def test_work_in_flight_ends_before_the_checkpoint() -> None:
    rig = Rig()

    async def main() -> None:
        release = Event(rig.loop)

        async def work() -> None:
            with rig.activity.acting():
                await release.wait()
                rig.told.append("work ended")

        rig.loop.spawn(work(), "work")
        await rig.loop.sleep(0)
        reports, done = rig.asking(rig.sleeper.prepare(60))
        await rig.until(lambda: "pause" in rig.told)
        release.set()
        await done.wait()
        assert reports == [Report(True, "ready; caches dropped")]

    rig.run(main)
    assert rig.told == ["pause", "work ended", "checkpoint ()", "sync", "drop"]


def test_work_that_outlives_the_drain_is_told_and_refuses_nothing() -> None:
    rig = Rig()

    async def main() -> None:
        with rig.activity.acting():
            report = await rig.sleeper.prepare(0.1)
        assert report == Report(True, "ready; still running: 1; caches dropped")

    rig.run(main)
    assert 0 < rig.checks.within_s[0] <= 0.05


def test_a_second_request_meanwhile_gets_the_same_answer_and_a_later_one_has_nothing_to_do() -> None:
    rig = Rig()
    rig.checks.checkpointed = Settled(done=("db",))

    async def main() -> None:
        rig.checks.hold = Event(rig.loop)
        first, first_done = rig.asking(rig.sleeper.prepare(30))
        second, second_done = rig.asking(rig.sleeper.prepare(1))
        await rig.until(lambda: "checkpoint ()" in rig.told)
        assert not first
        rig.checks.hold.set()
        await first_done.wait()
        await second_done.wait()
        assert first == second == [Report(True, "ready; 1 integration checkpointed; caches dropped")]
        assert (await rig.sleeper.prepare(30)).success

    rig.run(main)
    assert rig.told == ["pause", "checkpoint ()", "sync", "drop"]


def test_what_was_begun_goes_on_when_whoever_asked_is_gone() -> None:
    rig = Rig()

    async def main() -> None:
        rig.checks.hold = Event(rig.loop)

        async def ask() -> None:
            await rig.sleeper.prepare(30)

        asking = rig.loop.spawn(ask(), "ask")
        await rig.until(lambda: "checkpoint ()" in rig.told)
        await rig.loop.stop(asking)
        rig.checks.hold.set()
        await rig.until(lambda: rig.sleeper.is_asleep)

    rig.run(main)
    assert "killed" not in rig.told


def test_waking_restores_resumes_and_makes_connections_anew() -> None:
    rig = Rig()
    rig.checks.restored = Settled(done=("db", "queue"))

    async def main() -> None:
        with rig.activity.acting():
            rig.activity.host_says(2, 0)
        await rig.sleeper.prepare(30)
        rig.told.clear()
        assert await rig.sleeper.wake() == Report(True, "awake; 2 integrations restored")
        assert not rig.sleeper.is_asleep
        assert rig.activity.status() == "idle"
        assert rig.activity.last_busy_at() is None

    rig.run(main)
    assert rig.told == ["restore ()", "resume", "on_wake"]
    assert rig.checks.within_s[1] == sleep.RESTORE_WITHIN_S


def test_a_critical_restore_that_fails_is_told_and_it_is_awake_all_the_same() -> None:
    rig = Rig()
    rig.checks.restored = Settled(("db",), ("db",), "db: exit code 1")

    async def main() -> None:
        await rig.sleeper.prepare(30)
        assert await rig.sleeper.wake() == Report(False, "awake; not restored: db: exit code 1")
        assert (await rig.sleeper.prepare(30)).success

    rig.run(main)


def test_waking_who_is_awake_succeeds_and_does_nothing() -> None:
    rig = Rig()

    async def main() -> None:
        assert (await rig.sleeper.wake()).success

    rig.run(main)
    assert rig.told == []


def test_two_wakes_at_once_are_one() -> None:
    rig = Rig()

    async def main() -> None:
        await rig.sleeper.prepare(30)
        rig.checks.hold = Event(rig.loop)
        first, first_done = rig.asking(rig.sleeper.wake())
        second, second_done = rig.asking(rig.sleeper.wake())
        await rig.until(lambda: "restore ()" in rig.told)
        rig.checks.hold.set()
        await first_done.wait()
        await second_done.wait()
        assert first == second == [Report(True, "awake")]

    rig.run(main)
    assert rig.told.count("on_wake") == 1


def test_a_wake_while_it_gets_ready_gives_that_up_and_restores_what_may_have_been_checkpointed() -> None:
    rig = Rig()

    async def main() -> None:
        rig.checks.hold = hold = Event(rig.loop)
        reports, done = rig.asking(rig.sleeper.prepare(30))
        await rig.until(lambda: "checkpoint ()" in rig.told)
        woken, woken_done = rig.asking(rig.sleeper.wake())
        await done.wait()
        assert [report.success for report in reports] == [False]
        await rig.until(lambda: "restore ()" in rig.told)
        hold.set()
        await woken_done.wait()
        assert woken == [Report(True, "awake")]

    rig.run(main)
    assert rig.told == ["pause", "checkpoint ()", "killed", "restore ()", "resume", "on_wake"]


def test_a_sleep_asked_for_while_it_wakes_begins_after_that() -> None:
    rig = Rig()

    async def main() -> None:
        await rig.sleeper.prepare(30)
        rig.checks.hold = hold = Event(rig.loop)
        _, woken = rig.asking(rig.sleeper.wake())
        await rig.until(lambda: "restore ()" in rig.told)
        reports, done = rig.asking(rig.sleeper.prepare(30))
        hold.set()
        await woken.wait()
        await done.wait()
        assert [report.success for report in reports] == [True]
        assert rig.sleeper.is_asleep

    rig.run(main)
    assert rig.told.count("pause") == 2


def test_checks_that_break_leave_nobody_waiting_and_nothing_paused() -> None:
    rig = Rig()

    async def main() -> None:
        rig.checks.breaks = True
        assert await rig.sleeper.prepare(30) == Report(False, "internal error")
        await rig.until(lambda: "resume" in rig.told)
        rig.checks.breaks = False
        assert (await rig.sleeper.prepare(30)).success
        rig.checks.breaks = True
        assert not (await rig.sleeper.wake()).success
        assert not rig.sleeper.is_asleep
        assert rig.told.count("resume") == 2

    rig.run(main)


def test_at_the_agents_end_those_who_wait_are_told_and_commands_killed() -> None:
    rig = Rig()
    told: list[list[Report]] = []

    async def main() -> None:
        rig.checks.hold = Event(rig.loop)
        reports, _ = rig.asking(rig.sleeper.prepare(30))
        told.append(reports)
        await rig.until(lambda: "checkpoint ()" in rig.told)

    rig.run(main)
    assert "killed" in rig.told
    assert "resume" not in rig.told


JUMPS = {
    "suspended": Clocks(0.0, 3600.0, 3600.0),
    "set forward": Clocks(61.0, 61.0, 3661.0),
    "timer late": Clocks(10.0, 10.0, 10.0),
}


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_a_machine_that_goes_on_wakes_by_itself(jump: Clocks) -> None:
    rig = Rig(quick=True)

    async def main() -> None:
        await rig.sleeper.prepare(30)
        rig.shift = jump
        await rig.until(lambda: "on_wake" in rig.told)
        assert (await rig.sleeper.wake()).success

    rig.run(main)
    assert rig.told == ["pause", "checkpoint ()", "sync", "drop", "restore ()", "resume", "on_wake"]


def test_a_machine_whose_clocks_go_on_stays_asleep() -> None:
    rig = Rig(quick=True)
    looks = 0

    def counting() -> Clocks:
        nonlocal looks
        looks += 1
        return rig.clocks()

    async def main() -> None:
        rig.sleeper._machine = rig.sleeper._machine._replace(clocks=counting)
        await rig.sleeper.prepare(30)
        before = looks
        await rig.until(lambda: looks > before + 6)
        assert rig.sleeper.is_asleep

    rig.run(main)


def test_a_machine_paused_without_a_word_makes_its_connections_anew_and_runs_no_command() -> None:
    rig = Rig(quick=True)

    async def main() -> None:
        rig.activity.host_says(1, 0)
        rig.shift = JUMPS["suspended"]
        await rig.until(lambda: "on_wake" in rig.told)
        assert rig.activity.status() == "idle"

    rig.run(main)
    assert rig.told == ["on_wake"]


def test_a_timer_that_is_late_while_awake_is_only_a_busy_host() -> None:
    rig = Rig(quick=True)

    async def main() -> None:
        rig.shift = JUMPS["timer late"]
        await rig.sleeper.prepare(30)

    rig.run(main)
    assert "on_wake" not in rig.told


def test_the_jump_of_the_clock_is_told() -> None:
    rig = Rig()

    async def main() -> None:
        await rig.sleeper.prepare(30)
        rig.shift = Clocks(0.0, 7200.0, 7200.0)
        assert await rig.sleeper.wake() == Report(True, "awake; the clock jumped by 7200 s")

    rig.run(main)


def test_after_a_restore_configuration_is_read_again_and_pid_1_is_told() -> None:
    rig = Rig()

    async def main() -> None:
        assert await rig.sleeper.post_restore() == Report(True, "awake; pid 1 is told")

    rig.run(main)
    assert rig.told == ["reload", "on_wake", "init"]


def test_after_a_restore_who_was_asleep_wakes_first() -> None:
    rig = Rig()
    rig.init_problem = "pid 1 has no handler for SIGUSR1"

    async def main() -> None:
        await rig.sleeper.prepare(30)
        rig.told.clear()
        report = await rig.sleeper.post_restore()
        assert report == Report(False, "awake; pid 1 has no handler for SIGUSR1")

    rig.run(main)
    assert rig.told == ["reload", "restore ()", "resume", "on_wake", "init"]


def test_a_pid_1_that_is_not_the_sessions_is_never_told() -> None:
    rig = Rig(owns_machine=False)

    async def main() -> None:
        report = await rig.sleeper.post_restore()
        assert not report.success
        assert "pid 1" in report.detail

    rig.run(main)
    assert "init" not in rig.told


ACTS = ["prepare", "wake", "resumed", "post_restore", "turn", "hold", "release", "fail", "succeed"]


@given(st.lists(st.sampled_from(ACTS), max_size=25))
@settings(max_examples=60)
def test_any_order_of_events_leaves_everybody_answered_and_everything_back(acts: list[str]) -> None:
    rig = Rig()
    asked: list[tuple[list[Report], Event]] = []

    async def main() -> None:
        for act in acts:
            match act:
                case "prepare":
                    asked.append(rig.asking(rig.sleeper.prepare(30)))
                case "wake":
                    asked.append(rig.asking(rig.sleeper.wake()))
                case "post_restore":
                    asked.append(rig.asking(rig.sleeper.post_restore()))
                case "resumed":
                    rig.shift = Clocks(0.0, rig.shift.boottime + 100, rig.shift.wall + 100)
                    rig.sleeper._look(time.monotonic() + 3600)
                case "turn":
                    await rig.loop.sleep(0.0005)
                case "hold" if rig.checks.hold is None or rig.checks.hold.is_set():
                    rig.checks.hold = Event(rig.loop)
                case "release" if rig.checks.hold is not None:
                    rig.checks.hold.set()
                case "fail":
                    rig.checks.checkpointed = Settled(("db",), ("db",), "db: exit code 1")
                case "succeed":
                    rig.checks.checkpointed = Settled(done=("db",))
        if rig.checks.hold is not None:
            rig.checks.hold.set()
        for _, done in asked:
            await done.wait(time.monotonic() + 5)
        await rig.sleeper.wake()
        await rig.until(lambda: rig.told.count("resume") >= rig.told.count("pause"))

    rig.run(main)
    assert all(len(reports) == 1 for reports, _ in asked)
    assert not FAILURES
    calls = [call for call in rig.told if call in ("pause", "resume")]
    assert not rig.sleeper.is_asleep
    assert calls[-1:] != ["pause"]
    assert "pause" not in {first for first, second in pairwise(calls) if first == second}


def test_a_sleep_asked_for_while_it_wakes_waits_no_longer_than_its_drain_time() -> None:
    rig = Rig()

    async def main() -> None:
        await rig.sleeper.prepare(30)
        rig.checks.hold = hold = Event(rig.loop)
        _, woken = rig.asking(rig.sleeper.wake())
        await rig.until(lambda: "restore ()" in rig.told)
        reports, done = rig.asking(rig.sleeper.prepare(0.05))
        await done.wait(time.monotonic() + 3)
        assert reports == [Report(False, "still waking up")]
        hold.set()
        await woken.wait()
        assert not rig.sleeper.is_asleep

    rig.run(main)
    assert rig.told.count("pause") == 1


def test_waiting_for_a_wake_comes_out_of_the_drain_time() -> None:
    rig = Rig()

    async def main() -> None:
        await rig.sleeper.prepare(30)
        rig.checks.hold = hold = Event(rig.loop)
        _, woken = rig.asking(rig.sleeper.wake())
        await rig.until(lambda: "restore ()" in rig.told)
        _, done = rig.asking(rig.sleeper.prepare(3))
        await rig.loop.sleep(0.5)
        hold.set()
        await woken.wait()
        await done.wait()
        assert rig.sleeper.is_asleep

    rig.run(main)
    assert rig.checks.within_s[-1] <= 2.5
