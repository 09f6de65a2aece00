"""Warm sandboxes for real: taken in place of a start, whole and clean, and gone with their daemon.

Each test has a daemon of its own: what takes the place of a sandbox that was taken would pass for left behind.
"""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]

SHAPE: Json = {
    "viewport": {"width": 700, "height": 500},
    "locale": "de-DE",
    "timezone": "Asia/Tokyo",
    "user_agent": "Robot/1.0",
}
SHOWS = (
    "[innerWidth, innerHeight, navigator.language, navigator.userAgent,"
    " Intl.DateTimeFormat().resolvedOptions().timeZone].join()"
)


@pytest.fixture
async def pooled(local_web: LocalWeb) -> AsyncIterator[DaemonProcess]:
    """A daemon that leaves its sessions to the next, with two warm sandboxes."""
    settings = {"pool_size": 2, "pool_settle_s": 0.2, "stop_sessions": "false"}
    async with DaemonProcess(resolver_hosts=local_web.hosts_file, **settings) as daemon:  # type: ignore[arg-type]
        await full(daemon)
        yield daemon
        for session in (await daemon.request("GET", "/v1/sessions")).json["sessions"]:
            await daemon.request("DELETE", f"/v1/sessions/{session['id']}")


def sandboxes(daemon: DaemonProcess) -> set[str]:
    """All that have a directory, sessions' own too."""
    return {entry.name for entry in Path(daemon.run_dir).iterdir() if entry.name.startswith("ses_")}


async def asleep(daemon: DaemonProcess) -> float:
    """How many stand still."""
    text = (await daemon.request("GET", "/metrics")).body.decode()
    wanted = 'cloche_pool_ready{pool="default",state="asleep"}'
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(wanted))


async def full(daemon: DaemonProcess) -> None:
    async with asyncio.timeout(30):
        while await asleep(daemon) < 2:
            await asyncio.sleep(0.1)


async def sessions(daemon: DaemonProcess) -> list[Json]:
    return list((await daemon.request("GET", "/v1/sessions?limit=200")).json["sessions"])


async def pages(client: CdpClient) -> list[Json]:
    return [one for one in (await client.send("Target.getTargets"))["targetInfos"] if one["type"] == "page"]


async def test_a_create_takes_a_sandbox_that_was_there_before(pooled: DaemonProcess, local_web: LocalWeb) -> None:
    before, url = sandboxes(pooled), local_web.url("site.test", "/form")
    session = await pooled.create_session(labels={"a": "1"})
    assert session["id"] in before
    assert session["started"] == "warm"
    assert session["browser"]["product"].startswith("HeadlessChrome/")
    async with await CdpClient.connect(session["connect_url"]) as client:
        page = await client.new_page(url)
        assert await page.evaluate("innerWidth + 'x' + innerHeight") == "1280x800"

    # What one may reach is its own and not the pool's.
    shut = await pooled.create_session(egress={"deny_hosts": ["site.test"]})
    assert shut["started"] == "warm"
    answer = await pooled.request("POST", f"/v1/sessions/{shut['id']}/navigate", {"url": url})
    assert not (answer.status == 200 and answer.json["success"])

    await full(pooled)
    listed = (await pooled.request("GET", "/v1/sessions")).json["sessions"]
    assert [one["id"] for one in listed] == [shut["id"], session["id"]], "newest first, whenever its sandbox was made"


async def test_who_hangs_up_while_one_is_taken_leaves_a_whole_session_or_none(
    pooled: DaemonProcess, local_web: LocalWeb
) -> None:
    """And takes no second sandbox along, at whatever moment: a create through the pool takes some 10 ms."""
    host, _, port = pooled.base_url.removeprefix("http://").rpartition(":")
    head = (
        f"POST /v1/sessions HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {pooled.key}\r\ncontent-length: 0\r\n\r\n"
    )
    for wait_ms in range(0, 16, 2):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(head.encode())
        await asyncio.sleep(wait_ms / 1000)
        writer.transport.abort()

    async with asyncio.timeout(30):
        while "pending" in [one["status"] for one in await sessions(pooled)]:
            await asyncio.sleep(0.05)
    left = {one["id"]: one for one in await sessions(pooled)}
    assert {one["status"] for one in left.values()} <= {"ready"}
    for id_ in left:
        moved = await pooled.request(
            "POST", f"/v1/sessions/{id_}/navigate", {"url": local_web.url("site.test", "/form")}
        )
        assert moved.status == 200 and moved.json["success"], moved.json
    assert left.keys() <= sandboxes(pooled)
    async with asyncio.timeout(30):  # until there is none but theirs and those that wait
        while len(sandboxes(pooled)) != len(left) + await asleep(pooled) or not await asleep(pooled):
            await asyncio.sleep(0.1)
    assert (await pooled.create_session())["started"] == "warm"


