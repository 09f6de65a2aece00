"""The floor: a bare chromium-headless-shell started by the client itself, its own sandbox on, no proxy."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import urllib.request
from typing import Self

from figures import CHROMIUM
from unprivileged import as_nobody, environment, own_directory


class RawChromium:
    """One browser with a fresh profile. Runs under an unprivileged uid when the bench is root."""

    def __init__(self, *arguments: str, executable: str = CHROMIUM) -> None:
        self._arguments = arguments
        self._executable = executable
        self.process: subprocess.Popen[bytes] | None = None
        self.websocket_url = ""
        self.http_url = ""

    async def start(self) -> None:
        """Launch, and return when DevTools has answered."""
        self._profile = own_directory("bare-")
        await self.launch()

    async def launch(self) -> None:
        """Launch over the profile there is, and return when DevTools has answered."""
        (self._profile / "DevToolsActivePort").unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [
                *as_nobody(),
                self._executable,
                "--remote-debugging-port=0",
                f"--user-data-dir={self._profile}",
                *self._arguments,
            ],
            env=environment(self._profile),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        port_file = self._profile / "DevToolsActivePort"
        while True:
            with contextlib.suppress(OSError, ValueError, IndexError):  # not there, or not whole yet
                port = int(port_file.read_text().splitlines()[0])
                self.http_url = f"http://127.0.0.1:{port}"
                self.websocket_url = await asyncio.to_thread(self._ask_version)
                return
            await asyncio.sleep(0.002)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        await asyncio.to_thread(self.process.wait)
        shutil.rmtree(self._profile, ignore_errors=True)

    def _ask_version(self) -> str:
        with urllib.request.urlopen(f"{self.http_url}/json/version", timeout=10) as answer:
            return str(json.load(answer)["webSocketDebuggerUrl"])
