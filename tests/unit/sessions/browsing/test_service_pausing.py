import asyncio
from collections.abc import Callable
from dataclasses import replace

from cloche.browser.call import Call
from cloche.browser.contract.actions import ClickRequest, ClickResponse
from cloche.browser.contract.looking import GetTitleRequest, GetTitleResponse
from cloche.concurrency.tasks import spawn
from cloche.sessions.model import EventType
from cloche.testing.browsing import Bench
from cloche.testing.session_world import ANN
from cloche.testing.sessions import BUDGET, make_options, make_session

MakeBench = Callable[..., Bench]


async def click(call: Call, request: ClickRequest) -> ClickResponse:
    return ClickResponse(x=1.0)


async def title(call: Call, request: GetTitleRequest) -> GetTitleResponse:
    return GetTitleResponse(title="Cart")


async def test_while_a_person_has_control_actions_fail_in_their_time_and_looking_goes_on(make_bench: MakeBench) -> None:
    session = make_session(options=make_options(budget=replace(BUDGET, action_timeout_ms=50)))
    bench = make_bench({ClickRequest: click, GetTitleRequest: title}, session=session)
    bench.service.pausing.pause()
    answer = await bench.service.perform(ANN, ClickRequest())
    assert (answer.success, answer.error) == (False, "paused_by_viewer")
    assert bench.service.usage().actions == 0, "nothing of the budget is taken"
    assert [type_ for type_, _ in bench.owner.reported] == [EventType.BROWSER_ACTION]
    assert (await bench.service.perform(ANN, GetTitleRequest())).success

    bench.service.pausing.resume()
    assert (await bench.service.perform(ANN, ClickRequest())).success
    assert bench.service.usage().actions == 1


async def test_an_action_that_waits_is_done_when_control_is_given_back(make_bench: MakeBench) -> None:
    session = make_session(options=make_options(budget=replace(BUDGET, action_timeout_ms=30_000)))
    bench = make_bench({ClickRequest: click}, session=session)
    bench.service.pausing.pause()
    waiting = spawn(bench.service.perform(ANN, ClickRequest()), name="clicks")
    while bench.owner.users == 0 or not bench.opened:
        await asyncio.sleep(0)
    bench.service.pausing.resume()
    async with asyncio.timeout(20):
        assert (await waiting).success


async def test_whoever_watches_hears_which_tab_is_chosen(make_bench: MakeBench) -> None:
    bench = make_bench({ClickRequest: click})
    assert bench.service.connected is None
    await bench.service.perform(ANN, ClickRequest())
    assert bench.service.connected is bench.browser  # type: ignore[comparison-overlap]
    assert bench.browser.when_active == bench.service.pausing.tab_chosen  # type: ignore[attr-defined]
