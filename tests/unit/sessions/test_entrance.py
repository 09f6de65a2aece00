"""Who is let to a session's browser, and when: nobody but we ourselves while it is in hand."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from cloche.browser.call import Call
from cloche.browser.contract.actions import ClickRequest, ClickResponse
from cloche.browser.session_browser import Browser
from cloche.concurrency.tasks import spawn
from cloche.errors import AgentError, ConflictError, DeadlineError, GoneError
from cloche.ids import new_profile_id
from cloche.sessions import entrance as module
from cloche.sessions.agent_news import BrowserNews
from cloche.sessions.browser_side import BrowserOwner, BrowserSide
from cloche.sessions.browsing.tools import Tools
from cloche.sessions.entrance import Entrance
from cloche.sessions.model import EventType, ProfileUse, Session
from cloche.sessions.profiles.side import ProfileSide
from cloche.sessions.runner import SessionRunner
from cloche.testing.browsing import FakeBrowser, no_picture
from cloche.testing.session_world import ANN, World
from cloche.testing.shelf import Shelf
from cloche.wire.messages import BrowserState

Make = Callable[..., World]


class Someone:
    """A client, the daemon's own part, and an action, each on its way to one browser; `served` in order."""

    def __init__(self, world: World, session: Session) -> None:
        self.world, self.session = world, session
        self.served: list[str] = []

    @property
    def runner(self) -> SessionRunner:
        return self.world.manager._roster.runners[self.session.id]

    async def attach(self) -> None:
        async with self.world.manager.attach(ANN, self.session.id) as attachment:
            (await attachment.dial()).close()
            self.served.append("client")

    async def watch(self) -> None:
        """As the live view dials."""
        (await self.runner.dial_devtools())[0].close()
        self.served.append("viewer")

    async def act(self) -> None:
        browser = await self.world.manager.browser(ANN, self.session.id)
        assert (await browser.perform(ANN, ClickRequest())).success
        self.served.append("action")

    async def put_back(self) -> None:
        await self.runner.browsing.outside_budget(5)
        (await self.runner.dial_devtools(is_own=True))[0].close()
        self.served.append("put back")


def opens_browsers() -> Tools:
    async def open_(sock: socket.socket, path: str, **given: Any) -> Browser:
        sock.close()
        return cast(Browser, FakeBrowser(given["why_blocked"]))

    async def click(call: Call, request: ClickRequest) -> ClickResponse:
        return ClickResponse()

    return Tools(open=open_, functions={ClickRequest: click}, failure_screenshot=no_picture)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def world(make_world: Make, chromium: None, shelf: Shelf) -> AsyncIterator[World]:
    yield make_world(browser_tools=opens_browsers(), profiles=shelf)
    shelf.may_save.set()
    shelf.may_go_on.set()


