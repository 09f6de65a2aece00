"""Titles of pages, asked for when they are needed: DevTools tells of a change late and of some not at all."""

import asyncio
from typing import Final

import msgspec

from cloche.browser.devtools.errors import DevToolsError
from cloche.browser.frame import Evaluated
from cloche.browser.tab import Tab

_PATIENCE_S: Final = 0.5


async def title_of(tab: Tab, max_bytes: int, deadline: float) -> str:
    """Return the title of the document that is shown; what was last known of a page that does not answer."""
    until = min(deadline, asyncio.get_running_loop().time() + _PATIENCE_S)
    params = {"expression": "document.title", "returnByValue": True, "timeout": round(_PATIENCE_S * 1000)}
    try:
        answer = await tab.session.call("Runtime.evaluate", params, Evaluated, deadline=until)
    except DevToolsError:
        return clipped(tab.title, max_bytes)
    value = msgspec.json.decode(answer.result.value)
    if answer.exceptionDetails is not None or not isinstance(value, str):
        return clipped(tab.title, max_bytes)
    tab.title = value[:max_bytes]
    return clipped(value, max_bytes)


def clipped(text: str, max_bytes: int) -> str:
    """Cut to so many bytes of UTF-8, and to whole characters."""
    data = text.encode("utf-8", "replace")
    return text if len(data) <= max_bytes else data[:max_bytes].decode("utf-8", "ignore")
