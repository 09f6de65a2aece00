"""Which agents are asked before they are stopped, what they answer, and that none keeps a session awake for ever."""

import asyncio
from collections import Counter
from typing import Any, cast

import pytest

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import AgentError, BusyError, ClocheError, ConflictError
from cloche.ids import new_session_id
from cloche.sessions.agent_questions import AgentQuestions
from cloche.sessions.sleeper import MAX_REFUSALS, Sleeper


class Health:
    def __init__(self, checks: bool) -> None:
        self.value = self
        self.checks = checks


class Runner:
    """One whose agent answers as a test says."""

    def __init__(self, *, checks: bool = True) -> None:
        self.asked: list[str] = []
        self.checks = checks
        self.answer: tuple[bool, str] | ClocheError = (True, "ready")
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.users, self.is_at_work = 0, False
        self.counts = Counter[str]()
        self.sleeper = Sleeper(self, new_session_id(), lambda outcome: self.counts.update([outcome]))

    @property
    def questions(self) -> AgentQuestions:
        return cast(AgentQuestions, self)

    async def health(self) -> Health:
        return Health(self.checks)

    async def sleep_prep(self, drain_s: float) -> tuple[bool, str]:
        self.asked.append("sleep")
        await self.may_answer.wait()
        if isinstance(self.answer, ClocheError):
            raise self.answer
        return self.answer

    async def wake(self) -> None:
        self.asked.append("wake")

    async def freeze(self) -> None:
        self.asked.append("freeze")

    async def thaw(self) -> None:
        self.asked.append("thaw")

    async def reclaim(self) -> None:
        self.asked.append("reclaim")


async def settled() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_an_agent_with_checks_gets_ready_and_is_woken_after_it_goes_on() -> None:
    runner = Runner()
    await runner.sleeper.get_ready(insists=False)
    await runner.sleeper.freeze()
    await runner.sleeper.thaw()
    await settled()
    assert runner.asked == ["sleep", "freeze", "thaw", "wake"]
    assert runner.counts == {"ready": 1}


async def test_one_without_any_is_left_alone() -> None:
    runner = Runner(checks=False)
    await runner.sleeper.get_ready(insists=False)
    await runner.sleeper.freeze()
    await runner.sleeper.thaw()
    await runner.sleeper.reclaim()
    await settled()
    assert (runner.asked, runner.counts) == (["freeze", "thaw", "reclaim"], {})


@pytest.mark.parametrize("answer", [(False, "critical: db"), AgentError("nonsense")])
async def test_one_that_refuses_is_asked_again_and_in_the_end_stopped_all_the_same(answer: Any) -> None:
    runner = Runner()
    runner.answer = answer
    for _ in range(2):
        for _ in range(MAX_REFUSALS - 1):
            with pytest.raises(ConflictError) as refused:
                await runner.sleeper.get_ready(insists=False)
            assert refused.value.fields["reason"] == "sleep_refused"
        await runner.sleeper.get_ready(insists=False)
    await runner.sleeper.get_ready(insists=True)
    assert runner.counts == {"refused" if isinstance(answer, tuple) else "failed": 2 * MAX_REFUSALS + 1}


@pytest.mark.parametrize("answer", [(True, "ready; still running: 1"), BusyError("16 questions")])
async def test_one_that_is_busy_stays_awake_however_often_it_is_asked(answer: Any) -> None:
    runner = Runner()
    runner.answer = answer
    for insists in (False, True) * MAX_REFUSALS:
        with pytest.raises(ConflictError) as refused:
            await runner.sleeper.get_ready(insists=insists)
        assert refused.value.fields["reason"] == "session_in_use"
        runner.sleeper.go_on()
    await settled()
    assert runner.asked.count("wake") == 2 * MAX_REFUSALS


async def test_one_that_is_given_up_half_way_is_told_to_go_on_once() -> None:
    runner = Runner()
    runner.may_answer.clear()
    getting_ready = spawn(runner.sleeper.get_ready(insists=False), name="getting-ready")
    await settled()
    await cancel_and_wait(getting_ready)
    for _ in range(2):
        runner.sleeper.go_on()
    await settled()
    assert (runner.asked, runner.counts) == (["sleep", "wake"], {"given_up": 1})
