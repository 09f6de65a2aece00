"""The kernel's limits are real: memory and processes of one session end there and nowhere else."""

import asyncio
import json
import os
import time
from typing import Any

from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess

MIB = 1 << 20
HOG_PAGE = "window.held = []; setInterval(() => held.push(new Uint8Array(16 << 20).fill(7)), 5)"


async def events_of(daemon: DaemonProcess, id_: str, *, until: str, timeout_s: float = 20) -> list[dict[str, Any]]:
    """The events of a live session up to the first of type `until`."""
    seen: list[dict[str, Any]] = []
    deadline = time.monotonic() + timeout_s
    while not any(event["type"] == until for event in seen):
        assert time.monotonic() < deadline, [event["type"] for event in seen]
        seen += await _events_after(daemon, id_, seen[-1]["id"] if seen else 0)
    return seen


async def _events_after(daemon: DaemonProcess, id_: str, after: int) -> list[dict[str, Any]]:
    """At least one event after `after`, read from the live stream."""
    host, _, port = daemon.base_url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        path = f"/v1/sessions/{id_}/events?after={after}"
        writer.write(f"GET {path} HTTP/1.0\r\nHost: localhost\r\nX-API-Key: {daemon.key}\r\n\r\n".encode())
        async with asyncio.timeout(20):
            while line := await reader.readline():
                if line.startswith(b"data: "):
                    return [json.loads(line[6:])]
        return []
    finally:
        writer.close()


async def test_a_browser_above_its_memory_is_killed_and_that_is_told_at_once(stub_daemon: DaemonProcess) -> None:
    bystander = await stub_daemon.create_session()
    session = await stub_daemon.create_session(user_agent="hog", budget={"memory_bytes": 256 * MIB})
    events = await events_of(stub_daemon, session["id"], until="session.failed", timeout_s=30)
    types = [event["type"] for event in events]
    assert types.index("memory.exceeded") < types.index("browser.gave_up")
    assert events[-1]["data"]["reason"] == "out_of_memory"
    ended = await stub_daemon.request("GET", f"/v1/sessions/{session['id']}")
    assert (ended.json["status"], ended.json["reason"]) == ("failed", "out_of_memory")
    assert (await stub_daemon.request("GET", f"/v1/sessions/{bystander['id']}/json/list")).status == 200
    assert stub_daemon.is_running


async def test_a_sandbox_that_forks_as_often_as_it_can_meets_its_process_limit(stub_daemon: DaemonProcess) -> None:
    session = await stub_daemon.create_session(user_agent="fork", budget={"processes": 100})
    deadline = time.monotonic() + 15
    while "children" not in (report := (await _report(stub_daemon, session["id"]))):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    assert report["refused"] == os.strerror(11)
    assert 64 <= report["children"] < 100
    assert (await stub_daemon.request("GET", f"/v1/sessions/{session['id']}")).json["status"] == "ready"
    await stub_daemon.create_session()


async def _report(daemon: DaemonProcess, id_: str) -> dict[str, Any]:
    answer = await daemon.request("GET", f"/v1/sessions/{id_}/json/list")
    assert answer.status == 200, answer.body
    report: dict[str, Any] = answer.json[0]
    return report


async def test_a_page_that_takes_all_memory_is_ended_and_no_other_session_notices(shared_daemon: DaemonProcess) -> None:
    bystander = await shared_daemon.create_session()
    session = await shared_daemon.create_session(budget={"memory_bytes": 384 * MIB})
    async with await CdpClient.connect(session["connect_url"]) as client:
        page = await client.new_page()
        await page.evaluate(HOG_PAGE)
        await events_of(shared_daemon, session["id"], until="memory.exceeded", timeout_s=30)
    async with await CdpClient.connect(bystander["connect_url"]) as client:
        page = await client.new_page()
        assert await page.evaluate("6 * 7") == 42
    status = (await shared_daemon.request("GET", f"/v1/sessions/{session['id']}")).json
    assert (status["status"], status["reason"]) in {("ready", ""), ("failed", "out_of_memory")}
