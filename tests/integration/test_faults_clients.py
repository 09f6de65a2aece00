"""Clients that vanish at the wrong moment: what they began is kept or cleaned, never leaked."""

import asyncio
import time
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

from cloche.testing.daemon import DaemonProcess
from cloche.testing.raw_http import head, send_and_vanish
from cloche.testing.traces import await_no_traces, live_ids

FINAL = ("closed", "failed")


def create_request(daemon: DaemonProcess, label: str, body: bytes = b"") -> bytes:
    body = body or f'{{"labels": {{"who": "{label}"}}}}'.encode()
    lines = ("Host: localhost", f"Authorization: Bearer {daemon.key}", "Content-Type: application/json")
    return head("POST", "/v1/sessions", *lines, f"Content-Length: {len(body)}") + body


async def settled(daemon: DaemonProcess, label: str, count: int) -> list[dict[str, Any]]:
    """Wait until `count` sessions with this label are listed and none of them is pending."""
    deadline = time.monotonic() + 15
    while True:
        listed = await daemon.request("GET", f"/v1/sessions?limit=200&label=who:{label}")
        sessions: list[dict[str, Any]] = listed.json["sessions"]
        if len(sessions) == count and all(session["status"] != "pending" for session in sessions):
            return sessions
        assert time.monotonic() < deadline, [(session["id"], session["status"]) for session in sessions]
        await asyncio.sleep(0.05)


async def test_a_client_that_vanishes_after_its_create_leaves_a_session_that_is_listed_and_can_be_closed(
    stub_daemon: DaemonProcess,
) -> None:
    admitted, request = asyncio.Event(), create_request(stub_daemon, "ghost")
    async with asyncio.timeout(30), asyncio.TaskGroup() as clients:
        for _ in range(5):  # who vanishes before has asked for nothing
            clients.create_task(send_and_vanish(stub_daemon.base_url, request, once=admitted))
        while len((await stub_daemon.request("GET", "/v1/sessions?label=who:ghost")).json["sessions"]) < 5:
            await asyncio.sleep(0.01)
        admitted.set()
    sessions = await settled(stub_daemon, "ghost", 5)
    assert {session["status"] for session in sessions} == {"ready"}
    assert live_ids(stub_daemon) == {session["id"] for session in sessions}
    for session in sessions:
        closed = await stub_daemon.request("DELETE", f"/v1/sessions/{session['id']}")
        assert closed.json["status"] == "closed"
    await await_no_traces(stub_daemon)


async def test_a_client_that_vanishes_in_the_middle_of_its_body_leaves_nothing(stub_daemon: DaemonProcess) -> None:
    before = (await stub_daemon.request("GET", "/v1/sessions?limit=200")).json["sessions"]
    await send_and_vanish(stub_daemon.base_url, create_request(stub_daemon, "half")[:-10])
    whole = await stub_daemon.request("GET", "/v1/sessions?limit=200")
    assert [session["id"] for session in whole.json["sessions"]] == [session["id"] for session in before]


async def test_a_session_is_closed_while_it_is_still_starting(stub_daemon: DaemonProcess) -> None:
    for temper in ("hang", "mute", ""):
        body: dict[str, object] = {"user_agent": temper} if temper else {}
        pending = await stub_daemon.request("POST", "/v1/sessions?wait=false", body)
        assert (pending.status, pending.json["status"]) == (202, "pending")
        closed = await stub_daemon.request("DELETE", f"/v1/sessions/{pending.json['id']}")
        assert (closed.json["status"], closed.json["reason"]) == ("closed", "closed_by_user")
        await await_no_traces(stub_daemon)


async def test_a_client_that_vanishes_while_it_waits_for_its_session_to_close_does_not_stop_the_closing(
    stub_daemon: DaemonProcess,
) -> None:
    session = await stub_daemon.create_session(user_agent="linger")
    lines = ("Host: localhost", f"Authorization: Bearer {stub_daemon.key}")
    await send_and_vanish(stub_daemon.base_url, head("DELETE", f"/v1/sessions/{session['id']}", *lines))
    deadline = time.monotonic() + 10
    while (await stub_daemon.request("GET", f"/v1/sessions/{session['id']}")).json["status"] not in FINAL:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    await await_no_traces(stub_daemon)


async def test_readers_of_events_that_vanish_do_not_pile_up(stub_daemon: DaemonProcess) -> None:
    session = await stub_daemon.create_session()
    lines = ("Host: localhost", f"Authorization: Bearer {stub_daemon.key}")
    before = descriptors(stub_daemon)
    for _ in range(30):
        await send_and_vanish(stub_daemon.base_url, head("GET", f"/v1/sessions/{session['id']}/events", *lines))
    deadline = time.monotonic() + 5
    while descriptors(stub_daemon) > before + 3:
        assert time.monotonic() < deadline, (before, descriptors(stub_daemon))
        await asyncio.sleep(0.05)


async def test_many_sessions_leave_the_daemon_with_the_descriptors_it_had(stub_daemon: DaemonProcess) -> None:
    await cycle(stub_daemon, 3)
    before = descriptors(stub_daemon)
    await cycle(stub_daemon, 18)
    await await_no_traces(stub_daemon)
    # A connection of ours may just be closing; one descriptor a session would be eighteen.
    assert descriptors(stub_daemon) <= before + 3


async def cycle(daemon: DaemonProcess, count: int) -> None:
    for _ in range(count // 3):
        made = await asyncio.gather(*(daemon.create_session() for _ in range(3)))
        await asyncio.gather(*(daemon.request("DELETE", f"/v1/sessions/{session['id']}") for session in made))


def descriptors(daemon: DaemonProcess) -> int:
    return len(list(Path(f"/proc/{daemon.pid}/fd").iterdir()))


async def test_a_devtools_client_that_vanishes_lets_its_session_idle_out(shared_daemon: DaemonProcess) -> None:
    session = await shared_daemon.create_session(idle_timeout_s=1)
    client = await connect(session["connect_url"], proxy=None)
    await client.send('{"id": 1, "method": "Browser.getVersion"}')
    await client.recv()
    client.transport.abort()
    events = await shared_daemon.request("GET", f"/v1/sessions/{session['id']}/events", timeout_s=15)
    assert b"idle_timeout" in events.body
