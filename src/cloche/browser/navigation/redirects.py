"""Standing in the way of redirects that a request does not allow, before the refused hop is fetched."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from cloche.browser.devtools.codec import read
from cloche.browser.devtools.errors import DevToolsError
from cloche.browser.devtools.session import TargetSession
from cloche.browser.frame import told
from cloche.browser.navigation.journey import Journey
from cloche.browser.tab import Tab

_DOCUMENTS: Final = {"patterns": [{"urlPattern": "*", "resourceType": "Document", "requestStage": "Request"}]}


class _Request(msgspec.Struct):
    url: str = ""


class _Paused(msgspec.Struct):
    requestId: str
    request: _Request = msgspec.field(default_factory=_Request)
    frameId: str = ""
    networkId: str = ""


@asynccontextmanager
async def limited_redirects(
    tab: Tab, journey: Journey, limit: int | None, deadline: float, *, keep_away: str = ""
) -> AsyncGenerator[None]:
    """Let at most `limit` hops of the tab's main frame through meanwhile; None: as many as Chromium does.

    `keep_away`: the address of a page that must not come back.
    Only then are requests held up at all (CDP Fetch), and only those for documents: each costs a round trip.
    """
    if limit is None and not keep_away:
        yield
        return

    def paused(session: TargetSession, params: msgspec.Raw) -> None:
        event = read(params, _Paused)
        is_main = event.frameId == tab.id
        is_too_many = is_main and limit is not None and journey.hops_to(event.networkId) > limit
        journey.refused = journey.refused or is_too_many
        if is_too_many or (is_main and event.request.url == keep_away):
            session.notify("Fetch.failRequest", {"requestId": event.requestId, "errorReason": "Aborted"})
        else:
            session.notify("Fetch.continueRequest", {"requestId": event.requestId})

    with tab.listening({"Fetch.requestPaused": paused}):
        try:
            await tab.session.call("Fetch.enable", _DOCUMENTS, deadline=deadline, held_up=False)
            yield
        except DevToolsError as error:
            raise told(error) from None
        finally:
            # Whatever is held up at this moment goes on.
            tab.session.notify("Fetch.disable")
