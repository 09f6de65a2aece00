import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from cloche.browser.call import Blocked, Call, Limits
from cloche.browser.contract.actions import ClickRequest, ClickResponse, DialogRequest, DialogResponse, TypeRequest
from cloche.browser.contract.common import ActionError, ActionLogEntry, BrowserRequest, Failure
from cloche.browser.contract.logs import ActionLogRequest, ActionLogResponse
from cloche.browser.contract.looking import GetTitleRequest, GetTitleResponse
from cloche.browser.contract.pages import NavigateRequest, NavigateResponse
from cloche.browser.contract.state import InspectSessionRequest, InspectSessionResponse
from cloche.browser.contract.tabs import BrowserTab, CloseTabRequest, CloseTabResponse, OpenTabRequest, OpenTabResponse
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.egress.policy import RefusalReason
from cloche.egress.refusals import Refusal
from cloche.errors import AgentError, BusyError, ConflictError, GoneError
from cloche.sessions.browsing import service as service_module
from cloche.sessions.browsing.service import MAX_CALLS
from cloche.sessions.model import EventType, Session, SessionUsage
from cloche.testing.browsing import Bench
from cloche.testing.session_world import ANN
from cloche.testing.sessions import BUDGET, make_options, make_session

MakeBench = Callable[..., Bench]


def allowing(*domains: str, **budget: Any) -> Session:
    options = make_options(budget=replace(BUDGET, **budget), action_allowed_domains=domains)
    return make_session(options=options)


async def click(call: Call, request: ClickRequest) -> ClickResponse:
    return ClickResponse(x=1.0)


async def covered(call: Call, request: ClickRequest) -> ClickResponse:
    raise ActionError(Failure.COVERED, "a dialog is above it" + "." * 600, rule="r")


async def navigate(call: Call, request: NavigateRequest) -> NavigateResponse:
    call.tab.url = request.url  # type: ignore[misc]
    return NavigateResponse(final_url=request.url)


async def title(call: Call, request: GetTitleRequest) -> GetTitleResponse:
    return GetTitleResponse(title="Cart")


async def forever(call: Call, request: BrowserRequest) -> ClickResponse:
    await asyncio.Event().wait()
    raise AssertionError("it ended")


def perform(bench: Bench, request: BrowserRequest) -> Awaitable[Any]:
    return asyncio.wait_for(bench.service.perform(ANN, request), 5)


def log_of(bench: Bench) -> list[ActionLogEntry]:
    return list(bench.service._action_log.read()[0])


async def test_an_action_is_done_counted_logged_and_told(make_bench: MakeBench) -> None:
    bench = make_bench({ClickRequest: click})
    answer = await perform(bench, ClickRequest(selector="#save"))

    assert (answer.success, answer.x, answer.usage.actions, answer.usage.actions_left) == (True, 1.0, 1, 9_999)
    assert (answer.usage.tabs, answer.usage.tabs_left) == (2, 30)
    assert answer.action_log == log_of(bench)[0]
    assert (answer.action_log.outcome, answer.action_log.attempts, answer.action_log.tab_id) == ("ok", 1, "T1")
    assert (answer.action_log.page_url, answer.action_log.principal) == ("https://shop.test/cart", "ann")
    told = {"by": "ann", "action": "click", "success": True, "error": "", "tab": "T1"}
    assert bench.owner.published == [(EventType.BROWSER_ACTION, told)]
    labels = {"action": "click", "outcome": "ok"}
    assert bench.metrics.registry.get_sample_value("cloche_browser_actions_total", labels) == 1


async def test_looking_takes_nothing_from_the_budget_and_tells_what_is_left(make_bench: MakeBench) -> None:
    bench = make_bench({GetTitleRequest: title}, session=allowing("other.test", actions=1))
    for _ in range(3):
        answer = await perform(bench, GetTitleRequest(tab_id="T2"))

    assert (answer.title, answer.usage.actions_left) == ("Cart", 1)
    assert log_of(bench) == [] and bench.owner.published == []


async def test_what_fails_in_the_page_is_an_answer_of_the_use_cases_own_type(make_bench: MakeBench) -> None:
    bench = make_bench({ClickRequest: covered})
    answer = await perform(bench, ClickRequest())

    assert isinstance(answer, ClickResponse)
    assert (answer.success, answer.error, answer.rule, len(answer.detail)) == (False, "covered", "r", 512)
    assert (answer.usage.actions, answer.action_log.outcome, answer.action_log.attempts) == (1, "covered", 1)
    assert bench.owner.published[0][1] == {"by": "ann", "action": "click", "success": False} | {
        "error": "covered",
        "tab": "T1",
    }


