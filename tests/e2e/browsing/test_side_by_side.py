"""The service and other clients at one browser: each has what is its own."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserType, Route

from cloche.testing.cdp import CdpClient, CdpClosedError
from cloche.testing.daemon import DaemonProcess

from .conftest import MakeHands
from .hands import Hands

in_playwrights_loop = pytest.mark.asyncio(loop_scope="module")
"""Of tests that use it: its objects belong to the loop that it was started in."""

Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def playwright(chromium: BrowserType, place: Json) -> AsyncIterator[Browser]:
    """Playwright on the session that the service uses too."""
    browser = await chromium.connect_over_cdp(place["connect_url"])
    yield browser
    await browser.close()


@pytest.mark.promise("clients-are-left-alone")
@in_playwrights_loop
async def test_a_clients_context_pages_routes_and_emulation_are_left_alone(hands: Hands, playwright: Browser) -> None:
    context = await playwright.new_context(viewport={"width": 333, "height": 444}, user_agent="theirs/1.0")
    page = await context.new_page()
    await page.route("**/made-up", lambda route: route.fulfill(body="made up"))
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))  # Playwright leaves it to this handler.
    await page.goto(hands.url("dialogs.html"))
    await page.evaluate("document.cookie = 'theirs=1'; localStorage.theirs = '1'")

    await hands.goto("buttons.html")
    await hands.do("SetViewport", width=900, height=600)
    await hands.do("SetPermissions", location="allow")
    await hands.do("Click", selector="#plain")
    await hands.do("OpenTab", url=hands.url("empty.html"))
    await hands.do("ResetState", clear_cookies=True, clear_storage=True, reset_tabs=True)

    urls = [tab["url"] for tab in await hands.tabs()]
    assert sorted(urls) == ["about:blank", page.url], "a client's page is listed, and not closed"
    assert await page.evaluate("[document.cookie, localStorage.theirs]") == ["theirs=1", "1"]
    assert await page.evaluate("[innerWidth, innerHeight, navigator.userAgent]") == [333, 444, "theirs/1.0"]
    assert await page.evaluate("fetch('/made-up').then((answer) => answer.text())") == "made up"
    assert page.url == hands.url("dialogs.html")
    assert not page.is_closed()
    assert len(context.pages) == 1
    await context.close()
    await hands.do("SetViewport")


@in_playwrights_loop
async def test_what_the_service_opens_a_client_sees_and_the_other_way(hands: Hands, playwright: Browser) -> None:
    own = playwright.contexts[0]
    async with own.expect_page() as opening:
        await hands.do("OpenTab", url=hands.url("empty.html?ours"))
    page = await opening.value
    await page.wait_for_url("**/empty.html?ours", timeout=5000)
    theirs = await own.new_page()
    await theirs.goto(hands.url("empty.html?theirs"))
    urls = [tab["url"] for tab in await hands.tabs()]
    assert {hands.url("empty.html?ours"), hands.url("empty.html?theirs")} <= set(urls)
    await theirs.close()
    assert hands.url("empty.html?theirs") not in [tab["url"] for tab in await hands.tabs()]


@in_playwrights_loop
async def test_a_page_that_a_client_intercepts_is_navigated_through_its_interception(
    hands: Hands, playwright: Browser
) -> None:
    await hands.goto("empty.html")
    page = next(page for page in playwright.contexts[0].pages if page.url == hands.url("empty.html"))
    seen: list[str] = []

    async def answer(route: Route) -> None:
        seen.append(route.request.url)
        await route.fulfill(body="<title>of the client</title>", content_type="text/html")

    await page.route("**/intercepted", answer)
    assert (await hands.do("Navigate", url=hands.url("/intercepted")))["title"] == "of the client"
    assert seen == [hands.url("/intercepted")]
    assert not hands.web.requests(path="/intercepted")
    await page.unroute_all()


@in_playwrights_loop
async def test_a_clients_emulation_of_a_shared_page_is_not_undone(hands: Hands, playwright: Browser) -> None:
    await hands.goto("empty.html")
    page = next(page for page in playwright.contexts[0].pages if page.url == hands.url("empty.html"))
    await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    await page.set_extra_http_headers({"x-theirs": "yes"})
    theirs = "['color-scheme: dark', 'reduced-motion: reduce'].map((one) => matchMedia(`(prefers-${one})`).matches)"
    assert await page.evaluate(theirs) == [True, True]
    for rpc, fields in [("Navigate", {"url": hands.url("empty.html?again")}), ("Observe", {}), ("Screenshot", {})]:
        await hands.do(rpc, **fields)
        assert await page.evaluate(theirs) == [True, True], f"{rpc} has undone it"
    assert hands.web.requests(path="/pages/empty.html")[-1].headers["x-theirs"] == "yes"
    await page.emulate_media(color_scheme="null", reduced_motion="null")
    await page.set_extra_http_headers({})


async def test_ten_clients_and_the_service_at_once(hands: Hands, place: Json, cdp: Any) -> None:
    clients: list[CdpClient] = [await cdp(place["connect_url"]) for _ in range(10)]

    async def work(number: int, client: CdpClient) -> list[int]:
        page = await client.new_page(hands.url(f"empty.html?client={number}"))
        values = [await page.evaluate(f"{number} * {step}") for step in range(10)]
        await page.close()
        return values

    async def serve() -> None:
        for number in range(5):
            await hands.goto(f"buttons.html?{number}")
            await hands.do("Click", selector="#plain")
            await hands.do("Observe")

    tab_id = (await hands.do("OpenTab"))["tab"]["tab_id"]
    results, _ = await asyncio.gather(
        asyncio.gather(*(work(number, client) for number, client in enumerate(clients))), serve()
    )
    assert results == [[number * step for step in range(10)] for number in range(10)]
    assert [tab["active"] for tab in await hands.tabs() if tab["tab_id"] == tab_id] == [True]


async def test_a_client_is_not_told_of_what_the_service_does(hands: Hands, place: Json, cdp: Any) -> None:
    client: CdpClient = await cdp(place["connect_url"])
    await hands.goto("buttons.html")
    targets = (await client.send("Target.getTargets"))["targetInfos"]
    page = await client.attach(next(one["targetId"] for one in targets if one["url"] == hands.url("buttons.html")))
    client.events = []
    await page.send("Runtime.enable")
    await hands.do("Click", selector="#plain")
    await hands.do("Observe")
    told = {event.method for event in client.events}
    assert "Runtime.bindingCalled" not in told
    assert "Page.screencastFrame" not in told
    assert not {"Network.requestWillBeSent", "Fetch.requestPaused", "Accessibility.nodesUpdated"} & told


async def test_a_restart_of_the_browser_in_the_middle_is_said_and_the_next_call_works(
    make_hands: MakeHands, shared_daemon: DaemonProcess, cdp: Any
) -> None:
    hands = await make_hands()
    await hands.goto("buttons.html")
    ref = await hands.ref('button "Plain"')
    session = (await shared_daemon.request("GET", f"/v1/sessions/{hands.session_id}")).json
    client: CdpClient = await cdp(session["connect_url"])
    under_way = asyncio.gather(
        hands.door.perform(hands.session_id, "WaitFor", selector="#never", timeout_ms=5000), return_exceptions=True
    )
    await hands.do("GetTitle")
    with pytest.raises(CdpClosedError):
        await client.send("Browser.crash")
    (answer,) = await under_way
    assert isinstance(answer, dict), answer
    assert answer["error"] == "browser_restarted"
    await hands.goto("buttons.html")
    assert await hands.failure("Click", selector=f"ref={ref}") == "stale_ref"
    assert await hands.ref('button "Plain"') != ref
    await hands.works()
    names = [entry["action_name"] for entry in (await hands.do("ActionLog"))["entries"]]
    assert names[0] == "navigate", "what was done before the restart is still told"
