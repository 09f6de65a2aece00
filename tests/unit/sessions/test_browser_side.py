import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import ConflictError
from cloche.sessions import browser_side as module
from cloche.sessions.agent_news import BrowserNews
from cloche.sessions.browser_side import BrowserSide
from cloche.sessions.events import Data
from cloche.sessions.model import EventType
from cloche.wire.messages import BrowserState


class Owner:
    def __init__(self) -> None:
        self.events: list[tuple[EventType, Data]] = []
        self.sent_home: list[str] = []
        self.gone = asyncio.Event()
        self.exits = self.restarts = 0
        self.gave_up = False

    def report(self, type_: EventType, data: Data) -> None:
        self.events.append((type_, data))

    def clients_must_go(self, reason: str) -> None:
        self.sent_home.append(reason)
        self.gone.set()

    def browser_is_up(self, news: BrowserNews) -> Data:
        return {"product": news.product}

    def browser_is_down(self, news: BrowserNews) -> None:
        self.exits += 1

    def browser_restarts(self, restarts: int) -> None:
        self.restarts = restarts

    def browser_gave_up(self, news: BrowserNews) -> None:
        self.gave_up = True


def make() -> tuple[BrowserSide, Owner]:
    owner = Owner()
    return BrowserSide(owner), owner


def news(state: BrowserState, reason: str = "", restarts: int = 0) -> BrowserNews:
    return BrowserNews(state=state, reason=reason, restarts=restarts)


READY, STOPPED = news(BrowserState.READY), news(BrowserState.STOPPED)
ASKED = news(BrowserState.EXITED, "stopped")


async def test_a_dial_waits_for_a_browser_and_passes_once_there_is_one() -> None:
    side, owner = make()
    waiting = spawn(side.ready(), name="dial")
    await asyncio.sleep(0)
    assert not waiting.done()
    side.take(READY)
    await asyncio.wait_for(waiting, 5)
    side.take(READY)
    assert owner.events == [(EventType.BROWSER_READY, {"product": ""})], "told once"


async def test_a_crash_sends_everyone_home_at_once_and_the_restart_says_why() -> None:
    side, owner = make()
    side.take(READY)
    side.take(news(BrowserState.EXITED, "crashed"))
    assert owner.sent_home == ["browser_restarting"]
    side.take(news(BrowserState.RESTARTING, restarts=3))
    side.take(news(BrowserState.STARTING))
    assert owner.sent_home == ["browser_restarting"], "once"
    assert owner.restarts == 3
    assert owner.events[-1] == (EventType.BROWSER_RESTARTING, {"restarts": 3, "reason": "crashed"})
    side.end()


async def test_a_stop_on_request_says_so_to_clients_and_refuses_dials() -> None:
    side, owner = make()
    side.take(READY)
    side.take(ASKED)
    assert owner.sent_home == [], "it is not known yet whether it comes again"
    waiting = spawn(side.ready(), name="dial")
    await asyncio.sleep(0)
    side.take(STOPPED)
    assert owner.sent_home == ["browser_stopped"]
    with pytest.raises(ConflictError) as refused:
        await asyncio.wait_for(waiting, 5)
    assert refused.value.fields["reason"] == "browser_stopped"
    await asyncio.wait_for(side.settled(), 5)
    side.take(STOPPED)
    assert [type_ for type_, _ in owner.events].count(EventType.BROWSER_STOPPED) == 1
    side.take(READY)
    await asyncio.wait_for(side.ready(), 5)


async def test_who_dials_while_a_browser_is_stopped_for_a_moment_waits_for_it() -> None:
    side, owner = make()
    side.take(READY)
    side.expect(is_expected=True)
    for told in (ASKED, STOPPED):
        side.take(told)
    dial = spawn(side.ready(), name="dial")
    await asyncio.sleep(0)
    assert not dial.done()
    assert owner.sent_home == ["browser_restarting"]
    assert EventType.BROWSER_STOPPED not in [type_ for type_, _ in owner.events]
    side.take(READY)
    await asyncio.wait_for(dial, 5)
    side.expect(is_expected=False)
    for told in (ASKED, STOPPED):
        side.take(told)
    with pytest.raises(ConflictError):
        await side.ready()


async def test_a_browser_at_rest_until_its_profile_is_there_is_waited_for_and_no_stop_is_told() -> None:
    side, owner = make()
    side.take(news(BrowserState.STOPPED, "at_rest"))
    waiting = spawn(side.ready(), name="dial")
    settled = spawn(side.settled(), name="settled")
    side.take(news(BrowserState.STARTING))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert not settled.done()
    side.take(READY)
    await asyncio.wait_for(asyncio.gather(waiting, settled), 5)
    assert [type_ for type_, _ in owner.events] == [EventType.BROWSER_READY]
    assert owner.sent_home == []


@pytest.mark.parametrize("state", [BrowserState.STARTING, BrowserState.READY, BrowserState.RESTARTING])
async def test_a_restart_on_request_sends_clients_home_to_dial_again(state: BrowserState) -> None:
    side, owner = make()
    side.take(READY)
    side.take(ASKED)
    side.take(news(state))
    assert owner.sent_home == ["browser_restarting"]


async def test_a_restart_on_request_is_told_with_its_reason_and_sends_clients_home_at_once() -> None:
    side, owner = make()
    side.take(READY)
    side.take(news(BrowserState.EXITED, "restart_asked"))
    assert owner.sent_home == ["browser_restarting"]
    assert owner.events[-1] == (EventType.BROWSER_RESTARTING, {"restarts": 0, "reason": "restart_asked"})
    side.end()


async def test_clients_do_not_wait_long_to_learn_what_was_intended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INTENT_WAIT_S", 0.01)
    side, owner = make()
    side.take(READY)
    side.take(ASKED)
    await asyncio.wait_for(owner.gone.wait(), 5)
    side.take(STOPPED)
    assert owner.sent_home == ["browser_restarting"]


async def test_after_the_end_nobody_waits_and_no_news_counts() -> None:
    side, owner = make()
    waiting = spawn(side.ready(), name="dial")
    await asyncio.sleep(0)
    side.take(ASKED)
    side.end()
    side.end()
    await asyncio.wait_for(waiting, 5)
    before = list(owner.events)
    side.take(STOPPED)
    side.take(news(BrowserState.EXITED, "crashed"))
    assert (owner.events, owner.sent_home) == (before, [])


@given(st.lists(st.sampled_from(list(BrowserState)), max_size=20), st.sampled_from(["stopped", "crashed", ""]))
def test_whatever_an_agent_tells_a_dial_passes_only_where_the_last_word_lets_it(
    states: list[BrowserState], reason: str
) -> None:
    async def tell() -> None:
        side, owner = make()
        for state in states:
            side.take(news(state, reason))
        told = [state for state in states if state is not BrowserState.GAVE_UP]
        last = told[-1] if told else BrowserState.STARTING
        dial = spawn(side.ready(), name="dial")
        await asyncio.sleep(0)
        assert dial.done() == (last in (BrowserState.READY, BrowserState.STOPPED))
        if dial.done():
            assert (dial.exception() is None) == (last is BrowserState.READY)
        await cancel_and_wait(dial)
        assert len(owner.sent_home) <= owner.exits
        side.end()

    asyncio.run(tell())
