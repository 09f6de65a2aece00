"""Lightpanda: not Chromium, and so quicker and smaller; a process for each session, as for raw Chromium."""

import asyncio
import json
import os
import shutil
import subprocess
import urllib.request
from pathlib import Path
from typing import Final

from side_by_side.adapters.adapter import Adapter, Lease
from side_by_side.children import Child, free_port
from side_by_side.world import World

BINARY: Final = "lightpanda/lightpanda/lightpanda"


class Lightpanda(Adapter):
    name = "lightpanda"
    title = "Lightpanda"
    note = (
        "a browser of its own, not Chromium: it lays out and draws nothing (no screenshots, no live view, no "
        "PDF), and has part of the web's interfaces and of DevTools. One process for each session, under an "
        "unprivileged uid; no sandbox of its own, no wall around it"
    )

    @classmethod
    def missing(cls, world: World) -> str | None:
        there = _binary(world.peers) is not None
        return None if there else "pip install --target .cloche/peers/lightpanda lightpanda"

    async def open(self) -> None:
        self._live = set[Child]()

    async def close(self) -> None:
        for child in list(self._live):
            await self._end(child)

    def version(self) -> str:
        binary = _binary(self.world.peers)
        assert binary is not None
        return subprocess.run([binary, "version"], capture_output=True, text=True, check=True).stdout.strip()

    async def create(self) -> Lease:
        binary = _binary(self.world.peers)
        assert binary is not None
        child, port = Child(self.name), free_port()
        self._live.add(child)
        child.start([binary, "serve", "--port", str(port)], LIGHTPANDA_DISABLE_TELEMETRY="true")
        await child.until(lambda: child.answers(port))
        return Lease(await asyncio.to_thread(_websocket_url, port), inner=child)

    async def release(self, lease: Lease) -> None:
        await self._end(lease.inner)

    def processes(self) -> set[int]:
        return set().union(*(child.processes() for child in self._live))

    async def _end(self, child: Child) -> None:
        self._live.discard(child)
        await child.kill()


def _websocket_url(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/version", timeout=10) as answer:
        return str(json.load(answer)["webSocketDebuggerUrl"])


def _binary(peers: Path) -> Path | None:
    named = (peers / BINARY, os.environ.get("LIGHTPANDA_BIN"), shutil.which("lightpanda"))
    return next((Path(path) for path in named if path and Path(path).is_file()), None)
