"""What an action causes, against a real Chromium."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from cloche.browser.actions.pointer import click
from cloche.browser.contract.actions import ClickRequest, Effects
from cloche.browser.effects import watching
from cloche.browser.session_browser import Browser
from cloche.browser.tab import Tab
from cloche.testing.bare_chromium import CallOf, Show

Serve = Callable[[dict[str, str]], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`await serve({"/": "<p>…"})` answers with an origin; a head may stand before the body."""
    servers: list[asyncio.Server] = []

    async def serve(pages: dict[str, str]) -> str:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            path = (await reader.readuntil(b"\r\n\r\n")).decode().split()[1]
            head, _, body = pages.get(path, "404 Not Found||").partition("||")
            length = f"Content-Length: {len(body)}\r\nConnection: close\r\n"
            writer.write(f"HTTP/1.1 {head}\r\n{length}\r\n{body}".encode())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield serve
    for server in servers:
        server.close()
        await server.wait_closed()


async def effects_of(call_of: CallOf, tab: Tab) -> Effects:
    return (await click(call_of(tab), ClickRequest(selector="#b"))).effects


async def test_a_click_that_causes_nothing_says_so(show: Show, call_of: CallOf) -> None:
    tab = await show("<button id=b>x</button>")
    assert await effects_of(call_of, tab) == Effects()


async def test_a_navigation_is_told_once_it_is_there(show: Show, call_of: CallOf, serve: Serve) -> None:
    origin = await serve({"/next": "200 OK\r\nContent-Type: text/html||<p>next"})
    tab = await show(f"<a id=b href='{origin}/next'>x</a>")
    effects = await effects_of(call_of, tab)
    assert (effects.navigated, effects.navigated_url) == (True, f"{origin}/next")
    assert tab.url == f"{origin}/next"


async def test_a_navigation_within_the_page_is_told(show: Show, call_of: CallOf) -> None:
    tab = await show("<button id=b onclick='location.hash = `there`'>x</button>")
    assert (await effects_of(call_of, tab)).navigated_url == "about:blank#there"


async def test_a_navigation_that_comes_to_nothing_is_none(show: Show, call_of: CallOf, serve: Serve) -> None:
    origin = await serve({"/": "204 No Content||"})
    tab = await show(f"<a id=b href='{origin}/'>x</a>")
    assert (await effects_of(call_of, tab)).navigated is False


@pytest.mark.parametrize(
    "html",
    [
        "<a id=b target=_blank href='about:blank#new'>x</a>",
        "<button id=b onclick='window.open(`about:blank`)'>x</button>",
    ],
)
async def test_a_new_tab_is_told(show: Show, browser: Browser, call_of: CallOf, html: str) -> None:
    tab = await show(html)
    effects = await effects_of(call_of, tab)
    assert len(effects.new_tab_ids) == 1
    assert browser.tab(effects.new_tab_ids[0]).opener_id == tab.id
    assert effects.navigated is False


async def test_a_download_is_told_without_secrets(show: Show, browser: Browser, call_of: CallOf, serve: Serve) -> None:
    # Without windows Chromium gives downloads up before it tells of them, unless it was told what to do with them.
    await browser.call("Browser.setDownloadBehavior", {"behavior": "deny", "eventsEnabled": True})
    head = "200 OK\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=data.bin"
    origin = await serve({"/file?token=abcdefgh12345678": f"{head}||12345"})
    tab = await show(f"<a id=b href='{origin}/file?token=abcdefgh12345678'>x</a>")
    effects = await effects_of(call_of, tab)
    assert [download.suggested_filename for download in effects.downloads] == ["data.bin"]
    assert "abcdefgh12345678" not in effects.downloads[0].url
    assert effects.navigated is False


@pytest.mark.parametrize("request_", [ClickRequest(modifiers=["Control"]), ClickRequest(button="middle")])
async def test_a_link_clicked_aside_is_a_new_tab_of_this_one(
    show: Show, browser: Browser, call_of: CallOf, request_: ClickRequest
) -> None:
    tab = await show("<a id=b href='about:blank#new'>x</a>")
    effects = (await click(call_of(tab), replace(request_, selector="#b"))).effects
    (opened,) = effects.new_tab_ids
    assert browser.tab(opened).opener_id == tab.id


async def test_a_tab_that_closes_at_once_is_not_waited_for(show: Show, browser: Browser, call_of: CallOf) -> None:
    tab = await show("<button id=b onclick='window.open(`about:blank`).close()'>x</button>")
    with watching(tab) as watch:
        await click(call_of(tab), ClickRequest(selector="#b"))
        assert await tab.until(lambda: len(browser.tabs) == 2, call_of(tab).deadline)
        assert watch.has_tabs()
    assert watch.effects().new_tab_ids == []


@pytest.mark.parametrize(
    "html",
    [
        "<label id=b>Pick <input type=file></label>",
        "<button id=b onclick='hid.click()'>x</button><input id=hid type=file hidden>",
        "<button id=b onclick='const i = document.createElement(`input`); i.type = `file`; i.click()'>x</button>",
    ],
)
async def test_a_file_chooser_is_told(show: Show, call_of: CallOf, html: str) -> None:
    tab = await show(html)
    assert (await effects_of(call_of, tab)).file_chooser is True


async def test_a_click_that_closes_its_tab_succeeds(show: Show, browser: Browser, call_of: CallOf) -> None:
    tab = await show("<button id=b onclick='window.open(`about:blank`)'>x</button>")
    opened = browser.tab((await effects_of(call_of, tab)).new_tab_ids[0])
    html = "<button id=b onclick='window.close()'>x</button>"
    deadline = call_of(opened).deadline
    await opened.session.call("Page.setDocumentContent", {"frameId": opened.id, "html": html}, deadline=deadline)
    assert (await effects_of(call_of, opened)).navigated is False
    assert await tab.until(lambda: opened.is_gone or opened.id not in browser.tabs, deadline)
