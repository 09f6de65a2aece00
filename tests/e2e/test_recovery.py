"""A daemon may be killed, stopped and started again: what of its sessions lives, and what is left of the others."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess, processes_of
from cloche.testing.traces import await_removed
from cloche.testing.web.server import LocalWeb

Json = dict[str, Any]


@pytest.fixture
async def lasting(daemon: DaemonProcess, local_web: LocalWeb) -> AsyncIterator[Json]:
    """A session of a daemon of its own, with a page whose state is worth something."""
    session = await daemon.create_session()
    async with await CdpClient.connect(session["connect_url"]) as client:
        page = await client.new_page(local_web.url("site.test", "/form"))
        await page.evaluate("window.kept = 'in memory only'; localStorage.setItem('kept', 'on disk')")
    yield session


async def page_again(client: CdpClient) -> Any:
    """The tab on /form, as a client that comes back finds it."""
    targets = (await client.send("Target.getTargets"))["targetInfos"]
    return await client.attach(next(target["targetId"] for target in targets if target["url"].endswith("/form")))


async def gone(*directories: Path, timeout_s: float = 10.0) -> None:
    """Wait until no process of a sandbox below these directories is left."""
    async with asyncio.timeout(timeout_s):
        while any([await asyncio.to_thread(processes_of, directory) for directory in directories]):
            await asyncio.sleep(0.05)


async def show(daemon: DaemonProcess, session: Json) -> Json:
    found: Json = (await daemon.request("GET", f"/v1/sessions/{session['id']}")).json
    return found


@pytest.mark.promise("same-url-after-kill")
async def test_a_killed_daemon_loses_no_session(
    daemon: DaemonProcess, lasting: Json, cdp: Any, local_web: LocalWeb, events_of: Any
) -> None:
    attached = await cdp(lasting["connect_url"])
    last = (await events_of(daemon).until(lasting, lambda seen: seen[-1]["type"] == "devtools.attached"))[-1]["id"]
    taken = (await show(daemon, lasting))["usage"]["egress_bytes_in"]
    await daemon.kill9()
    assert (await attached.wait_closed()).code == 1006
    await daemon.restart()
    # The same URL, the same page, in the middle of its life.
    client = await cdp(lasting["connect_url"])
    page = await page_again(client)
    assert await page.evaluate("[window.kept, localStorage.getItem('kept')]") == ["in memory only", "on disk"]
    # A way out again, with the same walls.
    assert await page.evaluate("fetch('/page').then((answer) => answer.status)") == 200
    assert await page.evaluate("fetch('http://10.77.0.5/').then(() => 'loaded', () => 'refused')") == "refused"
    told = await events_of(daemon).until(lasting, lambda seen: seen[-1]["type"] == "egress.refused", after=last)
    types = [event["type"] for event in told]
    assert "session.adopted" in types
    assert "session.created" not in types
    assert all(event["id"] > last for event in told)
    shown = await show(daemon, lasting)
    assert (shown["status"], shown["connect_url"]) == ("ready", lasting["connect_url"])
    assert shown["usage"]["egress_bytes_in"] >= min(taken, 1), "the count began anew"


async def test_an_adopted_session_can_be_ended_and_leaves_nothing(daemon: DaemonProcess, lasting: Json) -> None:
    await daemon.kill9()
    await daemon.restart()
    assert (await daemon.request("DELETE", f"/v1/sessions/{lasting['id']}")).json["status"] == "closed"
    assert not processes_of(daemon.run_dir)
    await await_removed(daemon.run_dir / lasting["id"])


async def test_a_name_that_moved_home_while_the_daemon_was_away_is_refused(
    daemon: DaemonProcess, cdp: Any, local_web: LocalWeb, canary: Any, events_of: Any
) -> None:
    session = await daemon.create_session()
    page = await (await cdp(session["connect_url"])).new_page(local_web.url("rebind.test", "/form"))
    await daemon.kill9()
    local_web.rebind("rebind.test", "127.0.0.1")
    await daemon.restart()
    page = await page_again(await cdp(session["connect_url"]))
    tried = f"fetch('http://rebind.test:{canary.port}/', {{mode: 'no-cors'}}).then(() => 'loaded', () => 'refused')"
    assert await page.evaluate(tried) == "refused"
    await events_of(daemon).refusals(session, ("rebind.test", canary.port, "address_not_public"))
    assert canary.callers == []


async def test_a_session_that_todays_settings_forbid_does_not_go_on(
    daemon: DaemonProcess, cdp: Any, canary: Any
) -> None:
    session = await daemon.create_session(egress={"private_hosts": [f"127.0.0.1:{canary.port}"]})
    await daemon.kill9()
    daemon.settings["private_hosts_ceiling"] = "10.0.0.0/8:*"
    await daemon.restart()
    assert (await show(daemon, session))["status"] == "failed"
    await gone(daemon.run_dir)


async def test_a_sandbox_that_no_row_wants_is_reaped(daemon: DaemonProcess, lasting: Json) -> None:
    await daemon.kill9()
    database = sqlite3.connect(daemon.state_dir / "cloche.db")
    with database:
        assert database.execute("DELETE FROM sessions WHERE id = ?", (lasting["id"],)).rowcount == 1
    database.close()
    assert processes_of(daemon.run_dir)
    await daemon.restart()
    await daemon.wait_for_log("orphan_reaped", lambda line: line["session"] == lasting["id"])
    assert not processes_of(daemon.run_dir)
    assert not (daemon.run_dir / lasting["id"]).exists()
    assert (await daemon.request("GET", f"/v1/sessions/{lasting['id']}")).status == 404


async def test_a_session_whose_sandbox_died_meanwhile_has_failed_and_says_so(
    local_web: LocalWeb, events_of: Any
) -> None:
    async with DaemonProcess(resolver_hosts=local_web.hosts_file, lease_s=2) as daemon:
        session = await daemon.create_session()
        await daemon.kill9()
        # Nobody ends it: the agent's lease runs out, and with it everything inside.
        await gone(daemon.run_dir)
        await daemon.restart()
        shown = await show(daemon, session)
        assert (shown["status"], shown["reason"], shown["connect_url"]) == ("failed", "sandbox_lost", None)
        await await_removed(daemon.run_dir / session["id"])
        assert await events_of(daemon).wait(session, "session.failed")


@pytest.mark.promise("a-stop-leaves-nothing")
async def test_a_daemon_that_is_asked_to_stop_ends_every_session_and_leaves_nothing(
    daemon: DaemonProcess, lasting: Json, cdp: Any
) -> None:
    other = await daemon.create_session()
    client = await cdp(lasting["connect_url"])
    assert await daemon.terminate() == 0
    ended = await client.wait_closed()
    assert (ended.code, ended.reason) == (1001, "server_stopping")
    assert not processes_of(daemon.run_dir)
    assert [path.name for path in daemon.run_dir.iterdir() if path.name.startswith("ses_")] == []
    await daemon.restart()
    for session in (lasting, other):
        shown = await show(daemon, session)
        assert (shown["status"], shown["reason"]) == ("closed", "server_stopping")


async def test_a_daemon_that_is_told_to_keep_its_sessions_hands_them_on(local_web: LocalWeb, cdp: Any) -> None:
    async with DaemonProcess(resolver_hosts=local_web.hosts_file, stop_sessions="false") as daemon:
        session = await daemon.create_session()
        client = await cdp(session["connect_url"])
        page = await client.new_page(local_web.url("site.test", "/form"))
        await page.evaluate("window.kept = 1")
        assert await daemon.terminate() == 0
        assert (await client.wait_closed()).code in (1001, 1012)
        assert processes_of(daemon.run_dir)
        await daemon.restart()
        again = await page_again(await cdp(session["connect_url"]))
        assert await again.evaluate("window.kept") == 1
        await daemon.request("DELETE", f"/v1/sessions/{session['id']}")


async def test_a_daemon_killed_while_a_session_starts_leaves_no_half_of_it(daemon: DaemonProcess) -> None:
    begun = await daemon.request("POST", "/v1/sessions?wait=false", {})
    await daemon.kill9()
    await daemon.restart()
    answer = await daemon.request("GET", f"/v1/sessions/{begun.json['id']}")
    # Killed before the row was written, it never was; else it has failed.
    assert answer.status == 404 or answer.json["status"] == "failed"
    await gone(daemon.run_dir)
    assert [path.name for path in daemon.run_dir.iterdir() if path.name.startswith("ses_")] == []


async def test_a_second_kill_during_recovery_loses_no_session_either(
    daemon: DaemonProcess, lasting: Json, cdp: Any
) -> None:
    for _ in range(2):
        await daemon.kill9()
        await daemon.restart()
    page = await page_again(await cdp(lasting["connect_url"]))
    assert await page.evaluate("window.kept") == "in memory only"


@pytest.mark.skipif(os.geteuid() != 0, reason="a sandbox's processes can be killed one by one only by root")
async def test_a_browser_that_died_while_the_daemon_was_away_is_there_again(
    daemon: DaemonProcess, lasting: Json, cdp: Any, browser_pid: Any, events_of: Any
) -> None:
    pid = await browser_pid(daemon, lasting)
    await daemon.kill9()
    os.kill(pid, signal.SIGKILL)
    await daemon.restart()
    client = await cdp(lasting["connect_url"])
    assert (await client.send("Browser.getVersion"))["product"] == lasting["browser"]["product"]
    assert (await show(daemon, lasting))["usage"]["browser_restarts"] == 1
