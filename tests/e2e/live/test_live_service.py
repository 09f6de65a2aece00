"""A live view with a real Chromium: what viewers see of it, do in it, and what a hostile page can do to them."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from cloche.browser.memory import Memory
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.live.model import ClipboardPolicy, Codec
from cloche.sessions.live import link as link_module
from cloche.sessions.live.options import LiveOptions
from cloche.testing import bare_chromium
from cloche.testing.bare_chromium import BareChromium, soon
from cloche.testing.cdp import CdpClient, CdpPage
from cloche.testing.live_view import LiveRig, LiveViewer, dials, live_rig
from cloche.testing.sessions import BUDGET, make_options, make_session
from cloche.testing.web.server import LocalWeb

Open = Callable[..., Awaitable[CdpPage]]
BOTH = LiveOptions(clipboard=ClipboardPolicy.BOTH)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "RETRY_S", 0.05)


@pytest.fixture
def chromium() -> Iterator[BareChromium]:
    """One for each test: half of them kill it, or a page of it."""
    with BareChromium("--site-per-process") as process:
        yield process


@pytest.fixture
def another() -> Iterator[BareChromium]:
    """That is there when the first has gone."""
    with BareChromium() as process:
        yield process


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Iterator[BareChromium]:
    """Which has one tab in front, where the shell has all of them there."""
    monkeypatch.setattr(bare_chromium, "CHROMIUM", "/usr/lib/chromium/chromium")
    with BareChromium("--headless=new", "--disable-gpu") as process:
        yield process


@pytest.fixture
async def client(chromium: BareChromium) -> AsyncIterator[CdpClient]:
    """A DevTools client beside the live view, which it must not notice."""
    async with await CdpClient.connect(chromium.websocket_url) as made:
        yield made


@pytest.fixture
def open_page(client: CdpClient) -> Open:
    """`await open_page("<p>…")`: a tab with that document."""

    async def open_(html: str = "<title>one</title>") -> CdpPage:
        page = await client.new_page()
        await show(page, html)
        return page

    return open_


async def show(page: CdpPage, html: str) -> None:
    loaded = page.expect("Page.loadEventFired")
    await page.send(
        "Page.navigate", {"url": "data:text/html;charset=utf-8," + html.replace("%", "%25").replace("#", "%23")}
    )
    async with asyncio.timeout(20):
        await loaded


@pytest.fixture
async def rig(chromium: BareChromium) -> AsyncIterator[LiveRig]:
    async with live_rig(dials([chromium]), options=BOTH) as made:
        yield made


async def join_page(rig: LiveRig, page: CdpPage, **joining: Any) -> LiveViewer:
    """A viewer to whom that page is shown."""
    viewer = await rig.join(**joining)
    await viewer.until(lambda state: state["browser"] == "up" and page.target_id in ids(state))
    viewer.do("switch_tab", tab_id=page.target_id)
    await viewer.until(lambda state: active(state) == page.target_id and state["control"]["mine"])
    await pictured(rig, viewer)
    return viewer


async def pictured(rig: LiveRig, viewer: LiveViewer) -> None:
    """Have pictures taken, of which coordinates go by."""
    count = len(rig.pictures.taken)
    viewer.seat.watch(Codec.JPEG)
    async with asyncio.timeout(20):
        while len(rig.pictures.taken) == count:
            await asyncio.sleep(0.01)


def ids(state: Any) -> list[str]:
    return [tab["id"] for tab in state["tabs"]]


def active(state: Any) -> str:
    return next((tab["id"] for tab in state["tabs"] if tab["active"]), "")


async def middle(page: CdpPage, selector: str) -> tuple[float, float]:
    box = await page.evaluate(
        f"(() => {{ const r = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
        " return [r.x + r.width / 2, r.y + r.height / 2] })()"
    )
    return box[0], box[1]


# --- seeing -----------------------------------------------------------------------------------------------------------


async def test_a_viewer_sees_the_page_its_title_and_its_tabs(rig: LiveRig, open_page: Open) -> None:
    page = await open_page("<title>Cart</title><h1>Cart</h1>")
    viewer = await join_page(rig, page)
    state = await viewer.until(lambda state: state["page"]["title"] == "Cart")
    assert state["page"]["url"].startswith("data:text/html") and not state["page"]["loading"]
    await viewer.until(lambda state: (state["viewport"]["width"], state["viewport"]["height"]) == (800, 600))
    jpeg, taken_at_ms, width, height = rig.pictures.taken[-1]
    assert jpeg.startswith(b"\xff\xd8") and (width, height) == (800, 600)
    assert taken_at_ms == int(rig.clock.now().timestamp() * 1000), "the clock of the test is not the browser's"
    await page.evaluate("document.title = 'x'.repeat(10_000_000)")
    state = await viewer.until(lambda state: state["page"]["title"].startswith("xxx"))
    assert len(state["page"]["title"]) <= 256


async def test_the_view_follows_what_the_shown_page_opens_and_goes_back_when_that_closes(
    rig: LiveRig, open_page: Open
) -> None:
    page = await open_page("<title>one</title><a href='about:blank' target=_blank>open</a>")
    viewer = await join_page(rig, page)
    viewer.click(*await middle(page, "a"))
    state = await viewer.until(lambda state: active(state) not in ("", page.target_id))
    viewer.do("close_tab", tab_id=active(state))
    await viewer.until(lambda state: active(state) == page.target_id)


async def test_the_view_follows_programs_to_the_tab_they_choose(rig: LiveRig, open_page: Open) -> None:
    first, second = await open_page(), await open_page()
    viewer = await join_page(rig, first)
    rig.owner.browsing.pausing.tab_chosen(second.target_id)
    await viewer.until(lambda state: active(state) == second.target_id)


async def test_the_view_leaves_an_empty_tab_for_what_a_client_opens(rig: LiveRig, client: CdpClient) -> None:
    viewer = await rig.join()
    await viewer.until(lambda state: state["page"]["url"] == "about:blank" and active(state))
    page = await client.new_page()
    await show(page, "<title>new</title>")
    await viewer.until(lambda state: active(state) == page.target_id)


async def test_the_cursor_and_the_focus_are_told(rig: LiveRig, open_page: Open) -> None:
    page = await open_page(
        "<body style='margin:0'><a href='x:' style='display:block;height:40px'>link</a>"
        "<div style='height:40px;cursor:url(x.png) 1 1, zoom-in'></div><p style='font:40px serif;margin:0'>words</p>"
        "<input style='height:40px'><form name=body><img name=activeElement></form>"
    )
    viewer = await join_page(rig, page)
    for y, cursor in ((20, "pointer"), (60, "zoom-in"), (100, "text"), (590, "default")):
        viewer.do("mousemove", x=20, y=y)
        await viewer.until(lambda state, cursor=cursor: state["cursor"] == cursor)
    viewer.click(*await middle(page, "input"))
    await viewer.until(lambda state: state["editing"] and state["cursor"] == "text")
    viewer.click(20, 590)
    await viewer.until(lambda state: not state["editing"])


async def test_the_cursor_is_told_from_frames_of_other_processes_too(
    rig: LiveRig, client: CdpClient, local_web: LocalWeb
) -> None:
    page = await client.new_page(local_web.url("site.test", "/"))
    source = local_web.url("other.test", "/")
    await page.evaluate(
        'document.body.innerHTML = \'<iframe style="position:absolute;left:0;top:0;width:300px;height:300px" '
        f'src="{source}"></iframe>\''
    )
    targets = (await client.send("Target.getTargets"))["targetInfos"]
    async with asyncio.timeout(20):
        while not any(one["type"] == "iframe" and one["url"] == source for one in targets):
            targets = (await client.send("Target.getTargets"))["targetInfos"]
    frame = await client.attach(next(one["targetId"] for one in targets if one["type"] == "iframe"))
    await frame.evaluate("document.documentElement.style.cursor = 'wait', document.body.innerHTML = '<input>'")
    viewer = await join_page(rig, page)

    async def moves() -> None:
        x = 0
        while True:
            x = (x + 1) % 50
            viewer.do("mousemove", x=100 + x, y=200)
            await asyncio.sleep(0.1)

    moving = spawn(moves(), name="moves")
    try:
        await viewer.until(lambda state: state["cursor"] == "wait")
    finally:
        await cancel_and_wait(moving)
    viewer.click(*await middle(frame, "input"))
    await viewer.until(lambda state: state["editing"])
    viewer.key("a", "KeyA")
    viewer.key("a", "KeyA", 2)
    viewer.key("c", "KeyC", 2)
    assert (await viewer.told("clipboard"))["text"] == "a"


# --- acting -----------------------------------------------------------------------------------------------------------


async def test_a_person_types_copies_cuts_and_pastes(rig: LiveRig, open_page: Open) -> None:
    page = await open_page("<input id=i><input id=p type=password value=secret>")
    viewer = await join_page(rig, page)
    viewer.click(*await middle(page, "#i"))
    viewer.key("H", "KeyH")
    viewer.do("text", text="ällö")
    await page.wait_for("document.querySelector('#i').value === 'Hällö'")
    viewer.key("a", "KeyA", 2)
    viewer.key("c", "KeyC", 2)
    assert (await viewer.told("clipboard"))["text"] == "Hällö"
    viewer.do("copy", cut=True)
    assert (await viewer.told("clipboard"))["text"] == "Hällö"
    await page.wait_for("document.querySelector('#i').value === ''")
    viewer.do("paste", text="von außen")
    await page.wait_for("document.querySelector('#i').value === 'von außen'")
    viewer.click(*await middle(page, "#p"))
    viewer.key("a", "KeyA", 2)
    viewer.do("copy")
    viewer.click(*await middle(page, "#i"))
    viewer.key("a", "KeyA", 2)
    viewer.do("copy")
    assert (await viewer.told("clipboard"))["text"] == "von außen", "and nothing of the password"


@pytest.mark.promise("what-a-page-copies-unasked-goes-nowhere")
async def test_what_a_page_copies_unasked_goes_to_nobody(rig: LiveRig, open_page: Open) -> None:
    page = await open_page(
        "<body oncopy=\"event.clipboardData.setData('text/plain', 'evil'), event.preventDefault(),"
        " document.title = 'copied'\"><button onclick=\"document.execCommand('copy')\">x</button>"
    )
    viewer = await join_page(rig, page)
    viewer.click(*await middle(page, "button"))
    await viewer.until(lambda state: state["page"]["title"] == "copied")
    assert "clipboard" not in viewer.codes
    viewer.do("copy")
    assert (await viewer.told("clipboard"))["text"] == "evil", "what the page makes of it is what is copied"


async def test_what_is_held_is_let_go_when_its_viewer_leaves(rig: LiveRig, open_page: Open) -> None:
    page = await open_page(
        "<button style='position:fixed;left:0;top:0;width:100px;height:100px' onclick=\"log.push('click')\"></button>"
        "<script>var log = []; for (const type of ['mousedown', 'mouseup', 'keydown', 'keyup'])"
        " addEventListener(type, (event) => log.push(type))</script>"
    )
    other = await join_page(rig, page)
    rig.clock.advance(11)
    viewer, stack = await rig.come()
    viewer.do("mousedown", x=50, y=50)
    viewer.do("keydown", key="Shift", code="ShiftLeft")
    await page.wait_for("log.includes('mousedown') && log.includes('keydown')")
    other.do("mousedown", x=10, y=10)
    await stack.aclose()
    await page.wait_for("log.includes('mouseup') && log.includes('keyup')")
    assert sorted(await page.evaluate("log")) == ["keydown", "keyup", "mousedown", "mouseup"], "no click of it"


async def test_coordinates_outside_of_the_page_do_nothing(rig: LiveRig, open_page: Open) -> None:
    page = await open_page(
        "<body style='height:100vh'><script>var log = [];"
        "addEventListener('mousedown', (event) => log.push([event.clientX, event.clientY]))</script>"
    )
    viewer = await join_page(rig, page)
    for x, y in ((-1, 5), (5, 1e6), (801, 5), (1e6, 1e6)):
        viewer.click(x, y)
    viewer.do("mousedown", x=100, y=10, width=200, height=200)
    viewer.do("mousedown", x=400, y=300, width=1600, height=1200)
    await page.wait_for("log.length")
    assert await page.evaluate("log") == [[200, 150]], "beside the page in a letterboxed box is outside as well"


async def test_a_person_goes_places_and_back(rig: LiveRig, client: CdpClient, local_web: LocalWeb) -> None:
    page = await client.new_page()
    viewer = await join_page(rig, page)
    first, second = local_web.url("site.test", "/"), local_web.url("other.test", "/")
    viewer.do("navigate", url=first)
    await viewer.until(lambda state: state["page"]["url"] == first and not state["page"]["loading"])
    viewer.do("navigate", url=second)
    await viewer.until(lambda state: state["page"]["url"] == second and state["page"]["can_go_back"])
    viewer.do("back")
    await viewer.until(lambda state: state["page"]["url"] == first and state["page"]["can_go_forward"])
    viewer.do("forward")
    await viewer.until(lambda state: state["page"]["url"] == second)
    viewer.do("navigate", url="javascript:alert(1)")
    assert "http" in (await viewer.told("navigation_failed"))["message"]
    viewer.do("navigate", url="http://nobody.invalid/")
    assert "net::ERR" in (await viewer.told("navigation_failed"))["message"]


async def test_a_person_is_held_to_the_sessions_domains(chromium: BareChromium, client: CdpClient) -> None:
    session = make_session(options=make_options(action_allowed_domains=("site.test",)))
    page = await client.new_page()
    await show(page, "<button onclick='document.title = 1'>x</button>")
    async with live_rig(dials([chromium]), session=session) as rig:
        viewer = await join_page(rig, page)
        viewer.do("navigate", url="https://elsewhere.test/")
        assert (await viewer.told("navigation_failed"))["rule"] == "action_allowed_domains"
        viewer.click(*await middle(page, "button"))
        await viewer.told("domain_not_allowed")
        assert await page.evaluate("document.title") == ""


async def test_tabs_are_opened_up_to_the_budget_and_the_last_leaves_an_empty_one(
    chromium: BareChromium, client: CdpClient
) -> None:
    session = make_session(options=make_options(budget=replace(BUDGET, tabs=2)))
    async with live_rig(dials([chromium]), session=session) as rig:
        viewer = await rig.join()
        state = await viewer.until(active)
        first = active(state)
        viewer.do("open_tab")
        viewer.do("open_tab")
        await viewer.told("tab_limit")
        state = await viewer.until(lambda state: len(state["tabs"]) == 2 and active(state) != first)
        for tab in list(state["tabs"]):
            viewer.do("close_tab", tab_id=tab["id"])
        viewer.do("close_tab", tab_id="nothing")
        gone = {tab["id"] for tab in state["tabs"]}
        await viewer.until(lambda state: len(state["tabs"]) == 1 and active(state) and active(state) not in gone)


async def test_the_page_is_resized_and_looks_like_a_phone_until_the_last_viewer_leaves(
    rig: LiveRig, open_page: Open
) -> None:
    page = await open_page("<meta name=viewport content='width=device-width'>")
    await join_page(rig, page)
    rig.clock.advance(11)
    viewer, stack = await rig.come()
    await viewer.until(lambda state: active(state) == page.target_id)
    viewer.do("resize", width=1000, height=500, scale=2)
    await page.wait_for("innerWidth === 1000 && innerHeight === 500 && devicePixelRatio === 2")
    await viewer.until(lambda state: (state["viewport"]["width"], state["viewport"]["scale"]) == (1000, 2))
    viewer.do("emulate", device="Pixel 8")
    await page.wait_for(
        "innerWidth === 412 && navigator.userAgent.includes('Pixel 8') && navigator.maxTouchPoints === 5"
    )
    await viewer.until(lambda state: state["viewport"]["device"] == "Pixel 8")
    viewer.do("resize", width=0, height=0)
    await page.wait_for("innerWidth === 800 && !navigator.userAgent.includes('Pixel') && !navigator.maxTouchPoints")
    viewer.do("resize", width=900, height=500)
    await page.wait_for("innerWidth === 900")
    await stack.aclose()
    assert await page.evaluate("innerWidth") == 900, "somebody still watches"


async def test_what_viewers_have_set_is_undone_and_what_the_service_has_set_is_put_back(
    chromium: BareChromium, open_page: Open
) -> None:
    page = await open_page()
    async with chromium.browser(memory=Memory()) as browser:
        tab = browser.tab(page.target_id)
        metrics = {"width": 1000, "height": 700, "deviceScaleFactor": 1, "mobile": False}
        await tab.session.call("Emulation.setDeviceMetricsOverride", metrics, deadline=soon())
        tab.notes["viewport"] = (1000, 700, 1.0, False)
        async with live_rig(dials([chromium])) as rig:
            rig.owner.browsing.connected = browser
            viewer, stack = await rig.come()
            viewer.do("switch_tab", tab_id=page.target_id)
            await viewer.until(lambda state: state["browser"] == "up" and active(state))
            viewer.do("switch_tab", tab_id=page.target_id)
            await viewer.until(lambda state: active(state) == page.target_id)
            assert await page.evaluate("innerWidth") == 1000, "to watch changes nothing"
            viewer.do("resize", width=640, height=480)
            await page.wait_for("innerWidth === 640")
            await stack.aclose()
            await page.wait_for("innerWidth === 1000 && innerHeight === 700")
        assert await page.evaluate("innerWidth") == 1000


async def test_a_dialog_is_shown_and_answered_and_outlives_the_viewer(rig: LiveRig, open_page: Open) -> None:
    page = await open_page()
    viewer, stack = await rig.come()
    await viewer.until(lambda state: state["browser"] == "up" and page.target_id in ids(state))
    viewer.do("switch_tab", tab_id=page.target_id)
    await viewer.until(lambda state: active(state) == page.target_id and state["control"]["mine"])
    asked = spawn(page.evaluate("prompt('Who?' + '!'.repeat(10_000_000), 'you')", timeout_s=30), name="asks")
    state = await viewer.until(lambda state: state["dialog"])
    assert (state["dialog"]["type"], state["dialog"]["default_text"]) == ("prompt", "you")
    assert len(state["dialog"]["message"]) <= 4096
    viewer.do("dialog", accept=True, text="me")
    assert await asked == "me"
    await viewer.until(lambda state: state["dialog"] is None)
    asked = spawn(page.evaluate("confirm('?')", timeout_s=30), name="asks")
    await viewer.until(lambda state: state["dialog"])
    viewer.do("open_tab")
    await viewer.until(lambda state: active(state) not in ("", page.target_id))
    await stack.aclose()
    assert not asked.done()
    await page.send("Page.handleJavaScriptDialog", {"accept": True})
    assert await asked is True


# --- faults -----------------------------------------------------------------------------------------------------------


async def test_a_browser_that_is_killed_comes_back_to_its_viewers(
    open_page: Open, chromium: BareChromium, another: BareChromium
) -> None:
    page = await open_page("<title>first</title>")
    processes = [chromium]
    async with live_rig(dials(processes)) as rig:
        viewer = await join_page(rig, page)
        viewer.do("mousedown", x=5, y=5)
        assert chromium._process is not None
        os.killpg(chromium._process.pid, signal.SIGKILL)
        await viewer.until(lambda state: state["browser"] == "starting" and not state["tabs"])
        assert "browser_gone" in rig.pictures.told
        viewer.click(5, 5)
        count = len(rig.pictures.taken)
        processes.append(another)
        rig.service.browser_came()
        state = await viewer.until(lambda state: state["browser"] == "up" and active(state))
        assert active(state) != page.target_id
        async with asyncio.timeout(20):
            while len(rig.pictures.taken) == count:
                await asyncio.sleep(0.01)


async def test_a_page_that_crashes_is_told_of_and_reloaded(rig: LiveRig, open_page: Open) -> None:
    page = await open_page("<title>sound</title>")
    viewer = await join_page(rig, page)
    await page.client._transmit(json.dumps({"id": 10_000, "method": "Page.crash", "sessionId": page.session_id}))
    await viewer.until(lambda state: state["browser"] == "crashed")
    viewer.click(5, 5)
    viewer.do("reload")
    await viewer.until(lambda state: state["browser"] == "up" and state["page"]["title"] == "sound")


async def test_a_script_that_speaks_without_end_is_not_listened_to(rig: LiveRig, open_page: Open) -> None:
    page = await open_page("<title>storm</title>")
    viewer = await join_page(rig, page)
    contexts: list[int] = []
    page.client.events = []
    await page.send("Runtime.enable")
    contexts = [
        event.params["context"]["id"]
        for event in page.client.events
        if event.method == "Runtime.executionContextCreated" and event.params["context"]["name"] == "cloche-live"
    ]
    page.client.events = None
    storm = """(() => {
        const name = Object.getOwnPropertyNames(globalThis).find((name) => name.startsWith('cloche_'));
        for (let index = 0; index < 200_000; index++) {
          const cursor = index % 2 ? 'x'.repeat(60) : 'url(https://evil.test/)';
          globalThis[name](JSON.stringify({cursor, copied: 'evil'}));
        }
        return name.length;
    })()"""
    params = {"expression": storm, "contextId": contexts[-1], "returnByValue": True}
    storming = spawn(page.send("Runtime.evaluate", params, timeout_s=60), name="storms")
    await viewer.until(lambda state: state["browser"] == "starting")
    assert (await storming)["result"]["value"] > 10
    state = await viewer.until(lambda state: state["browser"] == "up" and active(state) == page.target_id)
    assert state["cursor"] == "default" and viewer.codes == []
    await pictured(rig, viewer)


async def test_a_page_that_logs_without_end_is_shown_all_the_same(rig: LiveRig, open_page: Open) -> None:
    page = await open_page("<script>setInterval(() => { for (let i = 0; i < 300; i++) console.log(i) }, 20)</script>")
    viewer = await rig.join()
    await viewer.until(lambda state: state["browser"] == "up" and active(state) == page.target_id)
    await viewer.until(lambda state: state["browser"] == "starting")
    await viewer.until(lambda state: state["browser"] == "up" and active(state) == page.target_id)
    await pictured(rig, viewer)
    assert rig.owner.dials == 2


async def test_dialogs_without_end_do_not_fill_anything(rig: LiveRig, open_page: Open) -> None:
    page = await open_page("<script>setTimeout(() => { while (true) alert('x'.repeat(1e5)) }, 300)</script>")
    viewer = await join_page(rig, page)
    for _ in range(50):
        await viewer.until(lambda state: state["dialog"])
        viewer.do("dialog", accept=True)
        viewer.state["dialog"] = None
    viewer.do("open_tab")
    state = await viewer.until(lambda state: active(state) not in ("", page.target_id) and state["dialog"] is None)
    viewer.do("close_tab", tab_id=page.target_id)
    assert len(state["tabs"]) == 3
    await page.client._transmit(json.dumps({"id": 10_000, "method": "Page.crash", "sessionId": page.session_id}))


async def test_a_viewer_that_reads_nothing_holds_nobody_up(rig: LiveRig, open_page: Open) -> None:
    page = await open_page("<title>0</title>")
    silent = await rig.join()
    viewer = await join_page(rig, page)
    for number in range(1, 6):
        await page.evaluate(f"document.title = {number}")
        await viewer.until(lambda state, number=number: state["page"]["title"] == str(number))
    await silent.hear()
    assert silent.state["page"]["title"] == "5"


async def test_other_clients_notice_nothing(rig: LiveRig, client: CdpClient, open_page: Open) -> None:
    page = await open_page("<title>one</title>")
    viewer = await join_page(rig, page)
    await viewer.until(lambda state: state["page"]["title"] == "one")
    names = await page.evaluate("Object.getOwnPropertyNames(globalThis).filter((name) => /cloche|live/i.test(name))")
    assert names == []
    opened = await page.evaluate("(() => { const w = open('about:blank'); return w && w.document.readyState })()")
    assert opened == "complete", "a new page waits for nobody"


async def test_a_thumbnail_is_taken_without_a_viewer_and_passed_on_with_one(rig: LiveRig, open_page: Open) -> None:
    page = await open_page("<title>one</title><body style='background:red'>")
    first, second = await asyncio.gather(rig.service.thumbnail(), rig.service.thumbnail())
    assert first == second and first.startswith(b"\xff\xd8") and rig.owner.dials == 1
    assert await rig.service.thumbnail() == first
    assert rig.owner.users == 0
    await join_page(rig, page)
    assert await rig.service.thumbnail() == rig.pictures.taken[-1][0]


async def test_full_chromium_is_followed_to_the_tab_that_a_client_brings_to_the_front(full: BareChromium) -> None:
    async with live_rig(dials([full])) as rig, await CdpClient.connect(full.websocket_url) as client:
        first, second = await client.new_page(), await client.new_page()
        await show(first, "<title>first</title>")
        await show(second, "<title>second</title>")
        viewer = await join_page(rig, first)
        await viewer.until(lambda state: state["page"]["title"] == "first")
        await second.send("Page.bringToFront")
        await viewer.until(lambda state: active(state) == second.target_id)