async def test_a_tab_that_is_not_there_is_an_answer_too(make_bench: MakeBench) -> None:
    bench = make_bench({ClickRequest: click})

    assert (await perform(bench, ClickRequest(tab_id="T9"))).error == "tab_not_found"
    assert bench.service.usage().actions == 0


@pytest.mark.promise("a-spent-budget-says-so")
async def test_an_exhausted_budget_refuses_actions_and_still_lets_look(make_bench: MakeBench) -> None:
    bench = make_bench(
        {ClickRequest: click, GetTitleRequest: title, OpenTabRequest: click}, session=allowing(actions=2)
    )
    assert (await perform(bench, ClickRequest())).success
    assert (await perform(bench, ClickRequest())).success
    assert bench.owner.exhausted == [], "the last action is no refusal"
    for request in (ClickRequest(), OpenTabRequest()):
        answer = await perform(bench, request)
        assert (answer.success, answer.error) == (False, "budget_exhausted")
        assert (answer.usage.actions, answer.usage.actions_left) == (2, 0)
    assert bench.owner.exhausted == ["actions", "actions"]
    assert (await perform(bench, GetTitleRequest())).success

    assert [entry.outcome for entry in log_of(bench)] == ["ok", "ok", "budget_exhausted", "budget_exhausted"]
    assert log_of(bench)[2].attempts == 0
    assert (len(bench.owner.published), len(bench.owner.reported)) == (2, 2), "refusals come at any rate"


async def test_a_session_without_actions_opens_no_browser_for_one(make_bench: MakeBench) -> None:
    spent = replace(allowing(actions=5), usage=SessionUsage(actions=5))
    bench = make_bench({ClickRequest: click}, session=spent)

    assert (await perform(bench, ClickRequest())).error == "budget_exhausted"
    assert bench.owner.dials == 0
    assert bench.service.actions_taken == 5


@pytest.mark.promise("a-spent-budget-says-so")
async def test_too_fast_is_refused_until_the_window_has_room(make_bench: MakeBench) -> None:
    bench = make_bench({ClickRequest: click}, session=allowing(actions_per_window=3, action_window_ms=2000))
    answers = await asyncio.gather(*(perform(bench, ClickRequest()) for _ in range(8)))

    assert sorted(answer.error for answer in answers) == [""] * 3 + ["rate_limited"] * 5
    assert answers[-1].usage.window_resets_in_ms == 2000
    assert "2000 ms" in answers[-1].detail
    bench.clock.advance(2)
    assert (await perform(bench, ClickRequest())).usage.actions == 4
    assert bench.owner.exhausted == []


async def test_only_on_allowed_domains_is_acted_and_only_to_them_is_navigated(make_bench: MakeBench) -> None:
    bench = make_bench({ClickRequest: click, NavigateRequest: navigate}, session=allowing("shop.test"))
    assert (await perform(bench, ClickRequest())).success
    answer = await perform(bench, NavigateRequest(url="https://evil.test/?token=hunter2"))
    assert (answer.error, answer.rule) == ("domain_not_allowed", "action_allowed_domains")
    bench.browser.tabs["T1"].url = "https://evil.test/"

    assert (await perform(bench, ClickRequest())).error == "domain_not_allowed"
    assert (await perform(bench, NavigateRequest(url="https://www.shop.test/"))).usage.actions == 2
    assert [entry.outcome for entry in log_of(bench)] == ["ok", "domain_not_allowed", "domain_not_allowed", "ok"]
    assert log_of(bench)[-1].page_url == "https://www.shop.test/"
    assert "hunter2" not in repr(log_of(bench))


async def test_ten_first_calls_share_one_browser_and_a_restart_makes_another(make_bench: MakeBench) -> None:
    bench = make_bench({ClickRequest: click, GetTitleRequest: title})
    assert bench.owner.dials == 0
    await asyncio.gather(*(perform(bench, GetTitleRequest()) for _ in range(10)))
    assert len(bench.opened) == bench.owner.dials == 1

    bench.browser.is_closed = True
    await perform(bench, GetTitleRequest())
    bench.service.browser_went()
    assert bench.browser.is_closed
    await perform(bench, GetTitleRequest())
    assert len(bench.opened) == 3


