"""A browser that says more than it should, and one that goes away."""

import json
from typing import Any

import msgspec
import pytest

from cloche.browser import main_worlds, session_browser
from cloche.browser import tab as tab_module
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.contract.logs import NetworkLogRequest
from cloche.browser.devtools.session import TargetSession
from cloche.browser.logs.answers import network_log
from cloche.browser.page_events import MAX_TITLE_CHARS, MAX_URL_CHARS
from cloche.browser.session_browser import Browser
from cloche.browser.tab import MAX_MILESTONES, Tab
from cloche.concurrency.tasks import spawn
from cloche.testing.bare_chromium import BareChromium, CallOf, soon

HUGE = "x" * 1_000_000


def say(tab: Tab, method: str, **params: Any) -> None:
    """As if Chromium had told this of the tab."""
    tab.browser._take(tab.session.id, method, msgspec.Raw(json.dumps(params).encode()))


async def test_whoever_waits_hears_that_the_browser_has_gone(chromium: BareChromium) -> None:
    async with chromium.browser() as browser:
        tab = browser.active_tab()
        waiting = spawn(tab.until(lambda: False, soon()), name="until")
        opening = spawn(browser.tab_opened("none", soon()), name="opened")
        assert await tab.until(lambda: tab.is_set_up, soon())
        browser.connection.close()
        for task in (waiting, opening):
            with pytest.raises(ActionError) as gone:
                await task
            assert gone.value.code is Failure.BROWSER_RESTARTED
        with pytest.raises(ActionError) as gone:
            tab.require_no_dialog()
        assert gone.value.code is Failure.BROWSER_RESTARTED


async def test_what_is_kept_of_a_page_is_bounded(tab: Tab) -> None:
    say(tab, "Page.frameNavigated", frame={"id": tab.id, "loaderId": "L", "url": f"http://a/{HUGE}", "name": HUGE})
    assert len(tab.url) == MAX_URL_CHARS
    assert len(tab.main.name) < 10_000
    say(tab, "Page.navigatedWithinDocument", frameId=tab.id, url=f"http://a/#{HUGE}")
    assert len(tab.url) == MAX_URL_CHARS
    for number in range(2 * MAX_MILESTONES):
        say(tab, "Page.lifecycleEvent", frameId=tab.id, loaderId="L", name=f"step {number}")
    assert len(tab.main.reached) == MAX_MILESTONES
    say(tab, "Page.frameAttached", frameId=HUGE, parentFrameId=tab.id)
    assert list(tab.frames) == [tab.id]
    facts = {"targetId": tab.id, "title": HUGE, "type": "page"}
    tab.browser._take("", "Target.targetInfoChanged", msgspec.Raw(json.dumps({"targetInfo": facts}).encode()))
    assert len(tab.title) == MAX_TITLE_CHARS


async def test_frames_in_processes_of_their_own_are_bounded(tab: Tab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tab_module, "MAX_FRAMES", 3)
    for number in range(9):
        facts = {"targetId": f"frame{number}", "type": "iframe"}
        say(tab, "Target.attachedToTarget", sessionId=f"session{number}", targetInfo=facts)
    assert len(tab.session_ids) == 4


async def test_pages_are_watched_up_to_a_bound_and_the_others_let_go(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_browser, "MAX_WATCHED", len(browser.tabs))
    before = set(browser.tabs)
    made = await browser.call("Target.createTarget", {"url": "data:text/html,hello"})
    answer = await browser.call("Target.attachToTarget", {"targetId": made["targetId"], "flatten": True})
    # A page that waits for a debugger answers nothing.
    session = TargetSession(browser.connection, answer["sessionId"], made["targetId"])
    found = await session.call("Runtime.evaluate", {"expression": "6 * 7"}, deadline=soon())
    assert found["result"]["value"] == 42
    assert set(browser.tabs) == before
    await browser.call("Target.closeTarget", {"targetId": made["targetId"]})


async def test_main_worlds_of_frames_that_are_gone_are_forgotten(tab: Tab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_worlds, "MAX_NOTED", 10)
    for number in range(100):
        frame_id = f"frame{number}"
        say(tab, "Page.frameAttached", frameId=frame_id, parentFrameId=tab.id)
        aux = {"isDefault": True, "frameId": frame_id}
        say(tab, "Runtime.executionContextCreated", context={"id": number, "auxData": aux})
        say(tab, "Page.frameDetached", frameId=frame_id)
    assert len(tab.notes["main_worlds"]) <= 10


@pytest.mark.parametrize(
    "event",
    [
        {"wallTime": 1e300},
        {"timestamp": 1e300},
        {"initiator": {"lineNumber": 1e300}},
        {"requestId": HUGE},
        {"frameId": HUGE},
        {"request": {"url": "http://a/", "headers": {"a": [[[]]]}}},
    ],
)
async def test_a_request_with_what_fits_in_no_answer_is_not_logged(
    tab: Tab, call_of: CallOf, event: dict[str, Any]
) -> None:
    request = {"requestId": "1", "frameId": tab.id, "request": {"url": "http://a/"}}
    say(tab, "Network.requestWillBeSent", **{**request, **event})
    assert not (await network_log(call_of(tab), NetworkLogRequest())).entries
    say(tab, "Network.requestWillBeSent", **request)
    assert len((await network_log(call_of(tab), NetworkLogRequest())).entries) == 1
