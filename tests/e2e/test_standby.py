"""Sleep and wake of real sessions: nothing moves, nothing is lost, and whoever comes is served."""

import asyncio
from typing import Any

from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]

COUNTS = """
const { dataset } = document.body;
window.count = dataset.count = 0;
setInterval(() => { dataset.count = ++window.count }, 20);
"""


async def status(daemon: DaemonProcess, session: Json) -> str:
    return str((await daemon.request("GET", f"/v1/sessions/{session['id']}")).json["status"])


async def put_to_sleep(daemon: DaemonProcess, session: Json) -> None:
    answer = await daemon.request("POST", f"/v1/sessions/{session['id']}/sleep")
    assert (answer.status, answer.json["status"]) == (200, "sleeping"), answer.body


async def until_status(daemon: DaemonProcess, session: Json, wanted: str, timeout_s: float = 15.0) -> None:
    async with asyncio.timeout(timeout_s):
        while await status(daemon, session) != wanted:
            await asyncio.sleep(0.05)


async def counting(session: Json, url: str) -> None:
    """A page that counts, left alone."""
    async with await CdpClient.connect(session["connect_url"]) as client:
        page = await client.new_page(url)
        await page.evaluate(COUNTS)


async def page_at(client: CdpClient, path: str) -> Any:
    targets = (await client.send("Target.getTargets"))["targetInfos"]
    return await client.attach(next(target["targetId"] for target in targets if target["url"].endswith(path)))


async def test_a_session_that_asks_for_it_sleeps_and_a_client_wakes_it(
    shared_daemon: DaemonProcess, local_web: LocalWeb, events_of: Any
) -> None:
    session = await shared_daemon.create_session(standby={"after_s": 1})
    assert session["standby"] == {"after_s": 1, "hibernate_after_s": None}
    await counting(session, local_web.url("site.test", "/form"))
    await until_status(shared_daemon, session, "sleeping")
    async with await CdpClient.connect(session["connect_url"]) as client:
        page = await page_at(client, "/form")
        count = await page.evaluate("window.count")
        await asyncio.sleep(0.3)
        assert await page.evaluate("window.count") > count, "its timers go on"
        assert await status(shared_daemon, session) == "ready"
    await until_status(shared_daemon, session, "sleeping")
    events = await events_of(shared_daemon).until(
        session, lambda seen: sum(one["type"] == "session.asleep" for one in seen) == 2
    )
    assert [one["type"] for one in events if one["type"].startswith("session.a")] == [
        "session.asleep",
        "session.awake",
        "session.asleep",
    ]


async def test_while_it_sleeps_nothing_moves_and_an_action_wakes_it(
    shared_daemon: DaemonProcess, local_web: LocalWeb
) -> None:
    session = await shared_daemon.create_session()
    api, url = f"/v1/sessions/{session['id']}", local_web.url("site.test", "/form")
    assert (await shared_daemon.request("POST", f"{api}/navigate", {"url": url})).json["success"]
    async with await CdpClient.connect(session["connect_url"]) as client:
        await (await page_at(client, "/form")).evaluate(COUNTS)

    async def count() -> int:
        body = {"expression": "Number(document.body.dataset.count)"}
        answer = (await shared_daemon.request("POST", f"{api}/evaluate", body)).json
        assert answer["success"], answer
        return int(answer["value_json"])

    before = await count()
    await put_to_sleep(shared_daemon, session)
    await asyncio.sleep(3)
    # 3 s are 150 turns of its timer; before and after the sleep there is time for some.
    assert await count() - before < 100
    assert await status(shared_daemon, session) == "ready"


async def test_a_session_that_is_used_is_not_put_to_sleep(shared_daemon: DaemonProcess) -> None:
    session = await shared_daemon.create_session()
    async with await CdpClient.connect(session["connect_url"]):
        answer = await shared_daemon.request("POST", f"/v1/sessions/{session['id']}/sleep")
        assert (answer.status, answer.json["reason"]) == (409, "session_in_use")
        assert await status(shared_daemon, session) == "ready"
    await put_to_sleep(shared_daemon, session)
    woken = await shared_daemon.request("POST", f"/v1/sessions/{session['id']}/wake")
    assert (woken.status, woken.json["status"]) == (200, "ready")


async def test_a_pages_web_socket_survives_sleep(shared_daemon: DaemonProcess, local_web: LocalWeb) -> None:
    session = await shared_daemon.create_session()
    async with await CdpClient.connect(session["connect_url"]) as client:
        page = await client.new_page(local_web.url("site.test", "/form"))
        await page.evaluate(
            f"""new Promise((resolve, reject) => {{
                window.heard = [];
                window.socket = new WebSocket({local_web.url("site.test", "/ws").replace("http", "ws", 1)!r});
                socket.onmessage = ({{ data }}) => heard.push(data);
                socket.onopen = resolve;
                socket.onerror = reject;
            }})"""
        )
    await put_to_sleep(shared_daemon, session)
    await asyncio.sleep(1)
    async with await CdpClient.connect(session["connect_url"]) as client:
        page = await page_at(client, "/form")
        heard = await page.evaluate(
            """new Promise((resolve) => {
                socket.onmessage = ({ data }) => resolve(data);
                socket.onclose = () => resolve("closed");
                socket.send("still there?");
            })"""
        )
        assert heard == "still there?"


async def test_sessions_that_slept_through_a_crash_are_adopted(daemon: DaemonProcess, local_web: LocalWeb) -> None:
    asleep = await daemon.create_session()
    awake = await daemon.create_session()
    for session in (asleep, awake):
        await counting(session, local_web.url("site.test", "/form"))
    await put_to_sleep(daemon, asleep)
    await daemon.kill9()
    await daemon.restart()
    for session in (asleep, awake):
        async with await CdpClient.connect(session["connect_url"]) as client:
            page = await page_at(client, "/form")
            assert await page.evaluate("window.count") >= 0
        assert await status(daemon, session) == "ready"


async def test_one_that_sleeps_is_ended_like_any_other(shared_daemon: DaemonProcess) -> None:
    session = await shared_daemon.create_session()
    await put_to_sleep(shared_daemon, session)
    answer = await shared_daemon.request("DELETE", f"/v1/sessions/{session['id']}")
    assert (answer.status, answer.json["status"]) == (200, "closed")
    for verb in ("sleep", "wake"):
        again = await shared_daemon.request("POST", f"/v1/sessions/{session['id']}/{verb}")
        assert again.status == 410
