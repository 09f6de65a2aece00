"""What a session's agent is asked, through the manager as the doors do it."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from cloche.agent_link import guest, http
from cloche.agent_link.guest_report import ExecResult
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import AgentError, BusyError, ClocheError, DeadlineError, DeniedError, GoneError, InvalidError
from cloche.ids import EventId
from cloche.sessions import agent_questions as module
from cloche.sessions.agent_questions import KILL_WAIT_S, MAX_ASKED, MAX_RUNNING
from cloche.sessions.exec_request import ExecRequest
from cloche.sessions.interface import SessionAgent
from cloche.sessions.model import EventType, Session, SessionStatus
from cloche.testing.agent import AgentTemper
from cloche.testing.agent_driver import AgentDriver
from cloche.testing.clock import FakeClock
from cloche.testing.guest_answers import HEALTH, METRICS
from cloche.testing.session_world import ADMIN, ANN, World
from cloche.wire.guest import Tagged, Verb, error
from cloche.wire.messages import HealthStatus, ToAgent

LIST: ExecRequest = ExecRequest(argv=("ls", "a b"))

Ask = Callable[[SessionAgent], Awaitable[Any]]

OVER_HTTP: list[Ask] = [lambda agent: agent.health(fresh=True), lambda agent: agent.figures(fresh=True)]
IN_FRAMES: list[Ask] = [
    lambda agent: agent.status(),
    lambda agent: agent.ping(),
    lambda agent: agent.execute(ADMIN, LIST),
]


async def machine(world: World) -> Session:
    return await world.ready(ADMIN, machine=True)


async def asked(world: World, session: Session) -> SessionAgent:
    return await world.manager.agent(ADMIN, session.id)


async def executions(world: World, session: Session) -> list[dict[str, Any]]:
    events = [event async for event in world.events.read(session.id, after=EventId(0), live=False)]
    return [dict(event.data) for event in events if event.type is EventType.AGENT_EXEC]


# --- health and metrics ----------------------------------------------------------------------------------------------


async def test_the_last_heartbeat_and_metrics_are_told_without_asking(
    world: World, driver: AgentDriver, clock: FakeClock
) -> None:
    session = await world.ready()
    await world.agent(session).heartbeat(memory_mb=7)
    await world.agent(session).metrics(open_files=9)
    await world.agent(session).say_raw(b"nonsense\n")
    await world.told(session.id, EventType.AGENT_PROTOCOL_ERROR)
    heard_at, connects = clock.now(), driver.calls["connect"]
    clock.advance(4)
    agent = await world.manager.agent(ANN, session.id)
    health, figures = await agent.health(), await agent.figures()

    assert (health.value.memory_mb, figures.value.open_files) == (7, 9)
    assert (health.observed_at, health.age_s, figures.observed_at, figures.age_s) == (heard_at, 4, heard_at, 4)
    assert driver.calls["connect"] == connects


async def test_before_the_first_and_whenever_wanted_the_agent_is_asked(world: World, clock: FakeClock) -> None:
    session = await world.ready()
    pages = world.agent(session).pages
    agent = await world.manager.agent(ANN, session.id)
    assert (await agent.health()).value.memory_mb == HEALTH["memory_mb"]
    assert (await agent.figures()).value.open_files == METRICS["open_files"]
    pages["/health"], pages["/metrics"] = HEALTH | {"memory_mb": 1}, METRICS | {"open_files": 1}
    clock.advance(3)
    assert (await agent.health()).value.memory_mb == HEALTH["memory_mb"], "an answer is a last word too"
    assert (await agent.figures()).age_s == 3
    health, figures = await agent.health(fresh=True), await agent.figures(fresh=True)

    assert (health.value.memory_mb, health.age_s, health.observed_at) == (1, 0, clock.now())
    assert (figures.value.open_files, figures.age_s) == (1, 0)


async def test_a_heartbeat_from_before_the_browser_changed_is_not_told(world: World) -> None:
    session = await world.ready()
    await world.agent(session).heartbeat()
    await world.agent(session).crash_browser()
    await world.told(session.id, EventType.BROWSER_RESTARTING)
    world.agent(session).pages["/health"] = HEALTH | {"status": "unhealthy", "browser_alive": False}
    health = (await (await world.manager.agent(ANN, session.id)).health()).value

    assert (health.status, health.browser_alive) == (HealthStatus.UNHEALTHY, False)


async def test_an_answer_from_before_the_browser_changed_is_no_last_word(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await world.ready()
    agent, get = await world.manager.agent(ANN, session.id), http.get

    async def overtaken(stream: socket.socket, path: str, *, timeout_s: float) -> tuple[int, bytes]:
        answer = await get(stream, path, timeout_s=timeout_s)
        await world.agent(session).crash_browser()
        await world.told(session.id, EventType.BROWSER_RESTARTING)
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(http, "get", overtaken)
        assert (await agent.health()).value.browser_alive
    world.agent(session).pages["/health"] = HEALTH | {"status": "unhealthy", "browser_alive": False}

    assert not (await agent.health()).value.browser_alive


async def test_all_that_a_status_asks_has_one_deadline(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await world.ready()
    agent, ask, answered = await asked(world, session), guest.ask_each, list[Tagged]()

    async def dripping(dial: guest.Dial, requests: Sequence[Tagged], *, timeout_s: float) -> list[Tagged]:
        for request in requests:
            answered.extend(await ask(dial, [request], timeout_s=timeout_s))
            await asyncio.sleep(timeout_s / 2)
        return answered

    monkeypatch.setattr(guest, "ask_each", dripping)
    monkeypatch.setattr(module, "ANSWER_WAIT_S", 0.5)
    with pytest.raises(DeadlineError):
        await agent.status()
    assert answered


@pytest.mark.parametrize("ask", [*OVER_HTTP, *IN_FRAMES[:2]])
async def test_no_more_is_asked_of_one_session_than_it_may_leave_unanswered(
    world: World, driver: AgentDriver, ask: Ask
) -> None:
    session, other = await world.ready(), await world.ready()
    world.agent(session).temper = AgentTemper.SILENT_GUEST
    agent, connects = await asked(world, session), driver.calls["connect"]
    asking = [spawn(_outcome(ask(agent)), name="ask") for _ in range(MAX_ASKED)]
    while driver.calls["connect"] < connects + MAX_ASKED:
        await asyncio.sleep(0)
    with pytest.raises(BusyError) as caught:
        await ask(agent)
    assert caught.value.retry_after_s == 1
    assert driver.calls["connect"] == connects + MAX_ASKED
    await ask(await asked(world, other))
    await cancel_and_wait(*asking)
    world.agent(session).temper = AgentTemper.OK
    await ask(agent)


async def _outcome(asking: Awaitable[Any]) -> Any:
    try:
        return await asking
    except ClocheError as error:
        return error


async def test_asking_keeps_no_session_from_idling(world: World, clock: FakeClock) -> None:
    session = await world.ready(idle_timeout_s=60)
    clock.advance(59)
    agent = await world.manager.agent(ANN, session.id)
    await agent.health(fresh=True)
    await agent.figures(fresh=True)
    await agent.status()
    await agent.ping()
    clock.advance(1)
    world.manager._runners[session.id].end_moved()

    assert (await world.told(session.id, EventType.CLOSED)).data["reason"] == "idle_timeout"


@pytest.mark.parametrize("page", [None, [], "healthy", 3, {"status": "splendid"}, {}])
async def test_a_health_that_is_none_is_the_agents_fault(world: World, page: object) -> None:
    session = await world.ready()
    world.agent(session).pages["/health"] = page
    agent = await world.manager.agent(ANN, session.id)

    with pytest.raises(AgentError):
        await agent.health()


# --- the guest protocol ----------------------------------------------------------------------------------------------


async def test_status_comes_from_frames(world: World) -> None:
    session = await world.ready()
    status = await (await world.manager.agent(ANN, session.id)).status()

    assert (status["worker_status"], status["last_busy_at"]) == ("idle", None)
    assert status["health_summary"] == {"total": 2, "healthy": 1, "summary": "1/2 ok (search)"}
    assert [row["name"] for row in (*status["probes"], *status["integrations"])] == ["disk", "search"]


async def test_a_ping_is_answered(world: World) -> None:
    session = await world.ready()
    assert await (await world.manager.agent(ANN, session.id)).ping() >= 0
    assert world.agent(session).guest_answers.requests == [Tagged(Verb.PING)]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"",
        b"\x00\x00\x00\x04nope",
        b"\x00\x00\x00\x06[1, 2]",
        b"\x00\x10\x00\x00",
        b"\xff" * 4,
        Tagged("Unheard"),
        Tagged("Pong", {"x": [[[1e400]]]}),
    ],
)
async def test_an_agent_that_answers_nonsense_is_told_as_such(
    world: World, answer: Tagged | bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_WAIT_S", 0.2)
    session = await world.ready()
    world.agent(session).guest_answers.answers |= dict.fromkeys((Verb.WORKER_STATUS, Verb.PING), answer)
    agent = await world.manager.agent(ANN, session.id)
    with pytest.raises((AgentError, DeadlineError)):
        await agent.status()
    if answer != Tagged("Pong", {"x": [[[1e400]]]}):  # fields that nobody asked for are nobody's business
        with pytest.raises((AgentError, DeadlineError)):
            await agent.ping()


@pytest.mark.parametrize("ask", [*OVER_HTTP, *IN_FRAMES])
async def test_an_agent_that_answers_nothing_is_not_waited_for(
    world: World, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloche.agent_link.streams.ANSWER_SLACK_S", 0.05)
    session = await machine(world)
    agent = await asked(world, session)
    world.agent(session).temper = AgentTemper.SILENT_GUEST
    with pytest.raises(DeadlineError):
        await ask(agent)


@pytest.mark.parametrize("ask", [*OVER_HTTP, *IN_FRAMES])
@pytest.mark.parametrize("fails", [ConnectionRefusedError(), AgentError("no")])
async def test_an_agent_that_cannot_be_reached_is_told_as_such(
    world: World, driver: AgentDriver, ask: Ask, fails: Exception
) -> None:
    session = await machine(world)
    agent = await asked(world, session)
    driver.fails["connect"] = fails

    with pytest.raises(AgentError):
        await ask(agent)


@pytest.mark.parametrize("ask", [*OVER_HTTP, *IN_FRAMES])
async def test_who_asks_a_session_that_has_ended_meanwhile_learns_why(world: World, ask: Ask) -> None:
    session = await machine(world)
    agent = await asked(world, session)
    await world.manager.close(ADMIN, session.id)
    with pytest.raises(GoneError) as caught:
        await ask(agent)

    assert caught.value.fields["reason"] == "closed_by_user"


# --- exec ------------------------------------------------------------------------------------------------------------


async def test_a_program_is_run_as_it_was_asked_for(world: World) -> None:
    session = await machine(world)
    agent = await asked(world, session)
    result = await agent.execute(ADMIN, ExecRequest(argv=("a b", "$(c)"), stdin="in", timeout_s=7))

    assert result == ExecResult(0, "a b\n$(c)", "in")
    (request,) = world.agent(session).guest_answers.requests
    assert request == Tagged(Verb.EXEC, {"argv": ["a b", "$(c)"], "stdin": "in", "timeout_secs": 7})
    assert (await agent.execute(ADMIN, ExecRequest(command="a | b"))).stdout == "a | b"


async def test_a_program_that_ran_leaves_who_and_how_it_ended_and_not_what(world: World) -> None:
    session = await machine(world)
    await (await asked(world, session)).execute(ADMIN, ExecRequest(argv=("secret", "thing"), stdin="hidden"))

    assert await executions(world, session) == [{"by": "admin", "exit_code": 0}]


@pytest.mark.promise("exec-is-off-unless-asked-for")
async def test_nothing_is_run_in_a_session_that_was_not_made_for_it(world: World, driver: AgentDriver) -> None:
    session = await world.ready(ADMIN)
    agent, connects = await asked(world, session), driver.calls["connect"]
    with pytest.raises(DeniedError) as caught:
        await agent.execute(ADMIN, LIST)

    assert caught.value.fields["reason"] == "exec_off"
    assert driver.calls["connect"] == connects, "its agent was not even asked"
    assert await executions(world, session) == []
    config = world.agent(session).config
    assert not config.exec_enabled and not config.exec_allowed


@pytest.mark.promise("exec-is-off-unless-asked-for")
async def test_only_an_admin_may_have_a_session_in_which_programs_are_run(world: World, driver: AgentDriver) -> None:
    with pytest.raises(DeniedError) as caught:
        await world.ready(ANN, machine=True)
    assert caught.value.fields["reason"] == "machine_not_allowed"
    assert driver.calls["create"] == 0

    session = await machine(world)
    assert (await world.manager.get(ADMIN, session.id)).options.machine


async def test_an_agent_that_will_not_is_told_as_a_refusal(world: World) -> None:
    session = await machine(world)
    world.agent(session).guest_answers.answers[Verb.EXEC] = error("Exec is off\x1b[2J")
    with pytest.raises(DeniedError) as caught:
        await (await asked(world, session)).execute(ADMIN, LIST)

    assert caught.value.fields["reason"] == "exec_refused"
    assert caught.value.detail.isprintable()
    assert await executions(world, session) == [{"by": "admin", "exit_code": None}]


async def test_a_request_that_will_not_do_reaches_no_agent(world: World, driver: AgentDriver) -> None:
    session = await machine(world)
    agent, connects = await asked(world, session), driver.calls["connect"]
    with pytest.raises(InvalidError):
        await agent.execute(ADMIN, ExecRequest())
    assert driver.calls["connect"] == connects


async def test_a_request_beyond_a_frame_is_too_large_and_the_next_one_is_answered(world: World) -> None:
    session = await machine(world)
    agent = await asked(world, session)
    with pytest.raises(ClocheError) as caught:
        await agent.execute(ADMIN, ExecRequest(argv=("\x01" * 100_000,)))

    assert caught.value.code == "too_large"
    assert await executions(world, session) == [], "its agent was handed nothing"
    assert (await agent.execute(ADMIN, LIST)).exit_code == 0


async def test_as_many_run_as_an_agent_takes_and_a_place_that_is_left_is_free(world: World) -> None:
    session = await machine(world)
    agent, answers = await asked(world, session), world.agent(session).guest_answers
    answers.may_answer.clear()
    running = [spawn(agent.execute(ADMIN, LIST), name="exec") for _ in range(MAX_RUNNING)]
    await world.agent(session).told(ToAgent.ACTIVITY, {"clients": 0, "actions": MAX_RUNNING})
    with pytest.raises(BusyError) as caught:
        await agent.execute(ADMIN, LIST)
    assert caught.value.retry_after_s == 1
    answers.may_answer.set()
    await asyncio.gather(*running)

    assert (await agent.execute(ADMIN, LIST)).exit_code == 0
    assert len(await executions(world, session)) == MAX_RUNNING + 1


async def test_a_session_in_which_something_runs_is_busy_and_does_not_idle(world: World, clock: FakeClock) -> None:
    session = await world.ready(ADMIN, machine=True, idle_timeout_s=60)
    agent, answers = world.agent(session), world.agent(session).guest_answers
    answers.may_answer.clear()
    running = spawn((await asked(world, session)).execute(ADMIN, LIST), name="exec")
    await agent.told(ToAgent.ACTIVITY, {"clients": 0, "actions": 1})
    clock.advance(600)
    world.manager._runners[session.id].end_moved()
    assert (await world.manager.get(ADMIN, session.id)).status is SessionStatus.READY
    answers.may_answer.set()
    await asyncio.wait_for(running, 5)
    await agent.told(ToAgent.ACTIVITY, {"clients": 0, "actions": 0})
    clock.advance(60)
    world.manager._runners[session.id].end_moved()

    assert (await world.told(session.id, EventType.CLOSED)).data["reason"] == "idle_timeout"


async def test_a_program_that_nobody_waits_for_any_more_is_given_up(world: World) -> None:
    session = await machine(world)
    answers = world.agent(session).guest_answers
    answers.may_answer.clear()
    running = spawn((await asked(world, session)).execute(ADMIN, LIST), name="exec")
    await asyncio.wait_for(answers.asked.wait(), 5)
    running.cancel()
    await asyncio.wait_for(answers.given_up.wait(), 5)

    assert await executions(world, session) == [{"by": "admin", "exit_code": None}]


async def test_a_refusal_while_what_was_given_up_is_being_killed_is_for_now(world: World, clock: FakeClock) -> None:
    session = await machine(world)
    agent, answers = await asked(world, session), world.agent(session).guest_answers
    answers.may_answer.clear()
    running = spawn(agent.execute(ADMIN, LIST), name="exec")
    await asyncio.wait_for(answers.asked.wait(), 5)
    running.cancel()
    await asyncio.wait_for(answers.given_up.wait(), 5)
    answers.may_answer.set()
    answers.answers[Verb.EXEC] = error("4 commands are running already")
    with pytest.raises(BusyError) as caught:
        await agent.execute(ADMIN, LIST)
    assert caught.value.retry_after_s == 1

    clock.advance(KILL_WAIT_S)
    with pytest.raises(DeniedError):
        await agent.execute(ADMIN, LIST)


async def test_a_program_that_runs_when_the_session_ends_ends_with_it(world: World) -> None:
    session = await machine(world)
    answers = world.agent(session).guest_answers
    answers.may_answer.clear()
    running = spawn((await asked(world, session)).execute(ADMIN, LIST), name="exec")
    await asyncio.wait_for(answers.asked.wait(), 5)
    await world.manager.close(ADMIN, session.id)

    with pytest.raises(GoneError) as caught:
        await asyncio.wait_for(running, 5)
    assert caught.value.fields["reason"] == "closed_by_user"


@pytest.mark.parametrize("ask", [*OVER_HTTP, *IN_FRAMES])
async def test_nobody_waits_for_the_agent_of_a_session_that_is_left_to_the_next_daemon(
    world: World, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloche.agent_link.streams.ANSWER_SLACK_S", 60)
    session = await machine(world)
    agent, answers = await asked(world, session), world.agent(session).guest_answers
    world.agent(session).temper = AgentTemper.SILENT_GUEST
    asking = spawn(_outcome(ask(agent)), name="ask")
    while not agent._under_way:  # type: ignore[attr-defined]
        await asyncio.sleep(0)
    await world.manager.release_all()
    agent.give_up()  # type: ignore[attr-defined]  # once more changes nothing

    error = await asyncio.wait_for(asking, 5)
    assert isinstance(error, GoneError) and error.fields["reason"] == "server_stopping"
    assert not answers.requests


async def test_a_program_of_a_session_that_is_left_to_the_next_daemon_is_given_up_and_told(world: World) -> None:
    session = await machine(world)
    agent, answers = await asked(world, session), world.agent(session).guest_answers
    answers.may_answer.clear()
    running = spawn(_outcome(agent.execute(ADMIN, LIST)), name="exec")
    await asyncio.wait_for(answers.asked.wait(), 5)
    await world.manager.release_all()

    assert isinstance(await asyncio.wait_for(running, 5), GoneError)
    await asyncio.wait_for(answers.given_up.wait(), 5)
    assert await executions(world, session) == [{"by": "admin", "exit_code": None}]


async def test_a_program_is_waited_for_its_time_and_no_longer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXEC_SLACK_S", -0.9)
    session = await machine(world)
    answers = world.agent(session).guest_answers
    answers.may_answer.clear()

    with pytest.raises(DeadlineError):
        await (await asked(world, session)).execute(ADMIN, ExecRequest(argv=("sleep",), timeout_s=1))
