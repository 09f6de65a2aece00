"""A page for a browser that has started with another: the new one is opened first, and then the old one is closed.

Through DevTools' HTTP endpoints (`PUT /json/new?{url}`, `/json/close/{id}`) on one connection, which need no client
that stays. As with the page that Chromium opens at its start, nobody waits for it to load.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import quote

import h11
import msgspec

from cloche.agent_link import http
from cloche.errors import AgentError, DeadlineError

TIMEOUT_S: Final = 5.0
MAX_TABS: Final = 4
"""A browser that nobody has used shows one."""

_AS_IT_IS: Final = "!$&'()*+,/:;=?@[]~"
_ID_CHARS: Final = frozenset("0123456789ABCDEFabcdef-")

Dial = Callable[[], Awaitable[tuple[socket.socket, str]]]


async def open_start_page(url: str, dial: Dial) -> None:
    """Raises: AgentError, DeadlineError, and what `dial` raises."""
    stream, _ = await dial()
    with stream:
        browser = _Endpoints(stream)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                tabs = await browser.ask("GET", "/json/list")
                await browser.ask("PUT", _target(url))
                for tab in tabs[:MAX_TABS] if isinstance(tabs, list) else ():
                    if isinstance(tab, dict) and tab.get("type") == "page":
                        await browser.ask("GET", f"/json/close/{_checked(tab.get('id'))}", is_json=False)
        except TimeoutError:
            raise DeadlineError("the browser did not open the start page in time") from None


def can_open(url: str | None) -> bool:
    """Whether it fits into a request; no page always does."""
    return url is None or len(_target(url)) <= http.MAX_TARGET_CHARS


def _target(url: str) -> str:
    return f"/json/new?{quote(url, safe=_AS_IT_IS)}"


class _Endpoints:
    """Asked one thing after the other. What comes back is of the sandbox: never more of it is kept than is allowed."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=http.MAX_HEAD_BYTES)

    async def ask(self, method: str, target: str, *, is_json: bool = True) -> Any:
        """Raises: AgentError."""
        fields = [("Host", "localhost")]  # Chromium answers no other name
        try:
            head = self._protocol.send(h11.Request(method=method, target=target, headers=fields))
            await asyncio.get_running_loop().sock_sendall(self._stream, head or b"")
            self._protocol.send(h11.EndOfMessage())
            data = await self._answer()
            self._protocol.start_next_cycle()
            return msgspec.json.decode(data) if is_json else None
        except (OSError, h11.ProtocolError) as error:
            raise AgentError("the browser did not open the start page") from error
        except msgspec.DecodeError:
            raise AgentError("the browser's list of pages was not understood") from None

    async def _answer(self) -> bytes:
        body = bytearray()
        while not isinstance(event := self._protocol.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                self._protocol.receive_data(await asyncio.get_running_loop().sock_recv(self._stream, http.PIECE_BYTES))
            elif isinstance(event, h11.Data):
                body += event.data
            if (isinstance(event, h11.Response) and event.status_code != 200) or len(body) > http.MAX_BODY_BYTES:
                raise AgentError("the browser did not open the start page")
        return bytes(body)


def _checked(tab_id: object) -> str:
    if not isinstance(tab_id, str) or not 0 < len(tab_id) <= 64 or not _ID_CHARS.issuperset(tab_id):
        raise AgentError("the browser's list of pages was not understood")
    return tab_id
