import time
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cloche.agent.checks.runner import AT_ONCE, Runner, Slots
from cloche.agent.child import ChildOutcome
from cloche.agent.loop import Cancelled, Loop, Task
from cloche.agent.population import Population

from .conftest import Until


def new_runner(loop: Loop) -> Runner:
    return Runner(loop, Population(owns_namespace=False))


class SlotsUnderUse(RuleBasedStateMachine):
    """Any order of coming, going, losing patience and being cancelled: so many inside, first come first served."""

    COUNT = 3

    def __init__(self) -> None:
        super().__init__()
        self.loop = Loop(lambda _name, _error: None)
        self.slots = Slots(self.loop, self.COUNT)
        self.waiting: list[tuple[Task, list[str]]] = []
        self.inside: list[tuple[Task, list[str]]] = []

    @rule(patience=st.none() | st.just(0.0))
    def come(self, patience: float | None) -> None:
        news: list[str] = []

        async def take() -> None:
            try:
                await self.slots.take(None if patience is None else time.monotonic() + patience)
            except (TimeoutError, Cancelled) as error:
                news.append(type(error).__name__)
                raise
            news.append("inside")

        self.waiting.append((self.loop.spawn(take(), "take"), news))
        self.settle()

    @precondition(lambda self: self.inside)
    @rule(data=st.data())
    def go(self, data: st.DataObject) -> None:
        self.inside.pop(data.draw(st.integers(0, len(self.inside) - 1)))
        self.slots.give_back()
        self.settle()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def cancel_while_one_goes(self, data: st.DataObject) -> None:
        """The worst moment: the slot was handed over, and the one it is for does not know yet."""
        if self.inside:
            self.inside.pop()
            self.slots.give_back()
        self.waiting[data.draw(st.integers(0, len(self.waiting) - 1))][0].cancel()
        self.settle()

    def settle(self) -> None:
        async def turns() -> None:
            for _ in range(4):
                await self.loop.sleep(0)

        main = self.loop.spawn(turns(), "turns")
        self.loop._run_until(main.done.is_set, time.monotonic() + 5)
        arrived = [one for one in self.waiting if one[1] == ["inside"]]
        places = [place for place, one in enumerate(self.waiting) if one[1] == ["inside"]]
        still = [place for place, one in enumerate(self.waiting) if not one[1]]
        assert not places or not still or max(places) < min(still)
        self.inside += arrived
        self.waiting = [one for one in self.waiting if not one[1]]

    @invariant()
    def nobody_waits_while_there_is_room_and_nobody_is_too_many(self) -> None:
        assert len(self.inside) <= self.COUNT
        assert not self.waiting or len(self.inside) == self.COUNT

    def teardown(self) -> None:
        async def nothing() -> None:
            """End all that is left."""

        self.loop.run(nothing())


TestSlots = SlotsUnderUse.TestCase
TestSlots.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)


def test_a_command_is_shell_text_with_an_empty_input_and_our_environment_without_what_is_ours(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOCHE_SESSION_ID", "secret")
    monkeypatch.setenv("MESHBROW_SOCKET", "secret")
    monkeypatch.setenv("SERVICE_URL", "http://db")
    outcomes: list[ChildOutcome] = []

    async def main() -> None:
        outcomes.append(await new_runner(loop).run("cat; env | sort | grep -e _ ; echo $SERVICE_URL | tr a-z A-Z", 5))

    loop.run(main())
    said = outcomes[0].stdout.decode()
    assert "SERVICE_URL=http://db\n" in said and said.endswith("HTTP://DB\n")
    assert "CLOCHE_" not in said and "MESHBROW_" not in said and "secret" not in said


def test_only_so_many_run_at_once_and_all_have_their_turn(loop: Loop, tmp_path: Path) -> None:
    runner, counts = new_runner(loop), []
    command = f"mkdir {tmp_path}/$$; ls {tmp_path} | wc -l; sleep 0.02; rmdir {tmp_path}/$$"

    async def one() -> None:
        counts.append(int((await runner.run(command, 5)).stdout))

    async def main() -> None:
        for task in [loop.spawn(one(), "one") for _ in range(40)]:
            await task.done.wait()

    loop.run(main())
    assert len(counts) == 40
    assert 1 < max(counts) <= AT_ONCE


def test_the_time_of_a_check_begins_when_it_does(loop: Loop) -> None:
    runner, outcomes = new_runner(loop), []

    async def one(command: str, timeout_s: float) -> None:
        outcomes.append(await runner.run(command, timeout_s))

    async def main() -> None:
        hung = [loop.spawn(one("sleep 60", 1.1), "hung") for _ in range(AT_ONCE)]
        waits = loop.spawn(one("echo done", 1.0), "waits")
        for task in (*hung, waits):
            await task.done.wait()

    loop.run(main())
    # It begins when the first of the others has ended, and may be done before the last of them.
    assert sorted(outcome.timed_out for outcome in outcomes) == [False] + [True] * AT_ONCE


def test_what_is_in_a_hurry_does_not_wait_behind_checks_that_hang_but_behind_its_own(loop: Loop, until: Until) -> None:
    runner, outcomes = new_runner(loop), []
    late: list[str] = []

    async def hang() -> None:
        await runner.run("sleep 60", 60)

    async def hurry(command: str) -> None:
        outcomes.append(await runner.run_hurried(command, time.monotonic() + 0.5))

    async def too_late() -> None:
        with pytest.raises(TimeoutError):
            await runner.run_hurried("true", time.monotonic() + 0.1)
        with pytest.raises(TimeoutError):
            await runner.run_hurried("true", time.monotonic())
        late.append("both")

    async def main() -> None:
        hung = [loop.spawn(hang(), "hung") for _ in range(AT_ONCE)]
        await hurried_to_its_end("echo quick")
        tasks = [loop.spawn(hurry("sleep 60"), "slow") for _ in range(AT_ONCE)]
        tasks.append(loop.spawn(too_late(), "too late"))
        for task in tasks:
            await task.done.wait()
        await loop.stop(*hung)

    async def hurried_to_its_end(command: str) -> None:
        outcomes.append(await runner.run_hurried(command, time.monotonic() + 5))

    loop.run(main())
    assert late == ["both"]
    assert outcomes[0].stdout == b"quick\n"
    assert all(outcome.timed_out for outcome in outcomes[1:])
