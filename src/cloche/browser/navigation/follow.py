"""Beginning a navigation and waiting for where it leads."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Literal
from urllib.parse import urldefrag

import msgspec

from cloche.browser.call import Call
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.contract.pages import NavigateResponse, WaitUntil
from cloche.browser.devtools.codec import Json, read
from cloche.browser.devtools.errors import DevToolsError, RefusedError
from cloche.browser.frame import told
from cloche.browser.main_thread import make_leavable, releasing
from cloche.browser.navigation.failures import why_failed
from cloche.browser.navigation.journey import ABORTED, Journey
from cloche.browser.navigation.redirects import limited_redirects
from cloche.browser.tab import OnEvent, Tab
from cloche.browser.titles import TitleAtLoad

ERROR_PAGE_S: Final = 1.0
"""How long is waited for Chromium's own page about a failure: what is done next should not meet the old one."""
_STATUS_WITHOUT_BODY: Final = "net::ERR_HTTP_RESPONSE_CODE_FAILURE"
Begin = Literal["Page.navigate", "Page.navigateToHistoryEntry", "Page.reload"]


class _Begun(msgspec.Struct):
    """CDP Page.navigate's answer; empty for the others."""

    loaderId: str = ""
    errorText: str = ""
    isDownload: bool = False


async def follow(
    call: Call, method: Begin, params: Json, *, wait_until: WaitUntil, max_redirects: int | None = None
) -> NavigateResponse:
    """Carry out one navigation. Where it fails, the answer says so beside what is known of it.

    A page that goes to itself again and again may have begun to do so just before it is left, and Chromium then shows
    it once more after what was asked for. That is gone to again, this time with the old page kept from coming back.

    Raises:
        ActionError: the tab is gone, its page crashed, or the browser went away.
    """
    answer, overtaken = await _once(call, method, params, wait_until, max_redirects)
    if overtaken and method == "Page.navigate" and asyncio.get_running_loop().time() < call.deadline:
        left, _ = urldefrag(call.tab.url)
        if left != urldefrag(str(params["url"])).url:
            answer, _ = await _once(call, method, params, wait_until, max_redirects, keep_away=left)
    return answer


async def _once(
    call: Call, method: Begin, params: Json, wait_until: WaitUntil, max_redirects: int | None, *, keep_away: str = ""
) -> tuple[NavigateResponse, bool]:
    """Return also whether the page that was left has come back."""
    tab = call.tab
    loop = asyncio.get_running_loop()
    knows_own = method == "Page.navigate"
    journey = Journey(tab.id, loop.time, call.limits.response_bytes, knows_own=knows_own, left_url=tab.url)
    with tab.dismissing_dialogs():
        await make_leavable(tab, call.deadline)
        titled = TitleAtLoad(tab)
        with _revivable(tab, journey), tab.listening(_listeners(journey)), tab.listening(titled.listeners):
            async with limited_redirects(tab, journey, max_redirects, call.deadline, keep_away=keep_away):
                begun = tab.session.begin(method, params, held_up=False)
                try:
                    answer = await _arrive(call, journey, begun, wait_until or "load")
                    if answer.success:
                        answer = replace(answer, title=await titled.title(call.limits.title_bytes, call.deadline))
                    return answer, journey.overtaken
                except DevToolsError as error:
                    raise told(error) from None
                finally:
                    begun.cancel()


async def _arrive(
    call: Call, journey: Journey, begun: "asyncio.Future[msgspec.Raw]", wait_until: WaitUntil
) -> NavigateResponse:
    tab = call.tab
    answers: list[_Begun] = []
    refusals: list[DevToolsError] = []
    begun.add_done_callback(lambda done: _begun(tab, journey, done, answers, refusals))

    def is_over() -> bool:
        return bool(refusals) or _stays(journey, answers) or journey.is_over(wait_until)

    # Once the server has answered, DevTools speaks with the new document's process, and the old page is out of reach.
    async with releasing(tab, lambda: journey.has_answer):
        in_time = await tab.until(is_over, call.deadline)
    if refusals:
        raise _refusal(refusals[0])
    if not in_time:
        tab.session.notify("Page.stopLoading")
        return _answer(call, journey, Failure.TIMEOUT, _how_far(journey, wait_until))
    if not journey.has_failed:
        return _answer(call, journey)
    if journey.refused or journey.too_large:
        tab.session.notify("Page.stopLoading")
    elif not journey.overtaken and journey.current is not None and journey.current.error != ABORTED:
        # Chromium shows a page of its own about it, also for a status that came without one.
        await tab.until(
            lambda: journey.error_page, min(call.deadline, asyncio.get_running_loop().time() + ERROR_PAGE_S)
        )
        if journey.current.error == _STATUS_WITHOUT_BODY:
            return _answer(call, journey)
    if answers and answers[0].isDownload:
        return _answer(call, journey, Failure.BECAME_DOWNLOAD, "the address is a file, which is downloaded")
    return _answer(call, journey, *why_failed(call, journey))


