"""A browser that crashes, is killed or is closed: it comes again, until its restart budget is spent."""

import asyncio
import contextlib
import os
import signal
from typing import Any, Final

import pytest
from websockets.exceptions import InvalidStatus

from cloche.testing.cdp import CdpClient, CdpClosedError
from cloche.testing.daemon import DaemonProcess
from cloche.testing.traces import await_removed
from cloche.testing.web.server import LocalWeb

SETTINGS: Final = {"restart_budget": 2, "restart_window_s": 300}

Json = dict[str, Any]


async def crash(client: CdpClient) -> CdpClosedError:
    """Let Chromium abort itself; return how the connection ended."""
    with contextlib.suppress(CdpClosedError):
        await client.send("Browser.crash")
    return await client.wait_closed()


async def test_a_crash_closes_its_clients_with_try_again_and_a_dial_reaches_the_next_browser(
    session: Json, browser: CdpClient, cdp: Any, events: Any
) -> None:
    before = await browser.send("SystemInfo.getProcessInfo")
    ended = await crash(browser)
    assert (ended.code, ended.reason) == (1012, "browser_restarting")
    again = await cdp(session["connect_url"])
    assert (await again.send("SystemInfo.getProcessInfo")) != before
    exited = await events.wait(session, "browser.exited")
    assert exited["reason"] == "crashed"
    assert exited["signal"] in (signal.SIGTRAP, signal.SIGILL, signal.SIGABRT, signal.SIGSEGV)
    ready = await events.wait(session, "browser.ready", lambda data: data["restarts"] == 1)
    assert ready["product"] == session["browser"]["product"]


@pytest.mark.skipif(os.geteuid() != 0, reason="a sandbox's processes can be killed one by one only by root")
async def test_a_browser_killed_from_outside_comes_again(
    shared_daemon: DaemonProcess,
    session: Json,
    browser: CdpClient,
    cdp: Any,
    events: Any,
    local_web: LocalWeb,
    browser_pid: Any,
) -> None:
    os.kill(await browser_pid(shared_daemon, session), signal.SIGKILL)
    # Dialled at once: it waits for the new browser instead of getting the old address.
    again = await cdp(session["connect_url"])
    assert (await browser.wait_closed()).code == 1012
    page = await again.new_page(local_web.url("site.test", "/page"))
    assert await page.evaluate("document.title") == "page of site.test"
    assert (await events.wait(session, "browser.exited"))["signal"] == signal.SIGKILL
    shown = (await shared_daemon.request("GET", f"/v1/sessions/{session['id']}")).json
    assert (shown["status"], shown["usage"]["browser_restarts"]) == ("ready", 1)


async def test_many_dials_during_a_restart_all_reach_the_new_browser(
    session: Json, browser: CdpClient, cdp: Any
) -> None:
    crashing = asyncio.gather(crash(browser), *(_dial(cdp, session) for _ in range(6)))
    _, *products = await asyncio.wait_for(crashing, 15)
    assert set(products) == {session["browser"]["product"]}


async def test_a_crashed_page_leaves_the_browser_and_the_other_pages_alone(
    browser: CdpClient, local_web: LocalWeb
) -> None:
    other = await browser.new_page(local_web.url("other.test", "/page"))
    page = await browser.new_page(local_web.url("site.test", "/page"))
    crashed = page.expect("Inspector.targetCrashed")
    await page.send("Inspector.enable")
    with contextlib.suppress(TimeoutError, Exception):
        await page.send("Page.crash", timeout_s=1)
    async with asyncio.timeout(5):
        await crashed
    assert await other.evaluate("document.title") == "page of other.test"
    assert not browser.closed.is_set()


async def test_a_spent_restart_budget_fails_the_session_and_says_so(
    shared_daemon: DaemonProcess, session: Json, cdp: Any, events: Any
) -> None:
    ended = None
    for _ in range(SETTINGS["restart_budget"] + 1):
        ended = await crash(await cdp(session["connect_url"]))
    assert ended is not None
    assert ended.code in (1011, 1012)
    failed = await events.wait(session, "session.failed", timeout_s=10)
    assert failed["reason"] == "browser_gave_up"
    shown = (await shared_daemon.request("GET", f"/v1/sessions/{session['id']}")).json
    assert (shown["status"], shown["reason"], shown["connect_url"]) == ("failed", "browser_gave_up", None)
    with pytest.raises(InvalidStatus) as refused:
        await cdp(session["connect_url"])
    assert refused.value.response.status_code == 410
    await await_removed(shared_daemon.run_dir / session["id"])


async def _dial(cdp: Any, session: Json) -> str:
    while True:
        client = await cdp(session["connect_url"])
        try:
            return str((await client.send("Browser.getVersion"))["product"])
        except CdpClosedError:
            continue  # it reached the browser that was about to go