async def turns(count: int = 200) -> None:
    """Let everybody get as far as they can without anything from outside."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_whoever_comes_while_it_is_laid_down_is_served_once_its_tabs_are_back_and_not_before(
    world: World, shelf: Shelf
) -> None:
    session = await world.ready()
    someone = Someone(world, session)
    shelf.may_save.clear()
    shelf.may_go_on.clear()
    falling = spawn(world.manager.hibernate(ANN, session.id), name="falling")
    await _until(lambda: shelf.done == ["saving"])
    coming = [spawn(steps(), name="coming") for steps in (someone.attach, someone.watch, someone.act)]
    await turns()
    shelf.may_save.set()
    await asyncio.wait_for(shelf.goes_on.wait(), 5)
    assert shelf.done == ["saving", "saved"]
    # The browser is up again and says so, with a blank page: what was open is put back into it.
    await world.agent(session).stop_browser()
    await world.agent(session).restart_browser()
    await asyncio.wait_for(someone.put_back(), 5)
    await turns()
    assert someone.served == ["put back"]
    shelf.may_go_on.set()
    await asyncio.wait_for(asyncio.gather(*coming), 5)
    assert someone.served[0] == "put back" and sorted(someone.served[1:]) == ["action", "client", "viewer"]
    with pytest.raises(ConflictError, match="in use"):
        await falling


async def test_one_that_is_in_hand_when_the_session_ends_holds_nobody_up(world: World) -> None:
    session = await world.ready()
    someone = Someone(world, session)
    someone.runner.browser_returns(is_expected=True)
    coming = [spawn(steps(), name="coming") for steps in (someone.attach, someone.watch, someone.act)]
    await turns()
    await world.manager.close(ANN, session.id)
    await asyncio.wait(coming, timeout=5)
    assert all(isinstance(task.exception(), GoneError) for task in coming)
    assert someone.served == []


async def test_a_save_by_hand_is_somebody_who_comes(world: World, shelf: Shelf) -> None:
    session = await world.ready()
    shelf.may_save.clear()
    falling = spawn(world.manager.hibernate(ANN, session.id), name="falling")
    await _until(lambda: shelf.done == ["saving"])
    runner = saves_to_a_profile(world, session, shelf)
    saving = spawn(world.manager.save_profile(ANN, session.id), name="saving")
    await turns()
    assert shelf.done == ["saving"], "not while its browser is in hand"
    shelf.may_save.set()
    await asyncio.wait({falling, saving}, timeout=5)
    assert shelf.done == ["saving", "saved", "gone on", "saved by hand"]
    assert isinstance(falling.exception(), ConflictError)
    assert runner.users == 0


async def test_a_save_by_hand_wakes_a_session_that_sleeps(world: World, shelf: Shelf) -> None:
    session = await world.ready()
    saves_to_a_profile(world, session, shelf)
    await world.manager.sleep(ANN, session.id)
    await world.manager.save_profile(ANN, session.id)
    await world.told(session.id, EventType.AWAKE)
    assert shelf.done == ["saved by hand"]


def saves_to_a_profile(world: World, session: Session, shelf: Shelf) -> SessionRunner:
    runner = world.manager._roster.runners[session.id]
    profile = ProfileUse(id=new_profile_id(), save=True)
    runner.session = replace(runner.session, options=replace(runner.session.options, profile=profile))
    shelf._sides[session.id] = cast(ProfileSide, _Side(shelf.done))
    return runner


class _Side:
    def __init__(self, done: list[str]) -> None:
        self._done = done

    async def save_now(self) -> None:
        self._done.append("saved by hand")

    async def settled(self) -> None:
        """At once."""


# --- alone ----------------------------------------------------------------------------------------------------------


class Way:
    """An entrance whose browser a test has in hand."""

    def __init__(self) -> None:
        self.side = BrowserSide(cast(BrowserOwner, _Nobody()))
        self.entrance = Entrance(self.side, self._client_comes, self._dial_agent)
        self.done: list[str] = []

    async def _client_comes(self) -> None:
        self.done.append("client")

    async def _dial_agent(self) -> socket.socket:
        self.done.append("agent")
        raise AgentError("nobody is there")


class _Nobody:
    def report(self, type_: object, data: object) -> None: ...

    def browser_is_up(self, news: BrowserNews) -> dict[str, object]:
        return {}

    def clients_must_go(self, reason: str) -> None: ...


async def test_nobody_is_let_in_before_the_session_is_up() -> None:
    way = Way()
    way.side.take(BrowserNews(state=BrowserState.READY))

    async def reach() -> str:
        way.done.append("reached")
        return "browser"

    coming = spawn(way.entrance.let_in(reach), name="coming")
    await turns()
    assert way.done == []
    way.side.came_up()
    assert await asyncio.wait_for(coming, 5) == "browser"
    assert way.done == ["reached", "client"]


async def test_what_puts_the_tabs_back_waits_for_nothing_that_clients_wait_for() -> None:
    """Downloads are watched only once they are back: to wait for that here cost every such start a second."""
    way = Way()
    way.side.take(BrowserNews(state=BrowserState.READY))
    with pytest.raises(AgentError):
        await asyncio.wait_for(way.entrance.dial(is_own=True), 5)
    assert way.done == ["agent"]
    way.side.came_up()
    with pytest.raises(AgentError):
        await asyncio.wait_for(way.entrance.dial(is_own=False), 5)
    assert way.done == ["agent", "client", "agent"]


async def test_what_was_reached_while_the_browser_was_taken_in_hand_is_reached_again() -> None:
    way = Way()
    way.side.came_up()

    async def reach() -> int:
        way.done.append("reached")
        if way.done == ["reached"]:
            way.side.expect(is_expected=True)
        return len(way.done)

    coming = spawn(way.entrance.let_in(reach), name="coming")
    await turns()
    assert way.done == ["reached", "client"] and not coming.done()
    way.side.expect(is_expected=False)
    assert await asyncio.wait_for(coming, 5) == 3


async def test_the_wait_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ATTACH_WAIT_S", 0.01)
    way = Way()

    async def reach() -> str:
        raise AssertionError("nobody is let in")

    for steps in (way.entrance.let_in(reach), way.entrance.dial(is_own=False)):
        with pytest.raises(DeadlineError):
            await steps


async def test_a_save_waits_for_as_long_as_it_takes_or_until_the_session_ends() -> None:
    way = Way()
    waiting = spawn(way.entrance.whole(), name="waiting")
    await turns()
    assert not waiting.done()
    way.side.end()
    await asyncio.wait_for(waiting, 5)


async def _until(question: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not question():
            await asyncio.sleep(0.001)
