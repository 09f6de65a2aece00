"""Daemons whose browser is a stub with a temper: quick to start, and bad on request."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cloche.testing import stub_chromium
from cloche.testing.daemon import DaemonProcess
from cloche.testing.traces import await_no_traces

BROWSER_START_TIMEOUT_S = 2.0


@pytest.fixture(scope="session")
def stub_browser() -> Iterator[Path]:
    """An executable for `chromium_shell` (see `cloche.testing.stub_chromium`)."""
    directory = Path(tempfile.mkdtemp(prefix="stub-"))
    yield stub_chromium.install(directory)
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def _stub_daemon(stub_browser: Path) -> Iterator[DaemonProcess]:
    settings = {"browser_start_timeout_s": BROWSER_START_TIMEOUT_S, "restart_budget": 2}
    with DaemonProcess(chromium_shell=stub_browser, **settings) as process:
        yield process


@pytest.fixture
async def stub_daemon(_stub_daemon: DaemonProcess) -> AsyncIterator[DaemonProcess]:
    """A shared daemon with stub browsers. Sessions of a test end with it, and nothing of them may be left."""
    yield _stub_daemon
    await close_all(_stub_daemon)
    await await_no_traces(_stub_daemon)


async def close_all(daemon: DaemonProcess) -> None:
    listed = await daemon.request("GET", "/v1/sessions?limit=200")
    live = [each["id"] for each in listed.json["sessions"] if each["status"] not in ("closed", "failed")]
    await asyncio.gather(*(daemon.request("DELETE", f"/v1/sessions/{id_}") for id_ in live))
