"""What a browser that is stopped and started on request, and programs that run, mean to a session."""

import asyncio
import socket
from typing import Any

import pytest
from structlog.testing import capture_logs

from cloche.concurrency.tasks import spawn
from cloche.errors import ConflictError
from cloche.sessions import agent_questions
from cloche.sessions.agent_news import BrowserNews
from cloche.sessions.model import EndReason, EventType, Session
from cloche.sessions.runner import NEWS_BURST
from cloche.testing.guest_answers import HEALTH
from cloche.testing.session_world import ADMIN, ANN, World
from cloche.wire.messages import BrowserState


async def test_a_stopped_browser_sends_clients_home_refuses_dials_and_leaves_the_session_ready(world: World) -> None:
    session = await world.ready()
    agent = world.agent(session)
    async with world.manager.attach(ANN, session.id) as attachment:
        await agent.stop_browser()
        assert await asyncio.wait_for(attachment.ended, 5) == "browser_stopped"
        with pytest.raises(ConflictError) as refused:
            await attachment.dial()
        assert refused.value.fields["reason"] == "browser_stopped"
        assert (await world.manager.get(ANN, session.id)).status == "ready"

        await agent.restart_browser()
        stopped = await world.told(session.id, EventType.BROWSER_STOPPED)
        await world.told(session.id, EventType.BROWSER_READY, after=stopped.id)
        with await attachment.dial():
            assert not attachment.ended.done()
    assert world.measured()["cloche_browser_exits_total"] == 0


async def test_a_dial_that_waits_is_refused_once_the_browser_is_stopped(world: World) -> None:
    session = await world.ready()
    agent = world.agent(session)
    await agent.crash_browser()
    await world.told(session.id, EventType.BROWSER_RESTARTING)
    async with world.manager.attach(ANN, session.id) as attachment:
        dialling = spawn(attachment.dial(), name="dial")
        await asyncio.sleep(0)
        await agent.stop_browser()
        with pytest.raises(ConflictError):
            await asyncio.wait_for(dialling, 5)


class Asked(dict[str, Any]):
    """An agent's pages; `once` is set when one is asked for."""

    once: asyncio.Event

    def __getitem__(self, path: str) -> Any:
        self.once.set()
        return super().__getitem__(path)


async def test_programs_that_run_keep_a_session_from_idling_until_the_last_has_ended(world: World) -> None:
    session = await world.ready(ADMIN, machine=True, idle_timeout_s=60)
    agent, runner = world.agent(session), world.manager._runners[session.id]
    agent.pages = pages = Asked({"/health": HEALTH | {"programs": 1}})
    pages.once = asyncio.Event()
    world.clock.advance(61)
    runner.end_moved()
    await asyncio.wait_for(pages.once.wait(), 5)
    await heard(world, session, programs=1)
    assert (await world.manager.get(ADMIN, session.id)).status == "ready"

    pages["/health"] = HEALTH
    await agent.heartbeat(programs=0)
    await heard(world, session, programs=0)
    world.clock.advance(59)
    runner.end_moved()
    assert (await world.manager.get(ADMIN, session.id)).status == "ready"
    world.clock.advance(1)
    runner.end_moved()
    closing = await world.told(session.id, EventType.CLOSING)
    assert closing.data["reason"] == EndReason.IDLE_TIMEOUT


async def test_an_agent_that_does_not_say_what_runs_does_not_keep_its_session(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_questions, "ANSWER_WAIT_S", 0.05)
    session = await world.ready(ADMIN, machine=True, idle_timeout_s=60)

    async def silent(_: socket.socket) -> None:
        await asyncio.get_running_loop().create_future()

    world.agent(session).serve_http = silent
    world.clock.advance(61)
    world.manager._runners[session.id].end_moved()
    with capture_logs():
        closing = await world.told(session.id, EventType.CLOSING)
    assert closing.data["reason"] == EndReason.IDLE_TIMEOUT


async def heard(world: World, session: Session, *, programs: int) -> None:
    """Wait until the session's last health says how many programs run."""
    agent = await world.manager.agent(ADMIN, session.id)
    async with asyncio.timeout(5):
        while (await agent.health()).value.programs != programs:
            await asyncio.sleep(0)


async def test_a_session_without_machine_does_not_stay_for_programs_its_agent_tells_of(world: World) -> None:
    session = await world.ready(idle_timeout_s=60)
    agent = world.agent(session)
    agent.pages = {"/health": HEALTH | {"programs": 3}}
    await agent.heartbeat(programs=3)
    await heard(world, session, programs=3)
    world.clock.advance(61)
    world.manager._runners[session.id].end_moved()
    closing = await world.told(session.id, EventType.CLOSING)
    assert closing.data["reason"] == EndReason.IDLE_TIMEOUT


async def test_an_agent_that_tells_of_kills_and_failures_without_end_fills_neither_events_nor_log(world: World) -> None:
    session = await world.ready()
    runner = world.manager._runners[session.id]
    with capture_logs() as logged:
        for _ in range(200):
            runner.browser_reported(BrowserNews(state=BrowserState.EXITED, reason="over_memory"))
            runner.browser_reported(BrowserNews(state=BrowserState.GAVE_UP, reason="crashed"))
    told = await world.history(session.id)
    assert told.count("memory.exceeded") == told.count("browser.gave_up") == NEWS_BURST
    assert len([each for each in logged if each["event"] == "browser_gave_up"]) == NEWS_BURST