async def test_a_browser_that_goes_while_it_is_opened_is_an_answer_and_one_that_is_stopped_an_error(
    make_bench: MakeBench,
) -> None:
    bench = make_bench({ClickRequest: click})
    bench.open_fails.append(ActionError(Failure.BROWSER_RESTARTED, "the browser went away; try again"))
    assert (await perform(bench, ClickRequest())).error == "browser_restarted"

    bench.owner.dial_fails.append(ConflictError("the browser was stopped", reason="browser_stopped"))
    with pytest.raises(ConflictError):
        await perform(bench, ClickRequest())
    assert [entry.outcome for entry in log_of(bench)] == ["browser_restarted", "conflict"]
    assert bench.service.usage().actions == 0


async def test_when_the_session_is_left_what_is_under_way_says_so_and_nothing_new_begins(
    make_bench: MakeBench,
) -> None:
    async def went(call: Call, request: GetTitleRequest) -> GetTitleResponse:
        try:
            await asyncio.Event().wait()
        finally:
            raise ActionError(Failure.BROWSER_RESTARTED, "the browser went away")

    bench = make_bench({ClickRequest: forever, GetTitleRequest: went})
    calls = [spawn(bench.service.perform(ANN, request), name="call") for request in (ClickRequest(), GetTitleRequest())]
    waiting = spawn(bench.service.perform(ANN, ClickRequest()), name="waiting")
    while bench.service.usage().actions == 0:
        await asyncio.sleep(0)
    bench.owner.stopping = True
    bench.service.give_up()
    for call in (*calls, waiting):
        with pytest.raises(GoneError):
            await asyncio.wait_for(call, 5)
    with pytest.raises(GoneError):
        await perform(bench, ClickRequest())
    await bench.service.close()
    assert bench.owner.published == bench.owner.reported == [], "a session that is left tells of its end alone"
    assert bench.browser.is_closed
    assert bench.owner.users == 0


async def test_what_hangs_ends_with_a_timeout(make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "GRACE_S", 0.0)
    bench = make_bench({ClickRequest: forever, TypeRequest: forever})
    answer = await perform(bench, ClickRequest(timeout_ms=10))

    assert (answer.success, answer.error) == (False, "timeout")


async def test_a_deadline_is_the_smaller_of_the_requests_and_the_budgets(make_bench: MakeBench) -> None:
    left = list[float]()

    async def measure(call: Call, request: ClickRequest) -> ClickResponse:
        left.append(call.deadline - asyncio.get_running_loop().time())
        return ClickResponse()

    bench = make_bench({ClickRequest: measure}, session=allowing(action_timeout_ms=2000))
    for asked in (0, 500, 600_000):
        await perform(bench, ClickRequest(timeout_ms=asked))

    for found, most in zip(left, (2.0, 0.5, 2.0), strict=True):
        assert most - 0.4 < found <= most


async def test_actions_on_one_tab_follow_each_other_and_a_dialogs_answer_does_not_wait(make_bench: MakeBench) -> None:
    under_way = asyncio.Semaphore(0)
    closed, most, now = asyncio.Event(), 0, 0

    async def held_up(call: Call, request: ClickRequest) -> ClickResponse:
        nonlocal most, now
        now += 1
        most = max(most, now)
        under_way.release()
        await closed.wait()
        now -= 1
        return ClickResponse()

    async def answer(call: Call, request: DialogRequest) -> DialogResponse:
        closed.set()
        return DialogResponse()

    bench = make_bench({ClickRequest: held_up, DialogRequest: answer, GetTitleRequest: title})
    clicks = [spawn(bench.service.perform(ANN, ClickRequest(tab_id="T1")), name="click") for _ in range(3)]
    await asyncio.wait_for(under_way.acquire(), 5)
    assert (await perform(bench, GetTitleRequest())).success
    other = spawn(bench.service.perform(ANN, ClickRequest(tab_id="T2")), name="other")
    await asyncio.wait_for(under_way.acquire(), 5)
    assert most == 2, "another tab does not wait"
    assert bench.service.usage().actions == 2, "who waits has taken nothing yet"

    assert (await perform(bench, DialogRequest(tab_id="T1"))).success
    await asyncio.wait_for(asyncio.gather(*clicks, other), 5)
    assert most == 2
    assert bench.service.usage().actions == 5


