"""A daemon that is nobody, without control groups: sessions work, and rlimits and the agent's watchdog hold."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import cloche
from cloche.testing.cdp import CdpClient
from cloche.testing.daemon import DaemonProcess
from cloche.testing.traces import await_no_traces
from cloche.testing.watching import events_until, stub_report

NOBODY_KNOWN = 12345
MIB = 1 << 20
HOG_PAGE = "window.held = []; setInterval(() => held.push(new Uint8Array(16 << 20).fill(7)), 5)"

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="needs root to become someone else; without it every other test runs unprivileged"
)


class UnprivilegedDaemon(DaemonProcess):
    """Becomes `NOBODY_KNOWN` before it starts."""

    def __init__(self, **settings: str | int | float | Path) -> None:
        super().__init__(**settings)
        os.chown(self.directory, NOBODY_KNOWN, NOBODY_KNOWN)
        words = [*as_nobody(), a_python_for_everyone(), *DaemonProcess.command]
        self.command = ("-c", f"import os; os.execvp('setpriv', {words!r})")

    @property
    def env(self) -> dict[str, str]:
        places = (str(Path(cloche.__file__).parents[1]), sysconfig.get_path("purelib"))
        return super().env | {"PYTHONPATH": os.pathsep.join(places), "HOME": str(self.directory)}


def as_nobody() -> list[str]:
    return ["setpriv", "--reuid", str(NOBODY_KNOWN), "--regid", str(NOBODY_KNOWN), "--clear-groups", "--"]


def a_python_for_everyone() -> str:
    """This interpreter may lie in a home directory; then another of the same version will do."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        probe = "import os, sys; open(os.path.realpath(sys.executable)).close(); print(sys.version_info[:2])"
        done = subprocess.run([*as_nobody(), candidate, "-c", probe], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() == str(sys.version_info[:2]):
            return candidate
    pytest.skip(f"no Python {sys.version_info.major}.{sys.version_info.minor} that every user may run")


@pytest.fixture
async def daemon(stub_browser: Path) -> AsyncIterator[DaemonProcess]:
    """Its shell engine is the real Chromium, its chrome engine the stub."""
    async with UnprivilegedDaemon(chromium=stub_browser) as process:
        yield process


async def test_an_unprivileged_daemon_serves_real_browsers_under_limits(daemon: DaemonProcess) -> None:
    in_force = await daemon.wait_for_log("limits_in_force")
    assert in_force["kind"] == "none"
    assert (await daemon.request("GET", "/readyz")).json == {"ready": True, "reasons": {}}
    assert Path(f"/proc/{daemon.pid}").stat().st_uid == NOBODY_KNOWN

    bystander = await daemon.create_session()
    hungry = await daemon.create_session(budget={"memory_bytes": 384 * MIB})
    async with await CdpClient.connect(hungry["connect_url"]) as client:
        await (await client.new_page()).evaluate(HOG_PAGE)
        events = await events_until(daemon, hungry["id"], "memory.exceeded", timeout_s=40)
    assert [event for event in events if event["data"].get("reason") == "over_memory"]

    forking = await daemon.create_session(engine="chrome", user_agent="fork", budget={"processes": 100})
    report = await stub_report(daemon, forking["id"], "children")
    assert report["refused"] == os.strerror(11)
    assert 32 <= report["children"] < 100

    async with await CdpClient.connect(bystander["connect_url"]) as client:
        assert await (await client.new_page()).evaluate("6 * 7") == 42
    for session in (bystander, hungry, forking):
        await daemon.request("DELETE", f"/v1/sessions/{session['id']}")
    await await_no_traces(daemon)


async def test_an_unprivileged_daemon_that_is_killed_takes_its_sessions_back(daemon: DaemonProcess) -> None:
    session = await daemon.create_session()
    daemon.settings["http_bind"] = daemon.base_url.removeprefix("http://")
    await daemon.kill9()
    await daemon.start()
    async with await CdpClient.connect(session["connect_url"]) as client:
        assert await (await client.new_page()).evaluate("6 * 7") == 42
    await daemon.request("DELETE", f"/v1/sessions/{session['id']}")
    await await_no_traces(daemon)
