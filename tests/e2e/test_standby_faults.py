"""What is under way when a session is to be stopped is refused or waited for, never lost; and many wake at once."""

import asyncio
import os
from typing import Any, Final

import pytest

from cloche.concurrency.tasks import spawn
from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]

SETTINGS: Final = {"lease_s": 2}
STORM: Final = 6
LONG_STORM: Final = 100

DOWNLOAD: Final = """(() => {
  const link = document.createElement("a");
  link.href = %r;
  link.download = "ticks.txt";
  document.body.append(link);
  link.click();
})()"""


async def sleep(daemon: DaemonProcess, session: Json) -> tuple[int, str]:
    answer = await daemon.request("POST", f"/v1/sessions/{session['id']}/sleep")
    return answer.status, str(answer.json.get("reason") or answer.json["status"])


async def asleep_at_last(daemon: DaemonProcess, session: Json) -> None:
    async with asyncio.timeout(20):
        while (answer := await sleep(daemon, session)) != (200, "sleeping"):
            assert answer == (409, "session_in_use")
            await asyncio.sleep(0.05)


async def do(daemon: DaemonProcess, session: Json, use_case: str, **fields: object) -> Json:
    answer = await daemon.request("POST", f"/v1/sessions/{session['id']}/{use_case}", fields)
    assert answer.json["success"], answer.body
    told: Json = answer.json
    return told


async def test_an_action_under_way_is_never_stopped_and_one_that_comes_is_never_lost(
    shared_daemon: DaemonProcess, local_web: LocalWeb
) -> None:
    daemon, session = shared_daemon, await shared_daemon.create_session()
    await do(daemon, session, "navigate", url=local_web.url("site.test", "/form"))
    waits = "new Promise((resolve) => setTimeout(() => resolve(7), 600))"
    acting = spawn(do(daemon, session, "evaluate", expression=waits), name="acting")
    await asyncio.sleep(0.2)
    assert await sleep(daemon, session) == (409, "session_in_use")
    assert (await acting)["value_json"] == "7"
    # Both at once, again and again: whichever is first, the action is answered.
    for number in range(15):
        falling = spawn(sleep(daemon, session), name="falling")
        if number % 3:
            await asyncio.sleep(number / 3000)
        assert (await do(daemon, session, "evaluate", expression=f"{number} + 1"))["value_json"] == str(number + 1)
        assert await falling in {(200, "sleeping"), (409, "session_in_use"), (200, "ready")}


async def test_an_upload_under_way_keeps_it_awake_and_arrives_whole(
    shared_daemon: DaemonProcess,
) -> None:
    daemon, session = shared_daemon, await shared_daemon.create_session(machine=True)
    host, _, port = daemon.base_url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = os.urandom(1 << 20)
    path = f"/v1/sessions/{session['id']}/fs/write_file?path=/workspace/file"
    head = f"PUT {path} HTTP/1.1\r\nhost: {host}:{port}\r\nauthorization: Bearer {daemon.key}\r\n"
    head += f"content-type: application/octet-stream\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    try:
        writer.write(head.encode() + body[: 1 << 19])
        await writer.drain()
        async with asyncio.timeout(10):
            while await sleep(daemon, session) != (409, "session_in_use"):
                await daemon.request("POST", f"/v1/sessions/{session['id']}/wake")
        writer.write(body[1 << 19 :])
        await writer.drain()
        assert b" 20" in await reader.readline()
    finally:
        writer.close()
        await writer.wait_closed()
    await asleep_at_last(daemon, session)
    read = await daemon.request("GET", f"/v1/sessions/{session['id']}/fs/read_file?path=/workspace/file")
    assert read.body == body


async def test_a_download_under_way_keeps_it_awake_and_comes_out(
    shared_daemon: DaemonProcess, local_web: LocalWeb, events: Any
) -> None:
    daemon, session = shared_daemon, await shared_daemon.create_session()
    await do(daemon, session, "navigate", url=local_web.url("site.test", "/form"))
    await do(daemon, session, "evaluate", expression=DOWNLOAD % "/slow?chunks=40&interval_ms=100")
    async with asyncio.timeout(10):
        while await sleep(daemon, session) != (409, "session_in_use"):  # it has not begun yet
            await daemon.request("POST", f"/v1/sessions/{session['id']}/wake")
    told = await events.wait(session, "artifact.ready", timeout_s=10)
    assert told["file_name"] == "ticks.txt"
    await asleep_at_last(daemon, session)


async def test_it_outlives_its_agents_lease_asleep(shared_daemon: DaemonProcess, local_web: LocalWeb) -> None:
    """The lease is of two seconds: it runs out while the agent stands still, which nobody holds against it."""
    daemon, session = shared_daemon, await shared_daemon.create_session()
    await do(daemon, session, "navigate", url=local_web.url("site.test", "/form"))
    await asleep_at_last(daemon, session)
    await asyncio.sleep(5)
    assert (await do(daemon, session, "evaluate", expression="location.pathname"))["value_json"] == '"/form"'
    await asyncio.sleep(3)
    assert (await do(daemon, session, "evaluate", expression="1"))["value_json"] == "1"


async def storm(daemon: DaemonProcess, local_web: LocalWeb, size: int, comers: int) -> None:
    """Put `size` sessions to sleep and have `comers` come to each at once, who must all find its own page."""
    sessions = [await daemon.create_session() for _ in range(size)]
    for number, session in enumerate(sessions):
        await do(daemon, session, "navigate", url=local_web.url("site.test", f"/form?{number}"))
        await asleep_at_last(daemon, session)

    async def come(number: int, session: Json) -> bool:
        async with await CdpClient.connect(session["connect_url"]) as client:
            targets = (await client.send("Target.getTargets"))["targetInfos"]
            return any(target["url"].endswith(f"/form?{number}") for target in targets)

    assert all(await asyncio.gather(*(come(*one) for one in enumerate(sessions) for _ in range(comers))))


async def test_many_that_sleep_are_woken_at_once_each_by_its_own(
    shared_daemon: DaemonProcess, local_web: LocalWeb
) -> None:
    await storm(shared_daemon, local_web, STORM, 3)


@pytest.mark.long
async def test_a_hundred_that_sleep_are_woken_at_once(local_web: LocalWeb) -> None:
    settings = {"max_sessions": LONG_STORM, "max_sessions_per_principal": LONG_STORM, "pool_size": 0}
    async with DaemonProcess(resolver_hosts=local_web.hosts_file, **settings) as daemon:
        await storm(daemon, local_web, LONG_STORM, 1)
