"""Many agents asked side by side."""

import asyncio

import pytest

from cloche.cli import agent_questions
from cloche.cli.agent_questions import AT_ONCE, _ask_all
from cloche.cli.agent_targets import Agent, SocketAgent
from cloche.errors import AgentError, LostError


async def nowhere() -> None:
    raise LostError("nobody is there")


def agents(count: int) -> list[Agent]:
    return [SocketAgent(str(n), nowhere) for n in range(count)]  # type: ignore[arg-type]  # never gets to dial


async def test_answers_and_failures_come_in_the_order_of_the_asked() -> None:
    async def ask(agent: Agent) -> int:
        await asyncio.sleep(0)
        if agent.name == "1":
            raise AgentError("no")
        return int(agent.name)

    (first, second, third) = await _ask_all(agents(3), ask)
    assert first == ("0", 0) and third == ("2", 2)
    assert second[0] == "1" and isinstance(second[1], AgentError)


async def test_only_so_many_are_asked_at_once() -> None:
    asked, may_answer = [], asyncio.Event()

    async def ask(agent: Agent) -> None:
        asked.append(agent.name)
        if len(asked) == AT_ONCE:
            may_answer.set()
        await may_answer.wait()
        assert len(asked) - len(answered) <= AT_ONCE
        answered.append(agent.name)

    answered: list[str] = []
    await _ask_all(agents(AT_ONCE * 3), ask)
    assert len(answered) == AT_ONCE * 3


async def test_what_is_no_failure_of_an_agent_is_raised() -> None:
    async def ask(_: Agent) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await _ask_all(agents(1), ask)


async def test_one_that_cannot_be_reached_fails_an_inspection() -> None:
    (agent,) = agents(1)
    with pytest.raises(LostError):
        await agent_questions.inspect(agent, "", None)


async def test_that_one_cannot_be_reached_is_something_to_tell_of_its_status() -> None:
    (agent,) = agents(1)
    assert isinstance(await agent_questions.status(agent, "", None), LostError)
