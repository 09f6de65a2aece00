"""A Chromium in which `a.test` and `b.test` are this machine, and what a page says of itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from cloche.browser.call import Call
from cloche.browser.tab import Tab
from cloche.testing.bare_chromium import BareChromium

PATIENCE_S = 5.0


@pytest.fixture(scope="module")
def chromium() -> Iterator[BareChromium]:
    """With the processes there that Chromium starts when it first needs them."""
    hosts = {"a.test": ("127.0.0.1",), "b.test": ("127.0.0.1",)}
    with BareChromium("--site-per-process", hosts=hosts) as process:

        async def warm_up() -> None:
            async with process.browser() as browser:
                session = browser.active_tab().session
                deadline = asyncio.get_running_loop().time() + PATIENCE_S
                await session.call("Page.captureScreenshot", {}, deadline=deadline)
                await session.call("Page.navigate", {"url": "http://127.0.0.1:9999/"}, deadline=deadline)

        asyncio.run(warm_up())
        yield process


CallOf = Callable[..., Call]
Show = Callable[[str], Awaitable[Tab]]
Ask = Callable[[str], Awaitable[Any]]


@pytest.fixture
def ask(tab: Tab) -> Ask:
    """`await ask("document.title")`: what an expression comes to in the page's own world."""

    async def ask(expression: str) -> Any:
        params = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        answer = await tab.session.call("Runtime.evaluate", params, deadline=deadline)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    return ask


Visit = Callable[[str, dict[str, str]], Awaitable[str]]


@pytest.fixture
async def visit(tab: Tab) -> AsyncIterator[Visit]:
    """`await visit("a.test", {"/": html, "b.test/": …})`: the tab shows a site of these pages; answers its port."""
    servers: list[asyncio.Server] = []
    pages: dict[str, str] = {}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split()[1].partition("?")[0]
        body = pages.get(path, "").encode()
        kind = "application/octet-stream" if path.endswith(".bin") else "text/html"
        status = "204 No Content" if path == "/nothing" else "200 OK"
        length = "" if path == "/nothing" else f"Content-Length: {len(body)}\r\n"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{length}Connection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    async def visit(host: str, given: dict[str, str]) -> str:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        servers.append(server)
        port = str(server.sockets[0].getsockname()[1])
        pages.update({path: html.replace("PORT", port) for path, html in given.items()})
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        await tab.session.call("Page.navigate", {"url": f"http://{host}:{port}/"}, deadline=deadline)
        assert await tab.until(lambda: host in tab.url and "load" in tab.main.reached, deadline)
        return port

    yield visit
    for server in servers:
        server.close()
        await server.wait_closed()
