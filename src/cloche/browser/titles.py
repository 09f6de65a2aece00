"""Titles of pages, asked for when they are needed: DevTools tells of a change late and of some not at all."""

import asyncio
from typing import Final

import msgspec

from cloche.browser.devtools.codec import read
from cloche.browser.devtools.errors import DevToolsError
from cloche.browser.devtools.session import TargetSession
from cloche.browser.frame import Evaluated
from cloche.browser.page_events import Lifecycle
from cloche.browser.tab import OnEvent, Tab

_PATIENCE_S: Final = 0.5


_WHEN_LOADED: Final = """document.readyState === 'complete' ? document.title
    : new Promise((done) => addEventListener('load', () => done(document.title), {once: true}))"""


class TitleAtLoad:
    """Asks a page for its title before it has loaded, so that the answer comes with that event and not after it.

    A page that has just loaded is busy with its first picture, and would let the question wait for some milliseconds.
    """

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self._loader_id = ""
        self._answer: asyncio.Future[msgspec.Raw] | None = None

    @property
    def listeners(self) -> dict[str, OnEvent]:
        return {"Page.lifecycleEvent": self._lifecycle}

    async def title(self, max_bytes: int, deadline: float) -> str:
        """What the page tells; it is asked again where it shows another document by now."""
        if self._answer is None or self._loader_id != self._tab.main.loader_id:
            return await title_of(self._tab, max_bytes, deadline)
        try:
            async with asyncio.timeout_at(min(deadline, asyncio.get_running_loop().time() + _PATIENCE_S)):
                known = _text_of(read(await self._answer, Evaluated))
        except (DevToolsError, TimeoutError):
            known = None
        if known is not None:
            self._tab.title = known[:max_bytes]
        return clipped(self._tab.title, max_bytes)

    def _lifecycle(self, session: TargetSession, params: msgspec.Raw) -> None:
        event = read(params, Lifecycle)
        # Earlier, at the commit, the question can still be answered by the document before.
        if event.name == "DOMContentLoaded" and event.frameId == self._tab.id:
            self._loader_id = event.loaderId
            question = {"expression": _WHEN_LOADED, "awaitPromise": True, "returnByValue": True}
            self._answer = session.ask("Runtime.evaluate", question)


async def title_of(tab: Tab, max_bytes: int, deadline: float) -> str:
    """Return the title of the document that is shown; what was last known of a page that does not answer."""
    until = min(deadline, asyncio.get_running_loop().time() + _PATIENCE_S)
    params = {"expression": "document.title", "returnByValue": True, "timeout": round(_PATIENCE_S * 1000)}
    try:
        answer = await tab.session.call("Runtime.evaluate", params, Evaluated, deadline=until)
    except DevToolsError:
        return clipped(tab.title, max_bytes)
    value = _text_of(answer)
    if value is None:
        return clipped(tab.title, max_bytes)
    tab.title = value[:max_bytes]
    return clipped(value, max_bytes)


def _text_of(answer: Evaluated) -> str | None:
    value = None if answer.exceptionDetails is not None else msgspec.json.decode(answer.result.value)
    return value if isinstance(value, str) else None


def clipped(text: str, max_bytes: int) -> str:
    """Cut to so many bytes of UTF-8, and to whole characters."""
    data = text.encode("utf-8", "replace")
    return text if len(data) <= max_bytes else data[:max_bytes].decode("utf-8", "ignore")
