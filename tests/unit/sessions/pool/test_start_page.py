"""The page is opened through DevTools' HTTP endpoints, and the one that was there is closed after it."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator

import pytest

from cloche.errors import AgentError
from cloche.sessions.pool.start_page import can_open, open_start_page

PAGES = [{"type": "page", "id": "AB12-3"}, {"type": "service_worker", "id": "CD"}]


class Endpoints:
    """What answers; `asked` are the requests in order, and `answers` what it says instead of what is right."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.hosts: set[str] = set()
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.connections = 0
        self.address: tuple[str, int] = ("", 0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError):
            while not reader.at_eof():
                await self._answer((await reader.readuntil(b"\r\n\r\n")).decode(), writer)
        writer.close()

    async def _answer(self, head: str, writer: asyncio.StreamWriter) -> None:
        request, *fields = head.split("\r\n")
        self.hosts |= {field.partition(": ")[2] for field in fields if field.lower().startswith("host: ")}
        method, target, _ = request.split(" ")
        self.asked.append(f"{method} {target}")
        status, body = self.answers.get(target.partition("?")[0], (200, json.dumps(PAGES).encode()))
        writer.write(b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body)
        await writer.drain()

    async def dial(self) -> tuple[socket.socket, str]:
        stream = socket.socket()
        stream.setblocking(False)
        await asyncio.get_running_loop().sock_connect(stream, self.address)
        return stream, "/devtools/browser/x"


@pytest.fixture
async def browser() -> AsyncIterator[Endpoints]:
    endpoints = Endpoints()
    async with await asyncio.start_server(endpoints.serve, "127.0.0.1", 0) as server:
        endpoints.address = server.sockets[0].getsockname()
        yield endpoints


async def test_the_new_page_comes_before_the_old_one_goes(browser: Endpoints) -> None:
    await open_start_page("https://a.example/x?y=1&z=ä#part", browser.dial)

    assert browser.asked == [
        "GET /json/list",
        "PUT /json/new?https://a.example/x?y=1&z=%C3%A4%23part",
        "GET /json/close/AB12-3",
    ]
    assert browser.hosts == {"localhost"}, "Chromium answers no other name"
    assert browser.connections == 1


def test_what_is_escaped_already_is_escaped_once_more_for_the_way() -> None:
    assert can_open("https://a.example/%20")
    assert not can_open("https://a.example/" + "%20" * 4000)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/json/list", (500, b"[]")),
        ("/json/list", (200, b"not json")),
        ("/json/list", (200, json.dumps([{"type": "page", "id": "../../x"}]).encode())),
        ("/json/list", (200, json.dumps([{"type": "page", "id": 7}]).encode())),
        ("/json/list", (200, json.dumps([{"type": "page", "id": "A" * 65}]).encode())),
        ("/json/list", (200, b"[" + b" " * 2_000_000)),
        ("/json/new", (404, b"{}")),
        ("/json/close/AB12-3", (404, b"No such target id")),
    ],
)
async def test_a_browser_that_answers_something_else_is_not_believed(
    browser: Endpoints, path: str, answer: tuple[int, bytes]
) -> None:
    browser.answers[path] = answer
    with pytest.raises(AgentError):
        await open_start_page("https://a.example/", browser.dial)
    assert not any(".." in asked for asked in browser.asked)


@pytest.mark.parametrize("listed", [b"{}", b"7", b"[7, null]"])
async def test_a_list_that_is_none_closes_nothing(browser: Endpoints, listed: bytes) -> None:
    browser.answers["/json/list"] = 200, listed
    await open_start_page("https://a.example/", browser.dial)
    assert len(browser.asked) == 2


async def test_no_more_are_closed_than_a_fresh_browser_can_have(browser: Endpoints) -> None:
    many = [{"type": "page", "id": f"A{n}"} for n in range(50)]
    browser.answers["/json/list"] = 200, json.dumps(many).encode()
    await open_start_page("https://a.example/", browser.dial)
    assert len(browser.asked) == 6