async def test_where_an_earlier_action_leads_decides_over_the_next(make_bench: MakeBench) -> None:
    go = asyncio.Event()

    async def leads_away(call: Call, request: TypeRequest) -> ClickResponse:
        await go.wait()
        call.tab.url = "https://evil.test/"  # type: ignore[misc]
        return ClickResponse()

    bench = make_bench({TypeRequest: leads_away, ClickRequest: click}, session=allowing("shop.test"))
    first = spawn(bench.service.perform(ANN, TypeRequest()), name="first")
    while bench.service.usage().actions == 0:
        await asyncio.sleep(0)
    second = spawn(bench.service.perform(ANN, ClickRequest()), name="second")
    await asyncio.sleep(0)
    go.set()
    await asyncio.wait_for(first, 5)

    assert (await asyncio.wait_for(second, 5)).error == "domain_not_allowed"


async def test_more_calls_than_may_wait_are_refused(make_bench: MakeBench) -> None:
    bench = make_bench({GetTitleRequest: forever})
    calls = [spawn(bench.service.perform(ANN, GetTitleRequest()), name="call") for _ in range(MAX_CALLS)]
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await perform(bench, GetTitleRequest())
    assert bench.owner.users == MAX_CALLS

    await cancel_and_wait(*calls)
    assert bench.owner.users == 0


async def test_who_hangs_up_ends_the_action_which_stays_counted(make_bench: MakeBench) -> None:
    bench = make_bench({ClickRequest: forever})
    call = spawn(bench.service.perform(ANN, ClickRequest()), name="call")
    while bench.service.usage().actions == 0:
        await asyncio.sleep(0)
    await cancel_and_wait(call)

    assert call.cancelled()
    assert [entry.outcome for entry in log_of(bench)] == ["cancelled"]


async def test_what_nobody_expected_is_logged_and_raised(make_bench: MakeBench) -> None:
    async def broken(call: Call, request: ClickRequest) -> ClickResponse:
        raise KeyError("who knows")

    async def unreachable(call: Call, request: GetTitleRequest) -> GetTitleResponse:
        raise OSError("no route")

    bench = make_bench({ClickRequest: broken, GetTitleRequest: unreachable})
    with capture_logs() as logs, pytest.raises(KeyError):
        await perform(bench, ClickRequest())
    assert [entry["event"] for entry in logs] == ["browser_call_broke"]
    assert [entry.outcome for entry in log_of(bench)] == ["internal"]
    with pytest.raises(AgentError):
        await perform(bench, GetTitleRequest())


Picture = Callable[[Any, Limits, int], Awaitable[tuple[bytes, str]]]


def picture_of(size: int | None = None) -> Picture:
    async def picture(tab: Any, limits: Limits, max_bytes: int) -> tuple[bytes, str]:
        return b"p" * (max_bytes if size is None else size), "image/jpeg"

    return picture


async def test_a_failure_brings_its_picture_where_that_was_asked_for(make_bench: MakeBench) -> None:
    wanting = ClickRequest(capture_failure_screenshot=True, max_failure_screenshot_bytes=100)
    session = allowing("shop.test", screenshot_bytes=50)
    bench = make_bench({ClickRequest: covered}, session=session, picture=picture_of())

    answer = await perform(bench, wanting)
    assert (len(answer.failure_screenshot_bytes), answer.failure_screenshot_mime_type) == (50, "image/jpeg")
    assert (await perform(bench, ClickRequest())).failure_screenshot_bytes == b""
    bench.browser.tabs["T1"].url = "https://evil.test/"
    assert (await perform(bench, wanting)).failure_screenshot_bytes == b"", "a refusal has no picture"