async def test_the_start_page_is_the_only_page(pooled: DaemonProcess, local_web: LocalWeb) -> None:
    url = local_web.url("site.test", "/form")
    session = await pooled.create_session(start_url=url)
    assert session["started"] == "warm"
    async with await CdpClient.connect(session["connect_url"]) as client:
        async with asyncio.timeout(10):
            while [one["url"] for one in await pages(client)] != [url]:
                await asyncio.sleep(0.05)
        page = await client.attach((await pages(client))[0]["targetId"])
        assert await page.evaluate("history.length") == 1, "no page that nobody asked for lies behind it"


async def test_a_shape_of_its_own_is_learnt_and_is_whole(pooled: DaemonProcess) -> None:
    cold = [await pooled.create_session(**SHAPE) for _ in range(2)]
    assert [session["started"] for session in cold] == ["cold", "cold"]
    async with asyncio.timeout(30):
        while (session := await pooled.create_session(**SHAPE))["started"] != "warm":
            await pooled.request("DELETE", f"/v1/sessions/{session['id']}")
            await asyncio.sleep(0.5)
    async with await CdpClient.connect(session["connect_url"]) as client:
        page = await client.new_page("about:blank")
        assert await page.evaluate(SHOWS) == "700,500,de-DE,Robot/1.0,Asia/Tokyo"


async def test_a_saved_directory_comes_into_a_sandbox_that_waited_for_one(local_web: LocalWeb) -> None:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    async with DaemonProcess(resolver_hosts=local_web.hosts_file, pool_size=1, state_key=key) as daemon:
        profile = (await daemon.request("POST", "/v1/profiles", {"name": "kept"})).json["id"]
        session = await daemon.create_session(profile={"id": profile, "save": True})
        async with await CdpClient.connect(session["connect_url"]) as client:
            page = await client.new_page(local_web.url("site.test", "/form"))
            await page.evaluate("localStorage.kept = 'yes'; document.cookie = 'kept=too; max-age=600'")
        await daemon.request("DELETE", f"/v1/sessions/{session['id']}")

        start_url, shown = local_web.url("site.test", "/storage"), dict[str, list[str]]()
        async with asyncio.timeout(60):
            while "warm" not in shown:
                session = await daemon.create_session(profile={"id": profile}, start_url=start_url)
                async with await CdpClient.connect(session["connect_url"]) as client:
                    while "" in (urls := sorted(one["url"] for one in await pages(client))) or len(urls) < 2:
                        await asyncio.sleep(0.02)
                    shown[session["started"]] = urls
                    page = await client.new_page(local_web.url("site.test", "/form"))
                    assert await page.evaluate("localStorage.kept + ' ' + document.cookie") == "yes kept=too"
                await daemon.request("DELETE", f"/v1/sessions/{session['id']}")
                await asyncio.sleep(0.5)
        assert shown["warm"] == shown["cold"] == sorted([start_url, local_web.url("site.test", "/form")])


async def test_warm_sandboxes_do_not_outlive_their_daemon_and_sessions_made_of_them_do(pooled: DaemonProcess) -> None:
    session = await pooled.create_session()
    await full(pooled)
    warm = sandboxes(pooled) - {session["id"]}
    await pooled.kill9()
    await pooled.restart()
    assert not warm & sandboxes(pooled)
    assert (await pooled.request("GET", f"/v1/sessions/{session['id']}")).json["status"] == "ready"

    await full(pooled)
    await pooled.terminate()
    assert sandboxes(pooled) == {session["id"]}
    await pooled.restart()
