"""The DevTools door with a raw client: what goes through it, how many at once, and how it closes."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from cloche.testing.cdp import CdpClient, CdpClosedError, CdpError, CdpPage
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]

TWENTY_MB = 20_000_000


async def test_a_page_opens_navigates_and_evaluates(tabs: Any, local_web: LocalWeb) -> None:
    page = await tabs.open(local_web.url("site.test", "/link"))
    loaded = page.expect("Page.loadEventFired")
    await page.evaluate("document.querySelector('#other').click()")
    async with asyncio.timeout(5):
        await loaded
    assert await page.evaluate("document.title") == "page of other.test"


async def test_a_real_mouse_click_and_real_keys_reach_the_page(tabs: Any, local_web: LocalWeb) -> None:
    page = await tabs.open(local_web.url("site.test", "/form"))
    box = await page.evaluate(
        "(({x, y}) => ({x: x + 5, y: y + 5}))(document.querySelector('#name').getBoundingClientRect())"
    )
    for kind in ("mousePressed", "mouseReleased"):
        await page.send("Input.dispatchMouseEvent", {"type": kind, **box, "button": "left", "clickCount": 1})
    await page.send("Input.insertText", {"text": "Grace"})
    assert await page.evaluate("[document.activeElement.id, document.activeElement.value]") == ["name", "Grace"]


async def test_a_popup_is_a_new_target(tabs: Any, local_web: LocalWeb) -> None:
    page = await tabs.open(local_web.url("site.test", "/popup"))
    await tabs.client.send("Target.setDiscoverTargets", {"discover": True})
    made = tabs.client.expect(
        "Target.targetInfoChanged", where=lambda told: told["targetInfo"]["url"].endswith("/opened")
    )
    await page.send("Runtime.evaluate", {"expression": "document.querySelector('#open').click()", "userGesture": True})
    async with asyncio.timeout(5):
        told = (await made).params["targetInfo"]
    assert (told["type"], told["openerId"]) == ("page", page.target_id)
    await page.wait_for("document.title === 'heard opened'")


async def test_a_worker_is_attached_on_its_own(tabs: Any, local_web: LocalWeb) -> None:
    page = await tabs.open(local_web.url("site.test", "/page"))
    await page.send("Target.setAutoAttach", {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True})
    attached = page.expect("Target.attachedToTarget")
    await page.goto(local_web.url("site.test", "/worker"))
    async with asyncio.timeout(5):
        told = (await attached).params
    worker = CdpPage(tabs.client, told["targetInfo"]["targetId"], told["sessionId"])
    assert told["targetInfo"]["type"] == "worker"
    assert await worker.evaluate("self.constructor.name") == "DedicatedWorkerGlobalScope"


async def test_a_twenty_megabyte_result_arrives_whole(tabs: Any) -> None:
    page = await tabs.open()
    text = await page.evaluate(f"'0123456789'.repeat({TWENTY_MB // 10})", timeout_s=20)
    assert len(text) == TWENTY_MB
    assert text == "0123456789" * (TWENTY_MB // 10)


async def test_a_twenty_megabyte_command_arrives_whole(tabs: Any) -> None:
    page = await tabs.open()
    digest = "let sum = 0; for (let i = 0; i < text.length; i++) sum = (sum * 31 + text.charCodeAt(i)) | 0; sum"
    short = await page.evaluate(f"(() => {{ const text = 'abc'; {digest.replace('; sum', '; return sum')} }})()")
    assert short == 96354
    text = "abcdefghij" * (TWENTY_MB // 10)
    assert await page.evaluate(f"'{text}'.length", timeout_s=20) == TWENTY_MB


async def test_eight_clients_at_once_each_get_their_own_answers(cdp: Any, kept_session: Json) -> None:
    clients = await asyncio.gather(*(cdp(kept_session["connect_url"]) for _ in range(8)))

    async def work(number: int, client: CdpClient) -> list[int]:
        page = await client.new_page()
        answers = [await page.evaluate(f"{number} * 1000 + {step}") for step in range(25)]
        await page.close()
        return answers

    found = await asyncio.gather(*(work(number, client) for number, client in enumerate(clients)))
    assert found == [[number * 1000 + step for step in range(25)] for number in range(8)]


async def test_the_versions_address_can_be_dialled_as_it_is_given(
    shared_daemon: DaemonProcess, kept_session: Json, cdp: Any
) -> None:
    answer = await shared_daemon.request("GET", f"/v1/sessions/{kept_session['id']}/json/version")
    version = answer.json
    assert version["Browser"] == kept_session["browser"]["product"]
    client = await cdp(version["webSocketDebuggerUrl"])
    assert (await client.send("Browser.getVersion"))["product"] == version["Browser"]


@pytest.mark.parametrize("path", ["/json", "/json/list"])
async def test_every_listed_target_can_be_dialled_as_it_is_given(
    path: str, shared_daemon: DaemonProcess, kept_session: Json, cdp: Any, tabs: Any, local_web: LocalWeb
) -> None:
    await tabs.open(local_web.url("site.test", "/form"))
    listed = (await shared_daemon.request("GET", f"/v1/sessions/{kept_session['id']}{path}")).json
    entry = next(one for one in listed if one["url"].endswith("/form"))
    assert entry["webSocketDebuggerUrl"].startswith(shared_daemon.base_url.replace("http", "ws"))
    page = await cdp(entry["webSocketDebuggerUrl"])
    answer = await page.send("Runtime.evaluate", {"expression": "document.title"})
    assert answer["result"]["value"] == "form"


async def test_a_tab_is_opened_and_closed_over_http(
    shared_daemon: DaemonProcess, session: Json, local_web: LocalWeb
) -> None:
    base = f"/v1/sessions/{session['id']}/json"
    opened = (await shared_daemon.request("PUT", f"{base}/new?{local_web.url('site.test', '/page')}")).json
    await local_web.wait_for_request("site.test", "/page")
    assert (await shared_daemon.request("GET", f"{base}/activate/{opened['id']}")).status == 200
    assert (await shared_daemon.request("GET", f"{base}/close/{opened['id']}")).status == 200
    async with asyncio.timeout(5):
        while opened["id"] in str((await shared_daemon.request("GET", f"{base}/list")).json):
            await asyncio.sleep(0)
    assert (await shared_daemon.request("GET", f"{base}/close/{opened['id']}")).status == 404


async def test_a_page_that_is_not_there_is_not_found(kept_session: Json, cdp: Any) -> None:
    gone = kept_session["connect_url"].replace("/cdp?", "/devtools/page/0123456789ABCDEF0123456789ABCDEF?")
    with pytest.raises(InvalidStatus) as refused:
        await cdp(gone)
    assert refused.value.response.status_code == 404


async def test_a_page_that_is_closed_says_so_to_whoever_is_on_it(
    shared_daemon: DaemonProcess, kept_session: Json, cdp: Any, tabs: Any
) -> None:
    page = await tabs.open()
    direct = await cdp(kept_session["connect_url"].replace("/cdp?", f"/devtools/page/{page.target_id}?"))
    await page.close()
    closed = await direct.wait_closed()
    assert (closed.code, closed.reason) == (1001, "target_closed")


async def test_a_silent_client_stays_connected(cdp: Any, kept_session: Json) -> None:
    quiet, busy = await cdp(kept_session["connect_url"]), await cdp(kept_session["connect_url"])
    page = await busy.new_page()
    # A second of traffic beside it is what can be had in a test; that no timer is armed is tested in the door's own.
    await page.evaluate("new Promise((resolve) => setTimeout(resolve, 1200))")
    await page.close()
    assert not quiet.closed.is_set()
    assert (await quiet.send("Browser.getVersion"))["product"]


async def test_a_client_that_reads_slowly_loses_nothing(kept_session: Json) -> None:
    async with connect(
        kept_session["connect_url"], max_size=None, max_queue=1, compression=None, proxy=None, close_timeout=2
    ) as slow:
        target = {"id": 1, "method": "Target.createTarget", "params": {"url": "about:blank"}}
        await slow.send(json.dumps(target))
        target_id = json.loads(await slow.recv())["result"]["targetId"]
        attach = {"id": 2, "method": "Target.attachToTarget", "params": {"targetId": target_id, "flatten": True}}
        await slow.send(json.dumps(attach))
        session_id = ""
        while not session_id:
            session_id = json.loads(await slow.recv()).get("result", {}).get("sessionId", "")
        for number in range(10, 20):
            evaluate = {"expression": f"String({number}).repeat(1e6)", "returnByValue": True}
            await slow.send(
                json.dumps({"id": number, "method": "Runtime.evaluate", "sessionId": session_id, "params": evaluate})
            )
        answers = [json.loads(await slow.recv()) for _ in range(10)]
        assert [answer["result"]["result"]["value"] for answer in answers] == [str(n) * 10**6 for n in range(10, 20)]
        await slow.send(json.dumps({"id": 3, "method": "Target.closeTarget", "params": {"targetId": target_id}}))
        while json.loads(await slow.recv()).get("id") != 3:
            pass


async def test_closing_the_session_tells_every_client_why(
    shared_daemon: DaemonProcess, session: Json, cdp: Any
) -> None:
    clients = [await cdp(session["connect_url"]) for _ in range(3)]
    answer = await shared_daemon.request("DELETE", f"/v1/sessions/{session['id']}")
    assert (answer.status, answer.json["status"], answer.json["connect_url"]) == (200, "closed", None)
    ends = [await client.wait_closed() for client in clients]
    assert {(end.code, end.reason) for end in ends} == {(1001, "closed_by_user")}


async def test_a_session_that_has_ended_is_gone_for_a_dial(
    shared_daemon: DaemonProcess, session: Json, cdp: Any
) -> None:
    await shared_daemon.request("DELETE", f"/v1/sessions/{session['id']}")
    with pytest.raises(InvalidStatus) as refused:
        await cdp(session["connect_url"])
    problem = json.loads(refused.value.response.body)
    assert (refused.value.response.status_code, problem["reason"]) == (410, "closed_by_user")


async def test_a_wrong_or_missing_token_is_turned_away(kept_session: Json, cdp: Any) -> None:
    url = kept_session["connect_url"]
    for bad in (url.partition("?")[0], url[:-1] + ("A" if url[-1] != "A" else "B"), url + "x"):
        with pytest.raises(InvalidStatus) as refused:
            await cdp(bad)
        assert refused.value.response.status_code == 401, bad


async def test_an_error_of_chromium_is_an_error_of_the_call_alone(tabs: Any) -> None:
    page = await tabs.open()
    with pytest.raises(CdpError, match="NoSuch"):
        await page.send("NoSuch.method")
    assert await page.evaluate("1 + 1") == 2


async def test_a_browser_that_the_client_closes_comes_back(
    session: Json, browser: CdpClient, cdp: Any, events: Any
) -> None:
    with pytest.raises(CdpClosedError) as ended:
        while True:  # its answer may still come before it goes
            await browser.send("Browser.close")
            await asyncio.wait_for(browser.closed.wait(), 5)
    assert ended.value.code == 1012
    again = await cdp(session["connect_url"])
    assert (await again.send("Browser.getVersion"))["product"] == session["browser"]["product"]
    assert (await events.wait(session, "browser.exited"))["reason"] == "closed"
