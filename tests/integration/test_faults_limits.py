"""The kernel's limits are real: memory and processes of one session end there and nowhere else."""

import os

import pytest

from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess
from cloche.testing.watching import events_until, stub_report

MIB = 1 << 20
HOG_PAGE = "window.held = []; setInterval(() => held.push(new Uint8Array(16 << 20).fill(7)), 5)"


async def test_a_browser_above_its_memory_is_killed_and_that_is_told_at_once(stub_daemon: DaemonProcess) -> None:
    bystander = await stub_daemon.create_session()
    session = await stub_daemon.create_session(user_agent="hog", budget={"memory_bytes": 256 * MIB})
    events = await events_until(stub_daemon, session["id"], "session.failed", timeout_s=30)
    types = [event["type"] for event in events]
    assert types.index("memory.exceeded") < types.index("browser.gave_up")
    assert events[-1]["data"]["reason"] == "out_of_memory"
    ended = await stub_daemon.request("GET", f"/v1/sessions/{session['id']}")
    assert (ended.json["status"], ended.json["reason"]) == ("failed", "out_of_memory")
    assert (await stub_daemon.request("GET", f"/v1/sessions/{bystander['id']}/json/list")).status == 200
    assert stub_daemon.is_running


async def test_a_sandbox_that_forks_as_often_as_it_can_meets_its_process_limit(stub_daemon: DaemonProcess) -> None:
    session = await stub_daemon.create_session(user_agent="fork", budget={"processes": 100})
    report = await stub_report(stub_daemon, session["id"], "children")
    assert report["refused"] == os.strerror(11)
    assert 64 <= report["children"] < 100
    assert (await stub_daemon.request("GET", f"/v1/sessions/{session['id']}")).json["status"] == "ready"
    await stub_daemon.create_session()


@pytest.mark.promise("memory-is-limited")
async def test_a_page_that_takes_all_memory_is_ended_and_no_other_session_notices(shared_daemon: DaemonProcess) -> None:
    neighbours = [await shared_daemon.create_session() for _ in range(3)]
    session = await shared_daemon.create_session(budget={"memory_bytes": 384 * MIB})
    async with await CdpClient.connect(session["connect_url"]) as client:
        page = await client.new_page()
        await page.evaluate(HOG_PAGE)
        await events_until(shared_daemon, session["id"], "memory.exceeded", timeout_s=30)
    for neighbour in neighbours:
        async with await CdpClient.connect(neighbour["connect_url"]) as client:
            page = await client.new_page()
            assert await page.evaluate("6 * 7") == 42
        told = await events_until(shared_daemon, neighbour["id"], "devtools.detached")
        assert not {"memory.exceeded", "browser.exited", "browser.restarting"} & {event["type"] for event in told}
    status = (await shared_daemon.request("GET", f"/v1/sessions/{session['id']}")).json
    assert (status["status"], status["reason"]) in {("ready", ""), ("failed", "out_of_memory")}
