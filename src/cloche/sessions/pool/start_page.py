"""A page for a browser that has started with another: the new one is opened first, and then the old one is closed.

Through DevTools' HTTP endpoints (`PUT /json/new?{url}`, `/json/close/{id}`), which need no client that stays. As
with the page that Chromium opens at its start, nobody waits for it to load.
"""

import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import quote

import msgspec

from cloche.agent_link import http
from cloche.errors import AgentError

TIMEOUT_S: Final = 5.0
MAX_TABS: Final = 4
"""A browser that nobody has used shows one."""

_AS_IT_IS: Final = "!$&'()*+,/:;=?@[]~"
_ID_CHARS: Final = frozenset("0123456789ABCDEFabcdef-")

Dial = Callable[[], Awaitable[tuple[socket.socket, str]]]


async def open_start_page(url: str, dial: Dial) -> None:
    """Raises: AgentError, DeadlineError, and what `dial` raises."""
    tabs = await _ask(dial, "GET", "/json/list")
    await _ask(dial, "PUT", _target(url))
    for tab in tabs[:MAX_TABS] if isinstance(tabs, list) else ():
        if isinstance(tab, dict) and tab.get("type") == "page":
            await _ask(dial, "GET", f"/json/close/{_checked(tab.get('id'))}", is_json=False)


def can_open(url: str | None) -> bool:
    """Whether it fits into a request; no page always does."""
    return url is None or len(_target(url)) <= http.MAX_TARGET_CHARS


def _target(url: str) -> str:
    return f"/json/new?{quote(url, safe=_AS_IT_IS)}"


async def _ask(dial: Dial, method: str, target: str, *, is_json: bool = True) -> Any:
    stream, _ = await dial()
    request = http.Request(method=method, target=target, host="localhost")  # Chromium answers no other name
    async with http.exchange(stream, request, timeout_s=TIMEOUT_S) as answer:
        data = await answer.body.read(http.MAX_BODY_BYTES)
    if answer.status != 200:
        raise AgentError("the browser did not open the start page")
    try:
        return msgspec.json.decode(data) if is_json else None
    except msgspec.DecodeError:
        raise AgentError("the browser's list of pages was not understood") from None


def _checked(tab_id: object) -> str:
    if not isinstance(tab_id, str) or not 0 < len(tab_id) <= 64 or not _ID_CHARS.issuperset(tab_id):
        raise AgentError("the browser's list of pages was not understood")
    return tab_id
