"""`playwright run-server`: a browser for each connection, spoken to in Playwright's own protocol."""

import json
from importlib import metadata, util
from pathlib import Path
from typing import Final

from figures import CHROMIUM
from side_by_side.adapters.adapter import Adapter, Lease
from side_by_side.children import Child, free_port
from side_by_side.clients import Client, OverPlaywright
from side_by_side.world import World

# Left to itself it would start its own build of Chromium, and without Chromium's sandbox.
LAUNCH: Final = {"executablePath": CHROMIUM, "chromiumSandbox": True, "headless": True}


class PlaywrightServer(Adapter):
    name = "playwright"
    title = "Playwright server"
    creates = False
    note = (
        "`playwright run-server`: connecting starts a browser, so there is no create to speak of. It speaks "
        "Playwright's protocol, not DevTools, and so is always driven by Playwright's client, whose own time is "
        "in its figures. The same Chromium, under an unprivileged uid with its own sandbox on; no wall around "
        "it, no way back to a session after its connection ends"
    )

    @classmethod
    def missing(cls, world: World) -> str | None:
        return None if util.find_spec("playwright") else "script/bootstrap --dev"

    async def open(self) -> None:
        spec = util.find_spec("playwright")
        assert spec is not None
        assert spec.origin is not None
        driver = Path(spec.origin).parent / "driver"
        self._child, self._port = Child(self.name), free_port()
        # Unsafe is what it calls a client that may name the browser; this one is ours.
        options = ["--host=127.0.0.1", f"--port={self._port}", "--unsafe"]
        self._child.start([driver / "node", driver / "package/cli.js", "run-server", *options])
        await self._child.until(lambda: self._child.answers(self._port))

    async def close(self) -> None:
        await self._child.stop()

    def version(self) -> str:
        return metadata.version("playwright")

    async def create(self) -> Lease:
        return Lease(f"ws://127.0.0.1:{self._port}/")

    async def connect(self, lease: Lease) -> Client:
        playwright = await self.world.playwright()
        headers = {"x-playwright-browser": "chromium", "x-playwright-launch-options": json.dumps(LAUNCH)}
        return OverPlaywright(await playwright.chromium.connect(lease.url, headers=headers, timeout=60_000))

    async def release(self, lease: Lease) -> None:
        """Nothing more to do: the browser goes with its connection."""

    def processes(self) -> set[int]:
        return self._child.processes()
