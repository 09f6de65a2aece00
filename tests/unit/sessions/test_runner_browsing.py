"""What the browser service and a session mean to each other."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, cast

import pytest

from cloche.browser.call import Blocked, Call
from cloche.browser.contract.actions import ClickRequest, ClickResponse
from cloche.browser.contract.looking import GetTitleRequest, GetTitleResponse
from cloche.browser.session_browser import Browser
from cloche.concurrency.tasks import spawn
from cloche.egress.policy import RefusalReason
from cloche.egress.refusals import Refusal
from cloche.errors import ConflictError, GoneError
from cloche.sessions import rows
from cloche.sessions.browsing.tools import Tools
from cloche.sessions.model import BudgetRequest, EventType, Session, SessionRequest, SessionStatus
from cloche.storage.database import Database
from cloche.testing.agent_driver import AgentDriver
from cloche.testing.browsing import FakeBrowser, no_picture
from cloche.testing.clock import FakeClock
from cloche.testing.session_world import ADMIN, ANN, World

Make = Callable[..., World]


class Chromium:
    """Opens a fake browser over a real connection through the session's agent."""

    def __init__(self) -> None:
        self.opened: list[FakeBrowser] = []
        self.hold = asyncio.Event()
        self.tools = Tools(
            open=self.open,
            functions={ClickRequest: self.click, GetTitleRequest: self.title},
            failure_screenshot=no_picture,
        )

    async def open(self, sock: socket.socket, path: str, **given: Any) -> Browser:
        with sock:
            assert await asyncio.get_running_loop().sock_recv(sock, 5) == b"hello"
        self.opened.append(FakeBrowser(given["why_blocked"]))
        return cast(Browser, self.opened[-1])

    async def click(self, call: Call, request: ClickRequest) -> ClickResponse:
        return ClickResponse()

    async def title(self, call: Call, request: GetTitleRequest) -> GetTitleResponse:
        await self.hold.wait()
        return GetTitleResponse(title="Cart")


@pytest.fixture
def browsers() -> Chromium:
    return Chromium()


@pytest.fixture
async def browsing(make_world: Make, chromium: None, browsers: Chromium) -> World:
    return make_world(browser_tools=browsers.tools)


async def click(world: World, session: Session) -> ClickResponse:
    browser = await world.manager.browser(ANN, session.id)
    answer = await asyncio.wait_for(browser.perform(ANN, ClickRequest()), 5)
    assert isinstance(answer, ClickResponse)
    return answer


async def test_an_owner_and_an_admin_use_a_sessions_browser(browsing: World, browsers: Chromium) -> None:
    session = await browsing.ready()
    assert (await click(browsing, session)).success
    answer = await (await browsing.manager.browser(ADMIN, session.id)).perform(ADMIN, ClickRequest())

    assert answer.usage.actions == 2
    assert len(browsers.opened) == 1
    told = [await browsing.told(session.id, EventType.BROWSER_ACTION)]
    assert told[0].data["by"] == "ann"
    assert (await browsing.manager.get(ANN, session.id)).usage.actions == 2


async def test_before_it_is_ready_and_after_its_end_there_is_no_browser(
    browsing: World, driver: AgentDriver, browsers: Chromium
) -> None:
    driver.holds["start"] = asyncio.Event()
    pending = await browsing.manager.create(ANN, SessionRequest(), wait=False)
    with pytest.raises(ConflictError):
        await browsing.manager.browser(ANN, pending.id)
    driver.holds.pop("start").set()
    await browsing.told(pending.id, EventType.READY)
    service = await browsing.manager.browser(ANN, pending.id)
    looking = spawn(service.perform(ANN, GetTitleRequest()), name="look")
    while not browsers.opened:
        await asyncio.sleep(0.001)
    await browsing.manager.close(ANN, pending.id)

    for call in (looking, browsing.manager.browser(ANN, pending.id), service.perform(ANN, ClickRequest())):
        with pytest.raises(GoneError) as caught:
            await asyncio.wait_for(call, 5)
        assert caught.value.fields["reason"] == "closed_by_user"
    assert browsers.opened[0].is_closed


async def test_a_browser_that_crashed_is_connected_to_anew(browsing: World, browsers: Chromium) -> None:
    session = await browsing.ready()
    await click(browsing, session)
    agent = browsing.agent(session)
    await agent.crash_browser()
    await browsing.told(session.id, EventType.BROWSER_RESTARTING)
    assert browsers.opened[0].is_closed

    waiting = spawn(click(browsing, session), name="click")
    await agent.restart_browser()
    assert (await asyncio.wait_for(waiting, 5)).success
    assert len(browsers.opened) == 2