async def test_a_picture_that_is_too_large_or_cannot_be_had_is_left_out(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanting = ClickRequest(capture_failure_screenshot=True)
    large = make_bench({ClickRequest: covered}, session=allowing(screenshot_bytes=50), picture=picture_of(51))
    assert (await perform(large, wanting)).failure_screenshot_bytes == b""

    async def broken(tab: Any, limits: Limits, max_bytes: int) -> tuple[bytes, str]:
        raise ActionError(Failure.PAGE_CRASHED, "there is nothing to see")

    missing = make_bench({ClickRequest: covered}, picture=broken)
    answer = await perform(missing, wanting)
    assert (answer.error, answer.failure_screenshot_bytes) == ("covered", b"")

    async def slow(tab: Any, limits: Limits, max_bytes: int) -> tuple[bytes, str]:
        await asyncio.Event().wait()
        raise AssertionError("it ended")

    monkeypatch.setattr(service_module, "PICTURE_WAIT_S", 0.01)
    assert (await perform(make_bench({ClickRequest: covered}, picture=slow), wanting)).error == "covered"


async def test_an_answer_that_tells_its_own_failure_keeps_the_rest_of_it(make_bench: MakeBench) -> None:
    async def half(call: Call, request: OpenTabRequest) -> OpenTabResponse:
        assert call.selected is None
        tab = BrowserTab(tab_id="T3", url="https://slow.test/")
        return OpenTabResponse(success=False, error="timeout", detail="too slow", status_code=200, tab=tab)

    bench = make_bench({OpenTabRequest: half})
    answer = await perform(bench, OpenTabRequest())

    assert (answer.error, answer.status_code, answer.usage.actions) == ("timeout", 200, 1)
    (entry,) = log_of(bench)
    assert (entry.action_name, entry.outcome, entry.error) == ("open_tab", "timeout", "too slow")
    assert (entry.tab_id, entry.page_url) == ("T3", "https://slow.test/")


async def test_a_tab_that_was_closed_or_switched_to_is_named_and_one_that_never_was_is_not(
    make_bench: MakeBench,
) -> None:
    async def close(call: Call, request: CloseTabRequest) -> CloseTabResponse:
        return CloseTabResponse(closed_tab_id=request.tab_id)

    bench = make_bench({CloseTabRequest: close})
    for tab_id in ("T2", "nowhere", ""):
        await perform(bench, CloseTabRequest(tab_id=tab_id))

    assert [entry.tab_id for entry in log_of(bench)] == ["T2", "", ""]
    assert [data["tab"] for _, data in bench.owner.published if data] == ["T2", "", ""]


async def test_the_action_log_is_answered_without_a_browser(make_bench: MakeBench) -> None:
    bench = make_bench({ClickRequest: covered}, session=allowing(action_log_entries=2))
    for _ in range(3):
        await perform(bench, ClickRequest())
    bench.service.browser_went()
    answer = await perform(bench, ActionLogRequest(limit=1))

    assert isinstance(answer, ActionLogResponse)
    assert (len(answer.entries), answer.truncated, answer.dropped) == (1, True, 1)
    assert answer.usage.actions == 3
    assert bench.owner.dials == 1


@pytest.mark.parametrize(
    ("request_", "entries"),
    [
        (InspectSessionRequest(), 3),
        (InspectSessionRequest(include_action_log=True), 3),
        (InspectSessionRequest(include_action_log=True, max_action_log_entries=2), 2),
        (InspectSessionRequest(include_cookies=True), 0),
    ],
)
async def test_an_inspection_holds_the_action_log_where_that_is_wanted(
    make_bench: MakeBench, request_: InspectSessionRequest, entries: int
) -> None:
    async def inspect(call: Call, request: InspectSessionRequest) -> InspectSessionResponse:
        return InspectSessionResponse(page_url="u")

    bench = make_bench({ClickRequest: click, InspectSessionRequest: inspect})
    for _ in range(3):
        await perform(bench, ClickRequest())
    answer = await perform(bench, request_)

    assert (len(answer.action_log), answer.action_log_truncated, answer.page_url) == (entries, entries == 2, "u")


async def test_what_the_gateway_refused_is_known_to_the_browser(make_bench: MakeBench) -> None:
    bench = make_bench({GetTitleRequest: title})
    await perform(bench, GetTitleRequest())
    reason = next(iter(RefusalReason))
    bench.service.refused(Refusal("evil.test", 443, reason, "evil.test"))

    assert bench.browser.why_blocked("evil.test", 443) == Blocked(str(reason), "evil.test")
    bench.clock.advance(61)
    assert bench.browser.why_blocked("evil.test", 443) is None


async def test_what_is_typed_stands_nowhere(make_bench: MakeBench) -> None:
    async def type_(call: Call, request: TypeRequest) -> ClickResponse:
        raise ActionError(Failure.NOT_EDITABLE, "it takes no text")

    bench = make_bench({TypeRequest: type_})
    await perform(bench, TypeRequest(selector="#pin", text="hunter2"))

    assert "hunter2" not in repr(log_of(bench)) + repr(bench.owner.published)
