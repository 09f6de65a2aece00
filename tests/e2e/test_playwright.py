"""What people do with Playwright works through the connect URL as it does with a browser of their own."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserType, Page, Route
from playwright.async_api import Error as PlaywrightError

from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def playwright(chromium: BrowserType, kept_session: Json) -> AsyncIterator[Browser]:
    """Playwright, connected to the module's session."""
    browser = await chromium.connect_over_cdp(kept_session["connect_url"])
    yield browser
    await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(playwright: Browser, local_web: LocalWeb) -> AsyncIterator[Page]:
    """A tab in a context of its own."""
    context = await playwright.new_context()
    yield await context.new_page()
    await context.close()


async def test_the_page_that_the_session_opened_with_is_there(playwright: Browser) -> None:
    assert [page.url for page in playwright.contexts[0].pages[:1]] == ["file:///usr/share/cloche/welcome.html"]


async def test_a_click_follows_a_link_to_another_host(page: Page, local_web: LocalWeb) -> None:
    await page.goto(local_web.url("site.test", "/link"))
    await page.click("#other")
    await page.wait_for_url("http://other.test/page")
    assert await page.title() == "page of other.test"


async def test_a_form_is_filled_and_sent(page: Page, local_web: LocalWeb) -> None:
    await page.goto(local_web.url("site.test", "/form"))
    await page.fill("#name", "Ada Lovelace")
    await page.select_option("#colour", "green")
    await page.check("#agree")
    await page.click("#send")
    await page.wait_for_url("**/echo")
    assert (await _received(page))["body"] == "name=Ada+Lovelace&colour=green&agree=yes"


async def test_keys_typed_reach_the_page_one_by_one(page: Page, local_web: LocalWeb) -> None:
    await page.goto(local_web.url("site.test", "/form"))
    await page.evaluate("window.keys = []; addEventListener('keydown', (event) => keys.push(event.key))")
    await page.focus("#name")
    await page.keyboard.type("é日x")
    await page.keyboard.press("Shift+ArrowLeft")
    assert await page.input_value("#name") == "é日x"
    assert (await page.evaluate("keys"))[-3:] == ["x", "Shift", "ArrowLeft"]


async def test_a_popup_is_a_page_of_its_own_that_can_talk_to_its_opener(page: Page, local_web: LocalWeb) -> None:
    await page.goto(local_web.url("site.test", "/popup"))
    async with page.expect_popup() as opening:
        await page.click("#open")
    popup = await opening.value
    await page.wait_for_function("document.title === 'heard opened'")
    assert popup.url == local_web.url("site.test", "/opened")
    assert await popup.opener() == page


async def test_a_link_with_a_target_opens_a_page_in_the_same_context(page: Page, local_web: LocalWeb) -> None:
    await page.goto(local_web.url("site.test", "/link"))
    async with page.context.expect_page() as opening:
        await page.click("#blank")
    opened = await opening.value
    await opened.wait_for_load_state()
    assert await opened.inner_text("#opened") == "opened"


async def test_a_dialog_waits_for_its_answer(page: Page, local_web: LocalWeb) -> None:
    await page.goto(local_web.url("site.test", "/page"))
    page.once("dialog", lambda dialog: dialog.accept("forty-two"))
    assert await page.evaluate("prompt('How many?')") == "forty-two"


async def test_a_dedicated_worker_computes(page: Page, local_web: LocalWeb) -> None:
    async with page.expect_worker() as starting:
        await page.goto(local_web.url("site.test", "/worker"))
    worker = await starting.value
    await page.wait_for_function("document.title === 'worker says 21'")
    assert worker.url == local_web.url("site.test", "/worker.js")
    assert await worker.evaluate("1 + 1") == 2


async def test_a_shared_worker_is_shared(page: Page, local_web: LocalWeb) -> None:
    await page.goto(local_web.url("site.test", "/page"))
    await page.evaluate("""window.script = URL.createObjectURL(new Blob(
        ["let calls = 0; onconnect = (event) => event.ports[0].postMessage(++calls)"]))""")
    ask = """new Promise((resolve, reject) => {
        const worker = new SharedWorker(script);
        worker.port.onmessage = (event) => resolve(event.data);
        worker.onerror = () => reject(new Error("no shared worker"));
    })"""
    assert [await page.evaluate(ask), await page.evaluate(ask)] == [1, 2]


async def test_frames_of_the_same_and_of_another_host_can_be_entered(page: Page, local_web: LocalWeb) -> None:
    await page.goto(local_web.url("site.test", "/iframe"))
    same = page.frame_locator("#same").locator("#host")
    other = page.frame_locator("#other").locator("#host")
    assert [await same.inner_text(), await other.inner_text()] == ["site.test", "other.test"]


async def test_a_websocket_echoes(page: Page, local_web: LocalWeb) -> None:
    await page.goto(local_web.url("site.test", "/websocket"))
    await page.wait_for_function("document.title === 'echo hello'")


async def test_server_sent_events_arrive(page: Page, local_web: LocalWeb) -> None:
    await page.goto(local_web.url("site.test", "/page"))
    listen = """() => new Promise((resolve) => {
        const source = new EventSource('/sse?count=3'), seen = [];
        source.onmessage = (event) => seen.push(event.data) === 3 && (source.close(), resolve(seen));
    })"""
    assert await page.evaluate(listen) == ["event 0", "event 1", "event 2"]


