"""The viewer in a real Firefox. Nothing drives it: what it tells the server is what it sees.

Without WebRTC, for which Firefox finds no address in the network of the tests.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from cloche.testing.live_pictures import plain_jpeg
from cloche.testing.live_server import FakeLiveServer

FIREFOX: Final = shutil.which("firefox")
PATIENCE_S: Final = 60
END_S: Final = 10
PREFERENCES: Final = """
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
"""
"""Nobody but the server is to be asked anything."""

pytestmark = pytest.mark.skipif(FIREFOX is None, reason="there is no firefox on this machine (Debian: firefox-esr)")

Visit = Callable[[str], Awaitable[None]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile" / "user.js").write_text(PREFERENCES)
    return tmp_path


@pytest.fixture
async def live() -> AsyncIterator[FakeLiveServer]:
    async with FakeLiveServer() as server:
        yield server


@pytest.fixture
async def visit(home: Path) -> AsyncIterator[Visit]:
    started: list[asyncio.subprocess.Process] = []

    async def visited(url: str) -> None:
        assert FIREFOX is not None
        process = await asyncio.create_subprocess_exec(
            *(FIREFOX, "--headless", "--no-remote", "--profile", str(home / "profile"), url),
            env={"PATH": os.environ["PATH"], "HOME": str(home), "MOZ_CRASHREPORTER_DISABLE": "1"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        started.append(process)

    yield visited
    for process in started:
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await process.wait()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


@pytest.mark.parametrize("transport", ["webcodecs", "jpeg"])
async def test_firefox_shows_pictures(live: FakeLiveServer, visit: Visit, transport: str) -> None:
    await visit(live.page_url(query=f"&transport={transport}"))
    async with asyncio.timeout(PATIENCE_S):
        for shade in count(0, 10):
            if any(report["fps"] > 0 for report in live.of_type("report")):
                break
            await live.show(plain_jpeg(150, shade % 200, 60))
            await asyncio.sleep(0.2)
    assert [start["transport"] for start in live.of_type("start")] == [transport]
    assert live.of_type("ack")
