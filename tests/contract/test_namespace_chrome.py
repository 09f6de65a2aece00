"""Full Chromium, the engine `chrome`, in a real sandbox: its libraries, its own sandbox, extensions and policies."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloche.browser.launch import LaunchOptions, browser_args, browser_env
from cloche.ids import new_session_id
from cloche.sandbox.namespace import places
from cloche.sandbox.namespace.config import NamespaceConfig
from cloche.sandbox.namespace.driver import NamespaceDriver
from cloche.sandbox.spec import Engine, Limits, SandboxSpec
from cloche.wire.agent_config import AgentConfig

CHROME = Path("/usr/lib/chromium/chromium")
INSIDE = Path(__file__).parents[1] / "data" / "sandbox" / "inside.py"

pytestmark = pytest.mark.skipif(not CHROME.exists(), reason="needs chromium (cloche doctor: chrome)")

START = """
import builtins, os, subprocess
os.makedirs("/data/profile", exist_ok=True)
builtins.browser = subprocess.Popen(
    {argv!r}, env={env!r}, stdin=subprocess.DEVNULL, stdout=open("/data/tmp/log", "wb"), stderr=subprocess.STDOUT
)
result = browser.pid
"""
PAGES = """
import json, urllib.request
try:
    with urllib.request.urlopen("http://127.0.0.1:9222/json/list", timeout=5) as answer:
        result = json.load(answer)
except OSError:
    result = [] if browser.poll() is None else open("/data/tmp/log").read()
"""
OPEN = """
import urllib.request
urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:9222/json/new?{url}", method="PUT"), timeout=5).close()
result = True
"""
CONTENT_SCRIPT = {
    "manifest.json": json.dumps(
        {
            "manifest_version": 3,
            "name": "Suffix",
            "version": "1.0",
            "content_scripts": [{"matches": ["<all_urls>"], "js": ["content.js"]}],
            "background": {"service_worker": "worker.js"},
        }
    ),
    "content.js": "document.title += ' [seen]';",
    "worker.js": "self.addEventListener('install', () => {});",
}


class Chrome:
    """A sandbox in which a full Chromium can be started, and what its DevTools say."""

    def __init__(self, inside: Any) -> None:
        self.inside = inside

    async def put(self, directory: str, files: dict[str, str]) -> None:
        await self.inside(
            f"import os\nos.makedirs({directory!r}, exist_ok=True)\n"
            f"for name, text in {files!r}.items(): open(f'{directory}/{{name}}', 'w').write(text)\nresult = True"
        )

    async def start(self, *flags: str) -> None:
        options = LaunchOptions(full_chrome=True)
        *args, url = browser_args(options)
        argv = (f"{places.BROWSER}/{CHROME.name}", *args, *flags, url)
        await self.inside(START.format(argv=argv, env=browser_env(options)))

    async def until(self, fits: Any) -> Any:
        """Wait until one of its targets fits, and return it."""
        targets: Any = []
        try:
            async with asyncio.timeout(20):
                while True:
                    targets = await self.inside(PAGES)
                    assert isinstance(targets, list), targets
                    if found := [target for target in targets if fits(target)]:
                        return found[0]
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"no target fits: {targets}") from None


@pytest.fixture
async def chrome(namespace_config: NamespaceConfig, make_inside: Any) -> AsyncIterator[Chrome]:
    source = await asyncio.to_thread(INSIDE.read_text)
    driver = NamespaceDriver(
        replace(
            namespace_config,
            engines=namespace_config.engines | {Engine.CHROME: CHROME},
            agent_argv=(places.PYTHON, "-I", "-S", "-c", source),
        )
    )
    session_id = new_session_id()
    sandbox = await driver.create(
        SandboxSpec(
            session_id=session_id,
            engine=Engine.CHROME,
            limits=Limits(),
            agent_config=AgentConfig(session_id=session_id, token="token"),
        )
    )
    try:
        await driver.start(sandbox)
        yield Chrome(make_inside(driver, sandbox))
    finally:
        await driver.destroy(sandbox)


def is_welcome(target: Any) -> bool:
    return bool(target["type"] == "page" and target["title"].startswith("Cloche"))


async def test_it_starts_under_its_own_sandbox_with_every_library_it_needs(chrome: Chrome) -> None:
    await chrome.start()
    await chrome.until(is_welcome)
    code = """
import os
result = []
for pid in filter(str.isdigit, os.listdir("/proc")):
    words = open(f"/proc/{pid}/cmdline").read()
    if "--type=renderer" in words:
        status = dict(line.split(":\\t", 1) for line in open(f"/proc/{pid}/status") if ":\\t" in line)
        result.append([status["Seccomp"].strip(), status["NoNewPrivs"].strip(), "no-sandbox" in words])
"""
    async with asyncio.timeout(5):
        while not (renderers := await chrome.inside(code)) or any(one != ["2", "1", False] for one in renderers):
            await asyncio.sleep(0.02)
    log = await chrome.inside("result = open('/data/tmp/log').read()")
    assert "error while loading shared libraries" not in log


async def test_an_unpacked_extension_runs_in_a_page(chrome: Chrome) -> None:
    await chrome.put("/workspace/ext", CONTENT_SCRIPT)
    await chrome.start("--load-extension=/workspace/ext")
    worker = await chrome.until(lambda target: target["type"] == "service_worker")
    assert worker["url"].startswith("chrome-extension://")
    # The page that Chromium starts with may be there before the extension is: only what comes after it counts.
    await chrome.inside(OPEN.format(url=f"file://{places.WELCOME}"))
    await chrome.until(lambda target: is_welcome(target) and target["title"].endswith(" [seen]"))


async def test_a_policy_of_the_sandbox_is_in_force(chrome: Chrome) -> None:
    # Of all policies the one whose effect cannot be missed: 2 forbids to run headless.
    await chrome.put(places.POLICIES, {"policy.json": json.dumps({"HeadlessMode": 2})})
    await chrome.start()
    await chrome.inside("result = browser.wait(20)")
    assert "Headless mode is disallowed" in await chrome.inside("result = open('/data/tmp/log').read()")


async def test_the_policies_of_the_host_are_not_the_sandboxs(chrome: Chrome) -> None:
    assert await chrome.inside("import os; result = os.path.realpath('/etc/chromium/policies/managed')") == (
        places.POLICIES
    )
    code = "import os; result = [[d, sorted(n), f] for d, n, f in os.walk('/etc/chromium')]"
    assert await chrome.inside(code) == [
        ["/etc/chromium", ["policies"], []],
        ["/etc/chromium/policies", ["managed"], []],
    ]