def _begun(
    tab: Tab,
    journey: Journey,
    done: "asyncio.Future[msgspec.Raw]",
    answers: list[_Begun],
    refusals: list[DevToolsError],
) -> None:
    """The answer to the call itself is there: take it as one more event."""
    if done.cancelled():
        return
    error = done.exception()
    if isinstance(error, DevToolsError):
        refusals.append(error)
    elif error is None:
        try:
            answer = read(done.result(), _Begun)
        except DevToolsError as malformed:
            refusals.append(malformed)
        else:
            answers.append(answer)
            if answer.loaderId:
                journey.set_out(answer.loaderId, answer.errorText)
    tab.tell()


def _stays(journey: Journey, answers: list[_Begun]) -> bool:
    """Whether it led only to another place of the same document, for which Page.navigate names no loader."""
    return journey.within_document and journey.knows_own and bool(answers) and not answers[0].loaderId


def _refusal(error: DevToolsError) -> ActionError:
    if isinstance(error, RefusedError) and "URL" in error.message:
        return ActionError(Failure.INVALID_URL, "the browser does not take this for an address")
    return told(error)


def _how_far(journey: Journey, wait_until: str) -> str:
    if journey.reached:
        return f"the page did not come to {wait_until} in time, only to {journey.reached}"
    trip = journey.current
    if trip is not None and trip.status:
        return f"the server answered {trip.status}, but the page was not shown in time"
    return "the server did not answer in time"


def _answer(call: Call, journey: Journey, error: Failure | None = None, *why: str) -> NavigateResponse:
    detail, rule = (*why, "", "")[:2]
    tab, trip = call.tab, journey.current
    latency_ms = journey.elapsed_ms
    shown = journey.committed or error is None
    status = trip.status if trip is not None else 0
    if journey.refused and journey.redirects:
        status = journey.redirects[-1].status_code
    return NavigateResponse(
        success=error is None,
        error=str(error or ""),
        detail=detail,
        rule=rule,
        final_url=tab.url if trip is None or (shown and not journey.error_page) else trip.url,
        status_code=status,
        body_bytes=journey.body_bytes,
        latency_ms=latency_ms,
        redirects=journey.redirects,
        timing=journey.timing,
        reached=journey.reached,
    )


@contextmanager
def _revivable(tab: Tab, journey: Journey) -> Generator[None]:
    """A page that has crashed is left like any other; it stays crashed where nothing took its place."""
    crashed, tab.crashed = tab.crashed, False
    try:
        yield
    finally:
        if crashed and not journey.committed and not tab.is_gone:
            tab.crashed = True


def _listeners(journey: Journey) -> dict[str, OnEvent]:
    takers: dict[str, Callable[[msgspec.Raw], None]] = {
        "Page.frameStartedNavigating": journey.started,
        "Network.requestWillBeSent": journey.will_be_sent,
        "Network.responseReceived": journey.received,
        "Network.dataReceived": journey.data,
        "Network.loadingFinished": journey.finished,
        "Network.loadingFailed": journey.failed,
        "Page.frameNavigated": journey.navigated,
        "Page.navigatedWithinDocument": journey.within,
        "Page.lifecycleEvent": journey.lifecycle,
    }
    return {method: _without_session(take) for method, take in takers.items()}


def _without_session(take: Callable[[msgspec.Raw], None]) -> OnEvent:
    return lambda session, params: take(params)
