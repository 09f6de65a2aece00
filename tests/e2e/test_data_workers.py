"""A daemon whose bytes pass through worker processes: everything as ever, and what the end of a worker costs."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloche.testing.cdp import CdpClosedError
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]


LISTENS = """
new Promise((resolve, reject) => {
    window.socket = new WebSocket(`ws://${location.host}/ws`);
    socket.onopen = resolve;
    socket.onerror = reject;
})
"""
ECHOES = """
new Promise((resolve) => {
    socket.onmessage = ({ data }) => resolve(data);
    socket.onclose = () => resolve("closed");
    socket.send("still there?");
})
"""


@pytest.fixture(params=[0, 2], ids=["here", "workers"])
async def either(local_web: LocalWeb, request: pytest.FixtureRequest) -> AsyncIterator[DaemonProcess]:
    async with DaemonProcess(resolver_hosts=local_web.hosts_file, data_workers=request.param) as process:
        yield process


@pytest.fixture
async def with_workers(local_web: LocalWeb) -> AsyncIterator[DaemonProcess]:
    async with DaemonProcess(resolver_hosts=local_web.hosts_file, data_workers=2) as process:
        yield process


async def usage(daemon: DaemonProcess, session: Json) -> Json:
    found: Json = (await daemon.request("GET", f"/v1/sessions/{session['id']}")).json["usage"]
    return found


async def total(daemon: DaemonProcess, name: str) -> float:
    """Of all workers together."""
    text = (await daemon.request("GET", "/metrics")).body.decode()
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name + "{"))


async def connections(daemon: DaemonProcess) -> dict[str, float]:
    """Of each worker, by its place."""
    text = (await daemon.request("GET", "/metrics")).body.decode()
    found = re.findall(r'^cloche_data_worker_connections\{worker="(.)"\} (\S+)$', text, re.MULTILINE)
    return {place: float(count) for place, count in found}


def pids(daemon: DaemonProcess) -> list[int]:
    return [line["pid"] for line in daemon.log if line["event"] == "data_worker_ready"]


async def test_a_page_is_driven_fetches_and_its_bytes_are_counted(
    either: DaemonProcess, cdp: Any, local_web: LocalWeb
) -> None:
    session = await either.create_session()
    client = await cdp(session["connect_url"])
    page = await client.new_page(local_web.url("site.test", "/page"))
    size = await page.evaluate("fetch('/bytes/3000000').then((a) => a.arrayBuffer()).then((b) => b.byteLength)")
    assert size == 3_000_000
    assert len(await page.evaluate("'x'.repeat(5_000_000)")) == 5_000_000
    async with asyncio.timeout(5):
        while (await usage(either, session))["egress_bytes_in"] < size:
            await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        while pids(either) and await total(either, "cloche_data_worker_bytes_total") < size + 5_000_000:
            await asyncio.sleep(0.05)
    await either.request("DELETE", f"/v1/sessions/{session['id']}")
    with pytest.raises(CdpClosedError, match="closed_by_user"):
        await page.evaluate("1")
    assert await total(either, "cloche_data_worker_connections") == 0


async def test_an_endless_body_is_cut_where_the_budget_ends(
    either: DaemonProcess, cdp: Any, local_web: LocalWeb
) -> None:
    limit = 2_000_000
    session = await either.create_session(budget={"egress_bytes": limit})
    page = await (await cdp(session["connect_url"])).new_page(local_web.url("site.test", "/page"))
    drink = """(async () => {
        const reader = (await fetch("/endless")).body.getReader();
        try { for (;;) { const {done} = await reader.read(); if (done) return "ended"; } }
        catch (error) { return error.name; }
    })()"""
    assert await page.evaluate(drink) == "TypeError"
    taken = await usage(either, session)
    assert taken["egress_bytes_in"] + taken["egress_bytes_out"] == limit
    assert await page.goto(local_web.url("other.test", "/page")) == "net::ERR_SOCKS_CONNECTION_FAILED"


async def test_killed_workers_cost_connections_and_no_session(
    with_workers: DaemonProcess, cdp: Any, local_web: LocalWeb
) -> None:
    session = await with_workers.create_session()
    page = await (await cdp(session["connect_url"])).new_page(local_web.url("site.test", "/page"))
    await page.evaluate("document.title = 'kept'")
    first = pids(with_workers)
    for pid in first:
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(CdpClosedError):
        while True:
            await page.evaluate("1")
    again = await cdp(session["connect_url"])
    targets = (await again.send("Target.getTargets"))["targetInfos"]
    assert "kept" in {target["title"] for target in targets}
    fresh = await again.new_page(local_web.url("other.test", "/page"))
    assert await fresh.evaluate("document.title") == "page of other.test"
    async with asyncio.timeout(10):
        while await total(with_workers, "cloche_data_worker_restarts_total") < 2:
            await asyncio.sleep(0.05)
    shown = (await with_workers.request("GET", f"/v1/sessions/{session['id']}")).json
    assert shown["status"] == "ready"


async def test_the_end_of_one_worker_costs_its_own_connections_and_nothing_else(
    with_workers: DaemonProcess, cdp: Any, local_web: LocalWeb
) -> None:
    sessions, pages, served_by = [await with_workers.create_session() for _ in range(2)], [], []
    for session in sessions:
        before = await connections(with_workers)
        page = await (await cdp(session["connect_url"])).new_page(local_web.url("site.test", "/form"))
        await page.evaluate(LISTENS)
        pages.append(page)
        after = await connections(with_workers)
        served_by.append({place for place in after if after[place] > before[place]})
    assert served_by[0] ^ served_by[1] == {"0", "1"}
    (lost,) = served_by[0]
    os.kill(next(line["pid"] for line in with_workers.log if line.get("worker") == int(lost)), signal.SIGKILL)
    with pytest.raises(CdpClosedError):
        while True:
            await pages[0].evaluate("1")
    assert await pages[1].evaluate(ECHOES) == "still there?", "client and WebSocket of the other go on"
    shown = [(await with_workers.request("GET", f"/v1/sessions/{session['id']}")).json for session in sessions]
    assert [one["status"] for one in shown] == ["ready", "ready"]
    again = await (await cdp(sessions[0]["connect_url"])).new_page(local_web.url("site.test", "/form"))
    await again.evaluate(LISTENS)
    assert await again.evaluate(ECHOES) == "still there?"
    async with asyncio.timeout(10):
        while await total(with_workers, "cloche_data_worker_restarts_total") < 1:
            await asyncio.sleep(0.05)


async def test_what_workers_relay_ends_with_the_key_that_opened_it_or_the_session_it_belongs_to(
    with_workers: DaemonProcess, cdp: Any, local_web: LocalWeb
) -> None:
    made = (await with_workers.request("POST", "/v1/keys", {"principal": "ann", "role": "user"})).json
    session = (await with_workers.request("POST", "/v1/sessions", {}, key=made["secret"])).json
    headers = {"authorization": f"Bearer {made['secret']}"}
    by_key = await cdp(session["connect_url"].partition("?")[0], headers=headers)
    page = await by_key.new_page(local_web.url("site.test", "/form"))
    await page.evaluate(LISTENS)
    by_url = await cdp(session["connect_url"])
    assert (await with_workers.request("DELETE", f"/v1/keys/{made['id']}")).status == 200
    ended = await by_key.wait_closed(10)
    assert (ended.code, ended.reason) == (4401, "key_revoked")
    # The session and its own address are no part of the key: they go on, and what the page had opened too.
    assert await (await by_url.attach(page.target_id)).evaluate(ECHOES) == "still there?"
    assert sum((await connections(with_workers)).values()) >= 2
    await with_workers.request("DELETE", f"/v1/sessions/{session['id']}")
    ended = await by_url.wait_closed()
    assert (ended.code, ended.reason) == (1001, "closed_by_user")
    assert await connections(with_workers) == {"0": 0, "1": 0}


async def test_workers_end_with_their_daemon_however_it_ends(local_web: LocalWeb) -> None:
    for ending in ("terminate", "kill9"):
        async with DaemonProcess(resolver_hosts=local_web.hosts_file, data_workers=2) as daemon:
            started = pids(daemon)
            assert len(started) == 2
            await getattr(daemon, ending)()
            async with asyncio.timeout(5):
                while any(is_alive(pid) for pid in started):
                    await asyncio.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
