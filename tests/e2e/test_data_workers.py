"""A daemon whose bytes pass through worker processes: everything as ever, and what the end of a worker costs."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloche.testing.cdp import CdpClosedError
from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]


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
