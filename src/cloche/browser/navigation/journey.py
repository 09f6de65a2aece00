"""How a tab's main frame gets to another document, read from DevTools' events in order. Pure: the clock is an argument.

A journey follows one navigation, named by Chromium's loader id. Where the document it led to goes on by itself (a
script, a `<meta http-equiv=refresh>`) before it has loaded, the journey goes on with it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from cloche.browser.contract.pages import NavigationTiming, RedirectHop
from cloche.browser.devtools.codec import read
from cloche.browser.page_events import FrameNavigated, Lifecycle, WithinDocument
from cloche.browser.redact.urls import redact_url

LIFECYCLE: Final = {
    "commit": "commit",
    "domcontentloaded": "DOMContentLoaded",
    "load": "load",
    "networkidle": "networkIdle",
}
"""`wait_until`, in the order in which it comes, and DevTools' names."""
ABORTED: Final = "net::ERR_ABORTED"
MAX_ONWARD: Final = 20
"""How often pages may send on the one that was asked for; Chromium's bound for redirects."""


class Started(msgspec.Struct):
    """CDP Page.frameStartedNavigating."""

    frameId: str
    loaderId: str = ""
    url: str = ""


class _Request(msgspec.Struct):
    url: str = ""


class Answer(msgspec.Struct):
    """CDP Network.Response."""

    url: str = ""
    status: int = 0
    headers: dict[str, str] = {}
    encodedDataLength: float = 0


class WillBeSent(msgspec.Struct):
    requestId: str
    loaderId: str = ""
    frameId: str = ""
    type: str = ""
    request: _Request = msgspec.field(default_factory=_Request)
    redirectResponse: Answer | None = None


class Received(msgspec.Struct):
    requestId: str
    response: Answer = msgspec.field(default_factory=Answer)


class Data(msgspec.Struct):
    requestId: str
    dataLength: int = 0


class Finished(msgspec.Struct):
    requestId: str
    encodedDataLength: float = 0


class Failed(msgspec.Struct):
    requestId: str
    errorText: str = ""


@dataclass(slots=True)
class Trip:
    """One navigation request: what came of it so far."""

    loader_id: str
    url: str = ""
    hops: list[RedirectHop] = field(default_factory=list)
    status: int = 0
    head_bytes: int = 0
    received_bytes: int = 0
    """Of the body, unpacked."""
    body_bytes: int = -1
    """As they came over the network; -1 until that is known."""
    error: str = ""
    began_ms: int = -1
    has_asked: bool = False
    """Whether it went over HTTP at all."""
    error_page: bool = False
    """Chromium shows its own page about the failure."""
    response_ms: int = -1
    reached_ms: dict[str, int] = field(default_factory=dict)
    """Lifecycle events of its document; `commit` is the first."""

    @property
    def is_shown(self) -> bool:
        return "commit" in self.reached_ms


