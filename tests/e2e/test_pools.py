"""Named pools of real browsers: what is acquired was there before, is used once, and leaves nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess, processes_of
from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]
Call = Callable[..., Awaitable[Any]]

PATIENCE_S = 30.0
"""Browsers of many tests start on the same cores."""
OPTIONS = {"viewport": {"width": 800, "height": 600}, "labels": {"team": "blue"}, "timezone": "Asia/Tokyo"}


async def ask(daemon: DaemonProcess, method: str, path: str, body: object = None, *, key: str | None = None) -> Json:
    answer = await daemon.request(method, path, body, key=key)
    assert answer.status < 300, answer.body
    answered: Json = answer.json
    return answered


@pytest.fixture
async def user(shared_daemon: DaemonProcess) -> str:
    return str((await ask(shared_daemon, "POST", "/v1/keys", {"principal": "ann", "role": "user"}))["secret"])


@pytest.fixture
async def pool(shared_daemon: DaemonProcess) -> AsyncIterator[set[str]]:
    """A pool of one, which waits: its sandbox."""
    before = sandboxes(shared_daemon)
    await ask(shared_daemon, "POST", "/v1/pools", {"name": "blue", "size": 1, "options": OPTIONS})
    await filled(shared_daemon, 1)
    yield sandboxes(shared_daemon) - before
    await shared_daemon.request("DELETE", "/v1/pools/blue")
    for session in (await ask(shared_daemon, "GET", "/v1/sessions?limit=200"))["sessions"]:
        await ask(shared_daemon, "DELETE", f"/v1/sessions/{session['id']}")
    await until(lambda: not sandboxes(shared_daemon) - before)


def sandboxes(daemon: DaemonProcess) -> set[str]:
    return {path.name for path in daemon.run_dir.glob("ses_*")}


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await asyncio.to_thread(is_so):
            await asyncio.sleep(0.05)


async def filled(daemon: DaemonProcess, size: int, name: str = "blue") -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await ask(daemon, "GET", f"/v1/pools/{name}"))["ready"] != size:
            await asyncio.sleep(0.05)


async def pages_of(client: CdpClient) -> list[str]:
    targets = (await client.send("Target.getTargets"))["targetInfos"]
    return [each["url"] for each in targets if each["type"] == "page"]


async def test_what_is_acquired_was_there_before_and_what_is_released_is_gone(
    shared_daemon: DaemonProcess, local_web: LocalWeb, pool: set[str], user: str
) -> None:
    session = await ask(shared_daemon, "POST", "/v1/pools/blue/acquire", {"labels": {"run": "7"}}, key=user)
    assert {session["id"]} == pool
    assert (session["owner"], session["status"], session["pool"]) == ("ann", "ready", "blue")
    assert session["labels"] == {"team": "blue", "run": "7"}
    async with await CdpClient.connect(session["connect_url"]) as client:
        page = await client.new_page(local_web.url("site.test", "/form"))
        assert await page.evaluate("location.pathname") == "/form"
        assert await page.evaluate("outerWidth") == 800
        assert await page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone") == "Asia/Tokyo"

    released = await ask(shared_daemon, "POST", "/v1/pools/blue/release", {"session_id": session["id"]}, key=user)
    assert (released["status"], released["reason"]) == ("closed", "closed_by_user")
    await until(lambda: session["id"] not in sandboxes(shared_daemon))
    await filled(shared_daemon, 1)
    seen = await ask(shared_daemon, "GET", "/v1/pools/blue", key=user)
    assert (seen["hits"], seen["misses"], seen["in_use"]) == (1, 0, 0)
    again = await ask(shared_daemon, "POST", "/v1/pools/blue/acquire", key=user)
    assert again["id"] != session["id"]
    async with await CdpClient.connect(again["connect_url"]) as client:
        (url,) = await pages_of(client)
        assert url.endswith("/welcome.html"), "nothing of the first"


async def test_a_flush_replaces_what_waits_and_a_session_opens_its_own_start_page(
    shared_daemon: DaemonProcess, local_web: LocalWeb, pool: set[str]
) -> None:
    assert await ask(shared_daemon, "POST", "/v1/pools/blue/flush") == {"flushed": 1}
    await until(lambda: not pool & sandboxes(shared_daemon))
    await filled(shared_daemon, 1)
    session = await ask(
        shared_daemon, "POST", "/v1/pools/blue/acquire", {"start_url": local_web.url("site.test", "/form")}
    )
    assert session["id"] not in pool
    async with await CdpClient.connect(session["connect_url"]) as client, asyncio.timeout(PATIENCE_S):
        # Chromium says that it closes the first page before it has.
        while len(pages := await pages_of(client)) != 1:
            await asyncio.sleep(0.02)
        assert pages[0].endswith("/form")


async def test_a_pool_survives_a_restart_and_a_deleted_one_leaves_nothing(daemon: DaemonProcess) -> None:
    body = {"name": "blue", "size": 2, "options": OPTIONS}
    made = await ask(daemon, "POST", "/v1/pools", body)
    await filled(daemon, 2)
    before = sandboxes(daemon)
    await daemon.restart()
    pool = await ask(daemon, "GET", "/v1/pools/blue")
    assert (pool["size"], pool["options"], pool["created_at"]) == (2, made["options"], made["created_at"])
    await filled(daemon, 2)
    assert not before & sandboxes(daemon), "a stop waits for what it removes"

    await daemon.kill9()
    left = sandboxes(daemon)
    await daemon.restart()
    await filled(daemon, 2)
    assert not left & sandboxes(daemon), "what a killed daemon had waiting is nobody's"
    session = await ask(daemon, "POST", "/v1/pools/blue/acquire")
    await ask(daemon, "DELETE", "/v1/pools/blue")
    await until(lambda: sandboxes(daemon) == {session["id"]})
    assert (await daemon.request("GET", "/v1/pools/blue")).status == 404
    assert (await ask(daemon, "DELETE", f"/v1/sessions/{session['id']}"))["status"] == "closed"
    assert not await asyncio.to_thread(processes_of, daemon.run_dir)


@pytest.fixture
async def pooled(local_web: LocalWeb) -> AsyncIterator[DaemonProcess]:
    """A daemon with a default pool of two, which the shared one has not."""
    settings: dict[str, Any] = {"pool_size": 2, "pool_settle_s": 0.2}
    async with DaemonProcess(resolver_hosts=local_web.hosts_file, **settings) as daemon:
        await filled(daemon, 2, "default")
        yield daemon


async def test_the_default_pool_is_flushed_while_sessions_are_taken_from_it(
    pooled: DaemonProcess, local_web: LocalWeb
) -> None:
    before = sandboxes(pooled)
    first, *flushes = await asyncio.gather(
        pooled.create_session(), *(ask(pooled, "POST", "/v1/pools/default/flush") for _ in range(3))
    )
    assert sum(flush["flushed"] for flush in flushes) >= 1, "of two that waited one was taken at most"
    await until(lambda: not (before & sandboxes(pooled)) - {first["id"]})
    await filled(pooled, 2, "default")
    await until(lambda: len(sandboxes(pooled)) == 3)
    second = await pooled.create_session()
    assert second["started"] == "warm" and second["id"] not in before
    for session in (first, second):
        async with await CdpClient.connect(session["connect_url"]) as client:
            page = await client.new_page(local_web.url("site.test", "/form"))
            assert await page.evaluate("location.pathname") == "/form"

    pool, *_ = (await ask(pooled, "GET", "/v1/pools"))["pools"]
    assert (pool["name"], pool["size"], pool["in_use"], pool["created_at"]) == ("default", 2, 2, None)
    assert (pool["hits"], pool["misses"]) == (1 + (first["id"] in before), int(first["id"] not in before))
    metrics = (await pooled.request("GET", "/metrics")).body.decode()
    assert f'cloche_pool_takes_total{{outcome="hit",pool="default"}} {pool["hits"]:.1f}' in metrics
    refused = await pooled.request("POST", "/v1/pools/default/acquire")
    assert (refused.status, refused.json["reason"]) == (409, "default_pool")

    waiting = sandboxes(pooled) - {first["id"], second["id"]}
    await filled(pooled, 2, "default")
    assert await ask(pooled, "POST", "/v1/pools/default/flush") == {"flushed": 2}
    await until(lambda: not waiting & sandboxes(pooled))
    await pooled.terminate()
    assert not await asyncio.to_thread(processes_of, pooled.run_dir)
    assert not sandboxes(pooled)
