"""The examples of docs/how-to/connect.md, run as they stand there."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import playwright
import pytest

from cloche.testing.daemon import DaemonProcess
from cloche.testing.web.server import LocalWeb

PAGE = (Path(__file__).parents[2] / "docs/how-to/connect.md").read_text()
DRIVER = Path(playwright.__file__).parent / "driver"


def example(heading: str, language: str) -> str:
    found = re.search(rf"^## {heading}\n.*?^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None, f"no {language} example under {heading}"
    return found[1]


async def run(command: list[str], text: str, daemon: DaemonProcess, web: LocalWeb) -> str:
    """Run an example against this daemon and the local web; return what it printed."""
    text = text.replace("http://127.0.0.1:8090", daemon.base_url).replace(
        "https://example.com", web.url("site.test", "/page")
    )
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "CLOCHE_KEY": daemon.key}
    result = await asyncio.to_thread(
        subprocess.run, [*command, text], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize(
    ("heading", "printed"), [("Playwright for Python", r"page of site\.test\n"), ("Raw CDP", r"HeadlessChrome/\d.*\n")]
)
async def test_the_python_examples_run(
    heading: str, printed: str, shared_daemon: DaemonProcess, local_web: LocalWeb
) -> None:
    output = await run([sys.executable, "-c"], example(heading, "python"), shared_daemon, local_web)
    assert re.fullmatch(printed, output)


async def test_the_javascript_example_runs(shared_daemon: DaemonProcess, local_web: LocalWeb) -> None:
    text = example("Playwright for JavaScript", "javascript").replace("'playwright'", f"'{DRIVER}/package/index.mjs'")
    node = [str(DRIVER / "node"), "--input-type=module", "-e"]
    assert await run(node, text, shared_daemon, local_web) == "page of site.test\n"


async def test_the_curl_example_shows_addresses_of_this_server(
    shared_daemon: DaemonProcess, local_web: LocalWeb
) -> None:
    output = await run(["bash", "-c"], example("curl", "bash"), shared_daemon, local_web)
    assert (
        output.count(f'"webSocketDebuggerUrl":"ws://{shared_daemon.base_url.removeprefix("http://")}/v1/sessions/') >= 3
    )
    assert '"status":"closed"' in output
