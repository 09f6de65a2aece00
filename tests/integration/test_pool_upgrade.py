"""A browser that is replaced under a running server: what waits is the old one, until it is flushed."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloche.testing.daemon import DaemonProcess
from cloche.testing.traces import await_no_traces

PATIENCE_S = 20.0


@pytest.fixture
async def daemon(stub_browser: Path) -> AsyncIterator[DaemonProcess]:
    """Its browser is its own to replace; one waits in the default pool, and one in `blue`."""
    daemon = DaemonProcess(pool_size=1, pool_settle_s=0)
    daemon.settings["chromium_shell"] = daemon.directory / "browser" / "chromium"
    await asyncio.to_thread(shutil.copytree, stub_browser.parent, daemon.directory / "browser")
    async with daemon:
        await daemon.request("POST", "/v1/pools", {"name": "blue", "size": 1})
        await filled(daemon)
        yield daemon
    await await_no_traces(daemon)


async def filled(daemon: DaemonProcess) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while [pool["ready"] for pool in (await daemon.request("GET", "/v1/pools")).json["pools"]] != [1, 1]:
            await asyncio.sleep(0.05)


async def taken(daemon: DaemonProcess, path: str) -> str:
    """The browser of a session that was there before it was asked for."""
    answer = await daemon.request("POST", path)
    session: dict[str, Any] = answer.json
    assert (answer.status, session["started"]) == (201, "warm"), session
    await daemon.request("DELETE", f"/v1/sessions/{session['id']}")
    return str(session["browser"]["product"])


async def test_a_flush_replaces_what_waits_by_what_is_there_now(daemon: DaemonProcess) -> None:
    program = Path(str(daemon.settings["chromium_shell"]))
    newer = program.with_name("newer")
    newer.write_text(program.read_text().replace("Stub/1.0", "Stub/2.0"))
    newer.chmod(0o755)
    newer.replace(program)  # as dpkg does

    for name in ("default", "blue"):
        assert (await daemon.request("POST", f"/v1/pools/{name}/flush")).json == {"flushed": 1}
    await filled(daemon)
    assert await taken(daemon, "/v1/sessions") == "Stub/2.0"
    assert await taken(daemon, "/v1/pools/blue/acquire") == "Stub/2.0"