async def test_a_call_keeps_a_session_from_idling(browsing: World, browsers: Chromium, clock: FakeClock) -> None:
    session = await browsing.ready(idle_timeout_s=60)
    service = await browsing.manager.browser(ANN, session.id)
    looking = spawn(service.perform(ANN, GetTitleRequest()), name="look")
    while not browsers.opened:
        await asyncio.sleep(0.001)
    clock.advance(600)
    browsing.manager._runners[session.id].end_moved()
    assert (await browsing.manager.get(ANN, session.id)).status is SessionStatus.READY

    browsers.hold.set()
    assert (await asyncio.wait_for(looking, 5)).success


async def test_what_was_taken_is_not_given_back_by_the_next_daemon(
    browsing: World, make_world: Make, driver: AgentDriver, browsers: Chromium
) -> None:
    session = await browsing.ready(budget=BudgetRequest(actions=3))
    for _ in range(2):
        await click(browsing, session)
    await browsing.hand_over()
    assert browsers.opened[0].is_closed
    restarted = make_world(driver=driver.restarted(), browser_tools=browsers.tools)
    await restarted.recover()

    assert (await restarted.manager.get(ANN, session.id)).usage.actions == 2
    assert (await click(restarted, session)).usage.actions_left == 0
    assert (await click(restarted, session)).error == "budget_exhausted"


async def test_a_crash_of_the_daemon_gives_back_no_more_than_since_the_last_reading(
    browsing: World, database: Database
) -> None:
    session = await browsing.ready()
    await click(browsing, session)
    runner = browsing.manager._runners[session.id]
    await browsing.manager._ledger.used(runner)

    async with database.read() as connection:
        found = await rows.get(connection, session.id)
    assert found is not None and found.usage.actions == 1


async def test_an_exhausted_budget_is_told_once_and_the_session_lives_on(browsing: World) -> None:
    session = await browsing.ready(budget=BudgetRequest(actions=1))
    await click(browsing, session)
    for _ in range(3):
        assert (await click(browsing, session)).error == "budget_exhausted"

    assert (await browsing.manager.get(ANN, session.id)).status is SessionStatus.READY
    assert (await browsing.told(session.id, EventType.BUDGET_EXHAUSTED)).data == {"what": "actions"}
    assert (await browsing.history(session.id)).count("budget.exhausted") == 1


async def test_where_that_was_agreed_the_session_ends_with_its_actions(browsing: World) -> None:
    session = await browsing.ready(budget=BudgetRequest(actions=1, on_exhausted="end"))
    await click(browsing, session)
    assert (await browsing.manager.get(ANN, session.id)).status is SessionStatus.READY
    refused = await click(browsing, session)
    assert refused.error == "budget_exhausted", "whoever asks too much still gets an answer"

    await browsing.told(session.id, EventType.CLOSED)
    found = await browsing.manager.get(ANN, session.id)
    assert (found.status, found.reason) == (SessionStatus.CLOSED, "budget_exhausted")
    assert found.usage.actions == 1


@pytest.mark.parametrize("on_exhausted", ["refuse", "end"])
async def test_the_same_holds_for_the_bytes_of_the_gateway(browsing: World, on_exhausted: str) -> None:
    session = await browsing.ready(budget=BudgetRequest(egress_bytes=0, on_exhausted=on_exhausted))
    browsing.manager._runners[session.id]._gateway._exhausted()

    assert (await browsing.told(session.id, EventType.BUDGET_EXHAUSTED)).data == {"what": "egress_bytes"}
    if on_exhausted == "end":
        await browsing.told(session.id, EventType.CLOSED)
    found = await browsing.manager.get(ANN, session.id)
    assert (found.status, found.reason) == (
        (SessionStatus.CLOSED, "budget_exhausted") if on_exhausted == "end" else (SessionStatus.READY, "")
    )


async def test_what_the_gateway_refuses_reaches_the_browser(browsing: World, browsers: Chromium) -> None:
    session = await browsing.ready()
    await click(browsing, session)
    refusal = Refusal("evil.test", 443, next(iter(RefusalReason)), "evil.test")
    browsing.manager._runners[session.id]._gateway._refused(refusal)

    assert browsers.opened[0].why_blocked("EVIL.test", 443) == Blocked(str(refusal.reason), "evil.test")
