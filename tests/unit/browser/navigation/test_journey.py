"""Reading a navigation from events, in whatever order Chromium sends them."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cloche.browser.contract.pages import RedirectHop
from cloche.browser.navigation.journey import MAX_ONWARD, Journey

MAIN = "MAIN"
SITE = "http://site.test"


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        self.time += 0.001
        return self.time


def journey(*, knows_own: bool = True, response_bytes: int = 1000) -> Journey:
    return Journey(MAIN, Clock(), response_bytes, knows_own=knows_own)


def raw(**params: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(params).encode())


def sent(loader: str, url: str, *, after: int = 0, frame: str = MAIN) -> msgspec.Raw:
    params: dict[str, Any] = {"requestId": loader, "loaderId": loader, "frameId": frame, "type": "Document"}
    if after:
        params["redirectResponse"] = {"url": f"{url}-before", "status": after}
    return raw(**params, request={"url": url})


def shown(loader: str, url: str, **more: Any) -> msgspec.Raw:
    return raw(frame={"id": MAIN, "loaderId": loader, "url": url}, **more)


def reached(loader: str, name: str) -> msgspec.Raw:
    return raw(frameId=MAIN, loaderId=loader, name=name)


def test_what_is_committed_before_the_answer_says_whose_it_is_counts() -> None:
    one = journey()
    one.will_be_sent(sent("A", SITE))
    one.received(raw(requestId="A", response={"status": 200, "encodedDataLength": 100}))
    one.navigated(shown("A", SITE))
    one.lifecycle(reached("A", "load"))
    assert not one.is_over("load")
    one.set_out("A", "")
    assert one.is_over("load")
    one.finished(raw(requestId="A", encodedDataLength=140))
    assert (one.body_bytes, one.reached, one.timing.load_ms > 0) == (40, "load", True)


def test_the_end_of_what_went_before_is_not_taken_for_its_own() -> None:
    one = journey()
    one.navigated(shown("OLD", "http://old.test"))
    one.lifecycle(reached("OLD", "load"))
    one.failed(raw(requestId="OLD", errorText="net::ERR_ABORTED"))
    one.set_out("A", "")
    assert not one.is_over("commit")


def test_a_page_that_sends_on_is_followed_up_to_a_bound() -> None:
    one = journey()
    one.set_out("0", "")
    for number in range(MAX_ONWARD + 1):
        one.will_be_sent(sent(str(number), f"{SITE}/{number}"))
        one.navigated(shown(str(number), f"{SITE}/{number}"))
        one.lifecycle(reached(str(number - 1), "load"))  # of the page before: too late
        assert not one.is_over("load")
    assert one.redirects[0] == RedirectHop(url=f"{SITE}/0", status_code=0)
    one.navigated(shown("last", SITE))
    assert one.refused
    assert one.is_over("load")


def test_a_page_that_goes_to_itself_again_while_it_is_left_is_told_from_one_that_sends_on() -> None:
    one = Journey(MAIN, Clock(), 1000, knows_own=True, left_url=f"{SITE}/loop")
    one.set_out("A", "")
    one.started(raw(frameId=MAIN, loaderId="LOOP", url=f"{SITE}/loop"))
    one.navigated(shown("A", SITE))
    one.navigated(shown("LOOP", f"{SITE}/loop"))
    assert one.overtaken
    assert one.is_over("load")
    assert one.redirects == []


def test_hops_are_counted_over_redirects_and_pages_that_send_on() -> None:
    one = journey()
    one.will_be_sent(sent("A", SITE))
    assert one.hops_to("A") == 0
    one.will_be_sent(sent("A", f"{SITE}/2", after=302))
    assert one.hops_to("A") == 1
    one.set_out("A", "")
    one.navigated(shown("A", f"{SITE}/2"))
    one.will_be_sent(sent("B", f"{SITE}/3"))
    assert one.hops_to("B") == 2


def test_a_page_out_of_the_back_forward_cache_is_there_at_once() -> None:
    one = journey(knows_own=False)
    one.started(raw(frameId=MAIN, loaderId="NEW", url=SITE))
    one.navigated(shown("OLD", SITE, type="BackForwardCacheRestore"))
    assert one.is_over("networkidle")
    assert one.reached == "networkidle"


def test_an_answer_announced_as_too_long_is_refused_before_it_comes() -> None:
    one = journey()
    one.will_be_sent(sent("A", SITE))
    one.received(raw(requestId="A", response={"status": 200, "headers": {"Content-Length": "1001"}}))
    one.set_out("A", "")
    assert one.too_large


def test_frames_of_the_page_are_no_matter() -> None:
    one = journey(knows_own=False)
    one.will_be_sent(sent("F", SITE, frame="OTHER"))
    one.started(raw(frameId="OTHER", loaderId="F", url=SITE))
    assert one.trips == {}


_LOADERS = st.sampled_from(["A", "B", "C"])
_EVENTS = st.one_of(
    st.tuples(st.just("started"), _LOADERS.map(lambda name: raw(frameId=MAIN, loaderId=name, url=SITE))),
    st.tuples(st.just("will_be_sent"), st.builds(sent, _LOADERS, st.just(SITE), after=st.sampled_from([0, 301]))),
    st.tuples(st.just("received"), _LOADERS.map(lambda name: raw(requestId=name, response={"status": 200}))),
    st.tuples(st.just("data"), _LOADERS.map(lambda name: raw(requestId=name, dataLength=400))),
    st.tuples(st.just("finished"), _LOADERS.map(lambda name: raw(requestId=name, encodedDataLength=40))),
    st.tuples(st.just("failed"), _LOADERS.map(lambda name: raw(requestId=name, errorText="net::ERR_FAILED"))),
    st.tuples(st.just("navigated"), st.builds(shown, _LOADERS, st.just(SITE))),
    st.tuples(st.just("within"), st.just(raw(frameId=MAIN, url=SITE))),
    st.tuples(st.just("lifecycle"), st.builds(reached, _LOADERS, st.sampled_from(["init", "load", "networkIdle"]))),
)


@given(st.lists(_EVENTS, max_size=40), st.booleans(), st.integers(0, 40))
def test_events_in_any_order_are_taken(events: list[tuple[str, msgspec.Raw]], knows_own: bool, at: int) -> None:
    one = journey(knows_own=knows_own)
    for number, (name, params) in enumerate(events):
        if knows_own and number == at:
            one.set_out("A", "")
        getattr(one, name)(params)
        assert one.reached in ("", "commit", "domcontentloaded", "load", "networkidle")
        assert one.body_bytes >= 0
        assert all(one.hops_to(loader) >= 0 for loader in "ABC")
        if one.current is not None and one.current.is_shown:
            assert one.timing.commit_ms >= 0