@dataclass(slots=True)
class Journey:
    """Fed by whoever follows it. `now` gives seconds; `response_bytes` is how long the answer may be."""

    frame_id: str
    now: Callable[[], float]
    response_bytes: int
    knows_own: bool = False
    """That `set_out` will tell which navigation it is; otherwise it is the first that begins."""
    left_url: str = ""
    """Of the page that is left."""
    began: float = 0.0
    trips: dict[str, Trip] = field(default_factory=dict)
    current: Trip | None = None
    behind: list[RedirectHop] = field(default_factory=list)
    """Hops of pages that have sent on."""
    onward: int = 0
    shown: Trip | None = None
    """The last that was committed, which may be before it is known whose it is: answers and events overtake."""
    within_document: bool = False
    """The document has changed its address and stays."""
    refused: bool = False
    """There was a hop more than the request allows."""
    too_large: bool = False
    overtaken: bool = False
    """The page that was left had begun to go to itself again, and Chromium let that come last."""

    def __post_init__(self) -> None:
        self.began = self.now()

    # --- what it has come to ----------------------------------------------------------------------------------------

    @property
    def elapsed_ms(self) -> int:
        return round((self.now() - self.began) * 1000)

    @property
    def committed(self) -> bool:
        return self.current is not None and self.current.is_shown

    @property
    def has_answer(self) -> bool:
        return self.committed or any(trip.status for trip in self.trips.values())

    @property
    def error_page(self) -> bool:
        return self.current is not None and self.current.error_page

    @property
    def reached_ms(self) -> dict[str, int]:
        return self.current.reached_ms if self.current is not None else {}

    @property
    def redirects(self) -> list[RedirectHop]:
        return [*self.behind, *(self.current.hops if self.current is not None else ())]

    @property
    def timing(self) -> NavigationTiming:
        names = ("commit", "DOMContentLoaded", "load")
        commit, ready, load = (self.reached_ms.get(name, -1) for name in names)
        response = self.current.response_ms if self.current is not None else -1
        return NavigationTiming(response_ms=response, commit_ms=commit, dom_content_loaded_ms=ready, load_ms=load)

    @property
    def reached(self) -> str:
        """As `wait_until`; empty before the commit."""
        return next((name for name, event in reversed(LIFECYCLE.items()) if event in self.reached_ms), "")

    @property
    def body_bytes(self) -> int:
        trip = self.current
        if trip is None:
            return 0
        return trip.body_bytes if trip.body_bytes >= 0 else trip.received_bytes

    @property
    def has_failed(self) -> bool:
        trip = self.current
        return trip is not None and (self.refused or self.too_large or self.overtaken or bool(trip.error))

    def is_over(self, wait_until: str) -> bool:
        """Whether it has failed or come as far as is waited for."""
        stays = self.within_document and not self.knows_own
        return self.has_failed or stays or LIFECYCLE[wait_until] in self.reached_ms

    def hops_to(self, loader_id: str) -> int:
        """How many redirects and pages have sent on to the request that is about to be made."""
        trip = self.trips.get(loader_id)
        hops = len(trip.hops) if trip is not None else 0
        if self.committed and self.current is not None and self.current.loader_id != loader_id:
            return len(self.redirects) + 1 + hops
        return len(self.behind) + hops

    # --- what is told -----------------------------------------------------------------------------------------------

    def set_out(self, loader_id: str, error: str) -> None:
        """The answer to Page.navigate: which navigation it is, and how it failed if it did."""
        trip = self._trip(loader_id)
        self.current = trip
        if error and not trip.error:
            trip.error = error
        if trip.is_shown and self.shown is not None and self.shown is not trip:
            self._sent_on(trip, self.shown)

    def started(self, params: msgspec.Raw) -> None:
        event = read(params, Started)
        if event.frameId != self.frame_id:
            return
        trip = self._trip(event.loaderId)
        trip.url = trip.url or event.url
        trip.began_ms = self.elapsed_ms
        if self.current is None and not self.knows_own:
            self.current = trip

    def will_be_sent(self, params: msgspec.Raw) -> None:
        event = read(params, WillBeSent)
        if event.frameId != self.frame_id or event.requestId != event.loaderId or event.type != "Document":
            return
        trip = self._trip(event.loaderId)
        if (sent_on := event.redirectResponse) is not None and len(trip.hops) < MAX_ONWARD:
            trip.hops.append(RedirectHop(url=redact_url(sent_on.url or trip.url), status_code=sent_on.status))
        trip.url = event.request.url
        trip.has_asked = True
        if self.current is None and not self.knows_own:
            self.current = trip

    def received(self, params: msgspec.Raw) -> None:
        event = read(params, Received)
        if (trip := self.trips.get(event.requestId)) is None:
            return
        trip.status = event.response.status
        trip.head_bytes = round(event.response.encodedDataLength)
        trip.response_ms = self.elapsed_ms
        lengths = [v for k, v in event.response.headers.items() if k.lower() == "content-length"]
        if lengths and lengths[0].isdecimal() and len(lengths[0]) < 20 and int(lengths[0]) > self.response_bytes:
            self.too_large = self.too_large or self._counts(trip)

    def data(self, params: msgspec.Raw) -> None:
        event = read(params, Data)
        if (trip := self.trips.get(event.requestId)) is not None:
            trip.received_bytes += event.dataLength
            if trip.received_bytes > self.response_bytes:
                self.too_large = self.too_large or self._counts(trip)

    def finished(self, params: msgspec.Raw) -> None:
        event = read(params, Finished)
        if (trip := self.trips.get(event.requestId)) is not None:
            trip.body_bytes = max(0, round(event.encodedDataLength) - trip.head_bytes)

    def failed(self, params: msgspec.Raw) -> None:
        event = read(params, Failed)
        trip = self.trips.get(event.requestId)
        if trip is None:
            return
        if trip.is_shown:
            return  # the rest of a page that is shown already: cut off, not failed
        trip.error = trip.error or event.errorText

    def navigated(self, params: msgspec.Raw) -> None:
        event = read(params, FrameNavigated)
        if event.frame.id != self.frame_id:
            return
        trip = self._trip(event.frame.loaderId)
        trip.reached_ms = {"commit": self.elapsed_ms}
        trip.error_page = bool(event.frame.unreachableUrl)
        if not trip.error_page:
            trip.url = event.frame.url + event.frame.urlFragment
        self.shown = trip
        if event.type == "BackForwardCacheRestore" and not self.committed and not self.knows_own:
            # The document of an earlier loader comes back as it was: nothing more will be told of it.
            self.current = trip
            trip.reached_ms = dict.fromkeys(LIFECYCLE.values(), self.elapsed_ms)
        elif self.current is None and not self.knows_own:
            self.current = trip
        elif self.current is not None and self.current is not trip and self.current.is_shown:
            self._sent_on(self.current, trip)

    def within(self, params: msgspec.Raw) -> None:
        event = read(params, WithinDocument)
        if event.frameId != self.frame_id:
            return
        if self.knows_own or (self.current is not None and not self.committed and not self.current.has_asked):
            self.within_document = True

    def lifecycle(self, params: msgspec.Raw) -> None:
        event = read(params, Lifecycle)
        trip = self.trips.get(event.loaderId)
        if event.frameId == self.frame_id and trip is not None and trip.is_shown and event.name in LIFECYCLE.values():
            trip.reached_ms.setdefault(event.name, self.elapsed_ms)

    def _trip(self, loader_id: str) -> Trip:
        return self.trips.setdefault(loader_id, Trip(loader_id))

    def _counts(self, trip: Trip) -> bool:
        """Whether it is the document that is waited for, and not one that a page has begun to go to meanwhile."""
        return trip is self.current or (self.current is None and self.knows_own)

    def _sent_on(self, trip: Trip, to: Trip) -> None:
        if 0 <= to.began_ms < trip.reached_ms["commit"] and to.url == self.left_url:
            self.overtaken = True
            return
        self.current = to
        self.onward += 1
        if self.onward > MAX_ONWARD:
            self.refused = True
            return
        self.behind += [*trip.hops, RedirectHop(url=redact_url(trip.url), status_code=trip.status)]
