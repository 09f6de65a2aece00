"""The README's code blocks, run as they are pasted."""

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloche.testing.daemon import DaemonProcess

README = (Path(__file__).parents[2] / "README.md").read_text()


def block(heading: str, language: str) -> str:
    found = re.search(rf"^## {heading}\n.*?^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert found is not None, f"the README has no {language} block under {heading}"
    return found[1]


@pytest.fixture
async def daemon_at_its_usual_port() -> AsyncIterator[DaemonProcess]:
    async with DaemonProcess(http_bind="127.0.0.1:8090") as daemon:
        yield daemon


async def run(*command: str, key: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "CLOCHE_KEY": key}
    return await asyncio.to_thread(
        subprocess.run, command, env=env, capture_output=True, text=True, timeout=60, check=False
    )


async def test_the_playwright_example_prints_the_title_of_the_first_page(daemon_at_its_usual_port: DaemonProcess):
    result = await run(sys.executable, "-c", block("Playwright", "python"), key=daemon_at_its_usual_port.key)
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r".*[Cc]loche.* in HeadlessChrome/\d+.*\n", result.stdout), result.stdout


async def test_the_curl_example_creates_shows_lists_follows_and_ends_a_session(daemon_at_its_usual_port: DaemonProcess):
    result = await run("bash", "-c", block("curl", "bash"), key=daemon_at_its_usual_port.key)
    assert result.returncode == 0, result.stderr
    answer = await daemon_at_its_usual_port.request("GET", "/v1/sessions?label=team:docs")
    assert [session["status"] for session in answer.json["sessions"]] == ["closed"]
    assert "session.ready" in result.stdout
