"""What is told of downloads, against a real Chromium whose spool is a directory of the test's own."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloche.browser.downloads import Begun, DownloadWatch, Treatment
from cloche.browser.session_browser import Browser
from cloche.browser.tab import Tab
from cloche.testing.bare_chromium import BareChromium, soon

SAVE = """
const link = document.createElement('a');
link.href = %s;
link.download = %s;
link.click();
"""
FILE = "URL.createObjectURL(new Blob(['hello']))"


class Heard:
    """Listens, and lets a test wait for what is to be heard."""

    def __init__(self) -> None:
        self.begun: list[Begun] = []
        self.sizes: list[tuple[str, int, int]] = []
        self.ended: list[tuple[str, str]] = []
        self._news = asyncio.Event()

    def began(self, download: Begun) -> None:
        self.begun.append(download)
        self._news.set()

    def grew(self, guid: str, received_bytes: int, total_bytes: int) -> None:
        self.sizes.append((guid, received_bytes, total_bytes))
        self._news.set()

    def completed(self, guid: str, path: str) -> None:
        self.ended.append((guid, path))
        self._news.set()

    def canceled(self, guid: str) -> None:
        self.ended.append((guid, "canceled"))
        self._news.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not holds():
                self._news.clear()
                await self._news.wait()


@pytest.fixture
def spool() -> Iterator[Path]:
    """Where a browser of another uid can write, which pytest's own directories are not."""
    with tempfile.TemporaryDirectory(prefix="spool-") as made:
        Path(made).chmod(0o777)
        yield Path(made)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def watch(chromium: BareChromium, heard: Heard, spool: Path) -> AsyncIterator[DownloadWatch]:
    opened = await open_watch(chromium, heard, spool)
    yield opened
    opened.close()


async def open_watch(
    chromium: BareChromium, heard: Heard, spool: Path, treatment: Treatment = Treatment.SPOOL
) -> DownloadWatch:
    return await DownloadWatch.open(
        chromium.dial(), chromium.browser_path, heard, spool=str(spool), treatment=treatment
    )


async def save(tab: Tab, name: str = "a.txt", href: str = FILE) -> None:
    script = SAVE % (href, json.dumps(name))
    await tab.session.call("Runtime.evaluate", {"expression": f"{{{script}}}", "userGesture": True}, deadline=soon())


async def test_what_is_downloaded_lies_in_the_spool_under_the_name_that_is_told(
    watch: DownloadWatch, heard: Heard, tab: Tab, spool: Path
) -> None:
    await save(tab, "report.txt")
    await heard.until(lambda: bool(heard.ended))
    ((guid, path),) = heard.ended
    assert heard.begun[0].guid == guid and heard.begun[0].suggested_name == "report.txt"
    assert (path, (spool / guid).read_text()) == (str(spool / guid), "hello")
    assert heard.sizes[-1] == (guid, 5, 5)


async def test_addresses_are_told_without_secrets(watch: DownloadWatch, heard: Heard, tab: Tab) -> None:
    secret = "abcdefgh12345678"
    await tab.session.call("Page.navigate", {"url": f"data:text/html,<title>x</title>?token={secret}"}, deadline=soon())
    assert await tab.until(lambda: tab.url.startswith("data:"), soon())
    await save(tab, href=json.dumps(f"data:text/plain,{secret}"))
    await heard.until(lambda: bool(heard.ended))
    url, referrer = heard.begun[0].redacted()
    assert url == "data:text/plain" and referrer.startswith("data:text/html") and secret not in url + referrer
    assert secret not in repr(heard.begun[0])


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "a\u202egpj.exe", "a\0b", "x" * 4096, "..", ".", "", "CON", "~/.ssh/id"]
)
async def test_no_name_leads_out_of_the_spool(
    watch: DownloadWatch, heard: Heard, tab: Tab, spool: Path, name: str
) -> None:
    await save(tab, name)
    await heard.until(lambda: bool(heard.ended))
    ((guid, path),) = heard.ended
    assert path == str(spool / guid) and [entry.name for entry in spool.iterdir()] == [guid]


async def test_an_empty_file_is_a_download(watch: DownloadWatch, heard: Heard, tab: Tab, spool: Path) -> None:
    await save(tab, href="URL.createObjectURL(new Blob([]))")
    await heard.until(lambda: bool(heard.ended))
    assert (spool / heard.ended[0][0]).stat().st_size == 0


