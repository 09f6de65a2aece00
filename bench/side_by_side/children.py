"""Servers of others, as children of the bench: started as nobody, ended with everything they started."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

from processes import tree
from unprivileged import as_nobody, environment, own_directory

START_S: Final = 30.0
STOP_S: Final = 5.0


class Child:
    """Owns one process, all below it, and the directory it calls home."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.home: Path = own_directory(f"bench-{name}-")
        self._log = self.home / "bench.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, command: Sequence[str | Path], *, cwd: Path | None = None, **variables: str) -> None:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*as_nobody(), *map(str, command)],
                env=environment(self.home, **variables),
                cwd=cwd or self.home,
                stdin=subprocess.PIPE,  # Playwright's server ends when it has none
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def until(self, is_up: Callable[[], Awaitable[bool]], timeout_s: float = START_S) -> None:
        """Wait until it serves. Raises RuntimeError with the last of what it said when it ends, or never does."""
        deadline = time.monotonic() + timeout_s
        while not await is_up():
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self._name} does not serve; it said: …{self._log.read_text()[-400:]}")
            await asyncio.sleep(0.002)

    async def answers(self, port: int) -> bool:
        """Whether it accepts on a port of loopback."""
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    def processes(self) -> set[int]:
        return set() if self._process is None else tree(self._process.pid)

    async def stop(self) -> None:
        """Ask it, then kill whatever of it is still there. A browser of a node server has a group of its own."""
        if self._process is not None:
            known = self.processes()
            self._process.terminate()
            try:
                await asyncio.to_thread(self._process.wait, STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                await asyncio.to_thread(self._process.wait)
            await self._end_of(known - {self._process.pid})
            self._forget()
        shutil.rmtree(self.home, ignore_errors=True)

    async def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            await asyncio.to_thread(self._process.wait)
            self._forget()
        shutil.rmtree(self.home, ignore_errors=True)

    def _forget(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process = None

    async def _end_of(self, pids: set[int]) -> None:
        deadline = time.monotonic() + STOP_S
        while alive := {pid for pid in pids if Path(f"/proc/{pid}").exists()}:
            if time.monotonic() > deadline:
                for pid in alive:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                return
            await asyncio.sleep(0.02)


def free_port() -> int:
    """One that nobody had a moment ago: for servers that cannot say which they picked."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
