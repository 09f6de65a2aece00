"""A page at any origin, for a moment, without a byte on the network: how localStorage is reached where no tab is.

DevTools reads and writes the storage only of frames that are there. So a tab of the daemon's own, in the back, goes to
each origin; every request of it is answered here with an empty page (CDP Fetch), and service workers are passed by.
"""

import asyncio
import base64
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from cloche.browser.call import Call
from cloche.browser.contract.common import ActionError, Failure
from cloche.browser.contract.state import NameValue
from cloche.browser.devtools.codec import read
from cloche.browser.devtools.errors import DevToolsError
from cloche.browser.devtools.session import TargetSession
from cloche.browser.frame import Evaluated, told
from cloche.browser.tab import HIDDEN, Tab
from cloche.browser.tabs import open_blank

_EMPTY_PAGE: Final = {
    "responseCode": 200,
    "responseHeaders": [{"name": "Content-Type", "value": "text/html"}],
    "body": base64.b64encode(b"<!doctype html>").decode(),
}
_CLOSING_S: Final = 1.0
_READ: Final = """(() => {
  const found = [];
  for (let index = 0; index < localStorage.length; index++) {
    const name = localStorage.key(index);
    found.push({name, value: localStorage.getItem(name)});
  }
  return found;
})()"""
_WRITE: Final = """((entries, clear) => {
  if (clear) localStorage.clear();
  try {
    for (const [name, value] of entries) localStorage.setItem(name, value);
  } catch (error) {
    return false;
  }
  return true;
})(%s, %s)"""


class _Paused(msgspec.Struct):
    requestId: str


class OriginPage:
    """Made by `origin_page`, of no use after it."""

    def __init__(self, tab: Tab, deadline: float) -> None:
        self._tab = tab
        self._deadline = deadline
        self._origin = ""

    async def read(self, origin: str) -> list[NameValue]:
        """The localStorage of an origin. Raises: ActionError."""
        await self._go(origin)
        answer = await self._evaluate(_READ)
        return msgspec.json.decode(answer.result.value, type=list[NameValue])

    async def write(self, origin: str, entries: list[NameValue], *, clear_first: bool) -> None:
        """Raises: ActionError (`input_too_large`) when there is more than Chromium keeps for an origin."""
        await self._go(origin)
        pairs = msgspec.json.encode([(entry.name, entry.value) for entry in entries]).decode()
        answer = await self._evaluate(_WRITE % (pairs, str(clear_first).lower()))
        if bytes(answer.result.value) != b"true":
            raise ActionError(Failure.INPUT_TOO_LARGE, "the browser keeps no more localStorage for this origin")

    async def _go(self, origin: str) -> None:
        if self._origin == origin:
            return
        await self._tab.session.call("Page.navigate", {"url": f"{origin}/"}, deadline=self._deadline)
        # With whichever scheme: where HSTS has made https of it, what was asked for never comes.
        place = f"{origin}/".partition(":")[2]
        await self._tab.until(lambda: self._tab.url.partition(":")[2] == place, self._deadline)
        answer = await self._evaluate("location.origin")
        if msgspec.json.decode(answer.result.value) != origin:
            raise ActionError(Failure.NAVIGATION_FAILED, "the browser cannot show a page at this origin")
        self._origin = origin

    async def _evaluate(self, expression: str) -> Evaluated:
        """In the page's own world: it is ours, nobody else's script runs there."""
        params = {"expression": expression, "returnByValue": True}
        return await self._tab.session.call("Runtime.evaluate", params, Evaluated, deadline=self._deadline)


@asynccontextmanager
async def origin_page(call: Call) -> AsyncGenerator[OriginPage]:
    """Open one in the default browser context; it is gone afterwards. Raises: ActionError."""
    browser = call.browser
    tab = await open_blank(browser, call.deadline, background=True)
    tab.notes[HIDDEN] = True
    try:
        with tab.listening({"Fetch.requestPaused": _answer}):
            await tab.session.call("Network.setBypassServiceWorker", {"bypass": True}, deadline=call.deadline)
            await tab.session.call("Fetch.enable", {"patterns": [{"urlPattern": "*"}]}, deadline=call.deadline)
            yield OriginPage(tab, call.deadline)
    except DevToolsError as error:
        raise told(error) from None
    finally:
        tab.session.notify("Page.close")
        with contextlib.suppress(ActionError):  # tab_not_found: what is waited for
            await tab.until(lambda: tab.is_gone, asyncio.get_running_loop().time() + _CLOSING_S)


def _answer(session: TargetSession, params: msgspec.Raw) -> None:
    session.notify("Fetch.fulfillRequest", {"requestId": read(params, _Paused).requestId, **_EMPTY_PAGE})