async def test_a_file_whose_address_is_too_long_to_be_read_is_told_of_all_the_same(
    watch: DownloadWatch, heard: Heard, tab: Tab, spool: Path
) -> None:
    await save(tab, href="'data:application/octet-stream,' + 'x'.repeat(6 << 20)")
    await heard.until(lambda: bool(heard.ended))
    assert heard.begun == []
    assert (spool / heard.ended[0][0]).stat().st_size == 6 << 20


async def test_one_that_is_canceled_leaves_nothing(
    watch: DownloadWatch, heard: Heard, tab: Tab, spool: Path, serve_endless: str
) -> None:
    await save(tab, href=json.dumps(serve_endless))
    await heard.until(lambda: any(received for _, received, _ in heard.sizes))
    watch.cancel(heard.begun[0].guid)
    await heard.until(lambda: bool(heard.ended))
    assert heard.ended == [(heard.begun[0].guid, "canceled")]
    async with asyncio.timeout(5):
        while list(spool.iterdir()):  # removed by Chromium a moment after it has said so
            await asyncio.sleep(0.01)


async def test_what_is_refused_is_told_of_and_not_written(
    chromium: BareChromium, heard: Heard, tab: Tab, spool: Path
) -> None:
    watch = await open_watch(chromium, heard, spool, Treatment.REFUSE)
    await save(tab)
    await heard.until(lambda: bool(heard.ended))
    assert heard.ended[0][1] == "canceled" and list(spool.iterdir()) == []
    watch.treat(Treatment.SPOOL)
    await save(tab)
    await heard.until(lambda: len(heard.ended) == 2)
    assert Path(heard.ended[1][1]).read_text() == "hello"
    watch.close()


async def test_other_contexts_are_watched_from_their_first_page_on(
    watch: DownloadWatch, heard: Heard, browser: Browser, spool: Path
) -> None:
    made = await browser.call("Target.createBrowserContext", {"disposeOnDetach": True})
    where = {"url": "about:blank", "browserContextId": made["browserContextId"]}
    tab = await browser.tab_opened((await browser.call("Target.createTarget", where))["targetId"], soon())
    assert await tab.until(lambda: tab.is_set_up, soon())
    await save(tab)
    await heard.until(lambda: bool(heard.ended))
    assert heard.ended[0][1] == str(spool / heard.ended[0][0])
    await browser.call("Target.disposeBrowserContext", {"browserContextId": made["browserContextId"]})


async def test_what_another_client_has_put_elsewhere_is_told_with_its_place(
    watch: DownloadWatch, heard: Heard, browser: Browser, tab: Tab, spool: Path
) -> None:
    (spool / "elsewhere").mkdir(mode=0o777)
    (spool / "elsewhere").chmod(0o777)
    behaviour: dict[str, Any] = {"behavior": "allow", "downloadPath": str(spool / "elsewhere")}
    await browser.call("Browser.setDownloadBehavior", behaviour)
    await save(tab, "mine.txt")
    await heard.until(lambda: bool(heard.ended))
    assert heard.ended[0][1] == str(spool / "elsewhere/mine.txt")
    watch.insist()


async def test_it_holds_again_after_another_client_has_left(
    watch: DownloadWatch, heard: Heard, chromium: BareChromium, tab: Tab, spool: Path
) -> None:
    async with chromium.browser() as other:
        await other.call("Browser.setDownloadBehavior", {"behavior": "deny"})
        gone = other.connection.ended
    await gone
    while not heard.ended or heard.ended[-1][1] == "canceled":
        # Chromium hears of a client's end when it comes to it; until then, and after it, ours is to be set again.
        watch.insist()
        ended = len(heard.ended)
        await save(tab)
        await heard.until(lambda ended=ended: len(heard.ended) > ended)  # type: ignore[misc]
    assert Path(heard.ended[-1][1]).read_text() == "hello"


@pytest.fixture
async def serve_endless() -> AsyncIterator[str]:
    writing: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writing.add(asyncio.current_task())  # type: ignore[arg-type]
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment\r\n\r\n"
        )
        try:
            while True:
                writer.write(bytes(65536))
                await writer.drain()
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/endless"
    server.close()
    await asyncio.gather(*writing, return_exceptions=True)