async def test_cookies_and_storage_stay_within_the_session(page: Page, local_web: LocalWeb) -> None:
    await page.goto(local_web.url("site.test", "/cookies/set?taste=sweet"))
    await page.goto(local_web.url("site.test", "/storage"))
    await page.reload()
    assert await page.title() == "visits 2"
    cookies = await page.context.cookies(local_web.url("site.test"))
    assert [(cookie["name"], cookie["value"]) for cookie in cookies] == [("taste", "sweet")]
    await page.goto(local_web.url("other.test", "/storage"))
    assert await page.title() == "visits 1"


async def test_a_new_context_knows_nothing_of_the_others(page: Page, local_web: LocalWeb) -> None:
    await page.goto(local_web.url("site.test", "/cookies/set?taste=sweet"))
    context = await _context_of(page).new_context()
    apart = await context.new_page()
    await apart.goto(local_web.url("site.test", "/cookies"))
    assert await apart.evaluate("document.body.innerText") == "{}"
    await context.close()


async def test_a_context_with_a_proxy_of_its_own_gets_nowhere(playwright: Browser, local_web: LocalWeb) -> None:
    # A sandbox has one way out. A client that asks for another proxy asks for a host that the sandbox cannot reach.
    context = await playwright.new_context(proxy={"server": "http://93.184.215.14:80"})
    page = await context.new_page()
    with pytest.raises(PlaywrightError, match="ERR_PROXY_CONNECTION_FAILED"):
        await page.goto(local_web.url("site.test", "/page"))
    assert not local_web.requests()
    await context.close()


async def test_requests_can_be_answered_changed_and_stopped(page: Page, local_web: LocalWeb) -> None:
    async def change(route: Route) -> None:
        await route.continue_(headers={**route.request.headers, "x-changed": "yes"})

    await page.route("**/made-up", lambda route: route.fulfill(body="made up"))
    await page.route("**/echo", change)
    await page.route("**/stopped", lambda route: route.abort())
    await page.goto(local_web.url("site.test", "/page"))
    assert await page.evaluate("fetch('/made-up').then((a) => a.text())") == "made up"
    assert (await page.evaluate("fetch('/echo').then((a) => a.json())"))["headers"]["x-changed"] == "yes"
    assert await page.evaluate("fetch('/stopped').catch((error) => error.name)") == "TypeError"
    assert not local_web.requests(path="/made-up") + local_web.requests(path="/stopped")


async def test_a_screenshot_shows_what_the_page_draws(page: Page) -> None:
    await page.set_viewport_size({"width": 320, "height": 200})
    await page.set_content("<body style='background: #102030'></body>")
    png = await page.screenshot()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert [int.from_bytes(png[at : at + 4]) for at in (16, 20)] == [320, 200]
    drawn = """(png) => fetch(png).then((file) => file.blob()).then(createImageBitmap).then((image) => {
        const context = new OffscreenCanvas(1, 1).getContext('2d');
        context.drawImage(image, 0, 0);
        return [...context.getImageData(0, 0, 1, 1).data];
    })"""
    assert await page.evaluate(drawn, f"data:image/png;base64,{base64.b64encode(png).decode()}") == [
        0x10,
        0x20,
        0x30,
        255,
    ]


async def test_a_pdf_holds_the_text_of_the_page(page: Page, local_web: LocalWeb) -> None:
    await page.goto(local_web.url("site.test", "/page"))
    pdf = await page.pdf()
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert b"/Font" in pdf, "no text in it: the sandbox has no fonts"


async def test_text_has_glyphs_for_other_scripts_than_latin(page: Page) -> None:
    await page.set_content("<span id='a'>Ω</span><br><span id='b'>Ж</span>")
    widths = await page.evaluate("['a', 'b'].map((id) => document.getElementById(id).getBoundingClientRect().width)")
    assert all(width > 4 for width in widths)


async def test_a_certificate_of_nobody_is_refused_until_the_client_says_otherwise(
    page: Page, local_web: LocalWeb
) -> None:
    with pytest.raises(PlaywrightError, match="ERR_CERT_AUTHORITY_INVALID"):
        await page.goto(local_web.url("site.test", "/page", tls=True))
    context = await _context_of(page).new_context(ignore_https_errors=True)
    trusting = await context.new_page()
    answer = await trusting.goto(local_web.url("site.test", "/page", tls=True))
    assert answer is not None
    details = await answer.security_details()
    assert details is not None
    assert details["protocol"] == "TLS 1.3"
    await context.close()


async def test_a_download_is_complete_but_its_file_stays_in_the_sandbox(page: Page, local_web: LocalWeb) -> None:
    # Playwright believes that a browser it connected to writes to Playwright's own disk. The download itself goes well;
    # the path it names does not exist on this side of the glass.
    await page.goto(local_web.url("site.test", "/"))
    async with page.expect_download() as downloading:
        await page.click("text=download")
    download = await downloading.value
    assert download.suggested_filename == "report.txt"
    assert await download.failure() is None
    with pytest.raises(PlaywrightError, match="ENOENT"):
        await download.save_as("never.txt")


async def test_a_file_is_uploaded_from_the_client(page: Page, local_web: LocalWeb) -> None:
    await page.goto(local_web.url("site.test", "/page"))
    await page.evaluate("document.body.innerHTML = '<input type=file id=file>'")
    file = {"name": "note.txt", "mimeType": "text/plain", "buffer": b"from the client"}
    await page.set_input_files("#file", file)  # type: ignore[arg-type]
    assert await page.evaluate("document.querySelector('#file').files[0].text()") == "from the client"


async def _received(page: Page) -> Json:
    received: Json = await page.evaluate("JSON.parse(document.body.innerText)")
    return received


def _context_of(page: Page) -> Browser:
    browser = page.context.browser
    assert browser is not None
    return browser
