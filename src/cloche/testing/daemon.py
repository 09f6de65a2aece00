"""A real daemon as a child: its own state, its own port, its own end.

    async with DaemonProcess(resolver_hosts=web.hosts_file) as daemon:
        answer = await daemon.request("POST", "/v1/sessions", {})

It runs `python -m cloche.cli.main serve` exactly as a person would, and is ready when it has logged `listening`.
What it logs is kept and shown when something goes wrong.
"""

import asyncio
import contextlib
import functools
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from cloche.testing import http, images

START_TIMEOUT_S: Final = 20.0
STOP_TIMEOUT_S: Final = 30.0
MAX_LOG_LINES: Final = 20_000
SERVE: Final = ("-m", "cloche.cli.main", "serve")


class DaemonError(Exception):
    """The daemon did not start, stop or clean up as it should; the message ends with the last of its log."""


class DaemonProcess:
    """Owns a daemon, its directories and whatever it leaves behind.

    `settings` are its `CLOCHE_*` variables by their lower-case names: `DaemonProcess(max_sessions=3)`. Sessions survive
    `kill9`; `restart` starts another daemon over the same state, on the ports the first one had.
    """

    command: tuple[str, ...] = SERVE

    def __init__(self, **settings: str | int | float | Path) -> None:
        # Short: below it are unix sockets, whose paths hold 107 bytes (unix(7)).
        self.directory = Path(tempfile.mkdtemp(prefix="cloche-d-"))
        # A session's own uid must be able to walk through it to what is meant for it.
        self.directory.chmod(0o711)
        self.state_dir = self.directory / "state"
        self.run_dir = self.directory / "run"
        self.key = f"ck_{secrets.token_hex(24)}"
        self.settings = dict(settings)
        self.base_url = ""
        self.grpc_address = ""
        self.log: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._process: subprocess.Popen[bytes] | None = None
        self._drain: threading.Thread | None = None

    @property
    def env(self) -> dict[str, str]:
        """The daemon's environment: what a program needs, and its settings."""
        keep = ("PATH", "HOME", "LANG", "TMPDIR")
        own: dict[str, str | int | float | Path] = {
            "state_dir": self.state_dir,
            "run_dir": self.run_dir,
            "http_bind": "127.0.0.1:0",
            "grpc_bind": "127.0.0.1:0",
            "admin_key": self.key,
            "log_format": "json",
            "log_level": "debug",
            "config": self.directory / "none.toml",
            # The local web's public-looking addresses are this machine's own.
            "egress_own_addresses": "true",
            # Browsers that nobody asked for would stand in the way of tests that count them.
            "pool_size": 0,
        }
        return {name: os.environ[name] for name in keep if name in os.environ} | {
            f"CLOCHE_{name.upper()}": str(value) for name, value in (own | self.settings).items()
        }

    @property
    def pid(self) -> int:
        assert self._process is not None, "the daemon is not running"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Start it and wait until it listens."""
        await asyncio.to_thread(self._start)

    async def terminate(self) -> int:
        """Ask it to stop (SIGTERM), wait, and return its exit code."""
        return await asyncio.to_thread(self._end, signal.SIGTERM)

    async def kill9(self) -> None:
        """End it as a crash would. Its sessions go on."""
        await asyncio.to_thread(self._end, signal.SIGKILL)

    async def restart(self) -> None:
        """Stop it if it runs, and start it again on the ports it had."""
        if self.is_running:
            await self.terminate()
        self.settings.setdefault("http_bind", self.base_url.removeprefix("http://"))
        self.settings.setdefault("grpc_bind", self.grpc_address)
        await self.start()

    async def close(self) -> None:
        """Stop it and remove its directories. Raises DaemonError when a process of its sandboxes is still there."""
        await asyncio.to_thread(self._close)

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
    ) -> http.Answer:
        """Send one HTTP request, with this daemon's admin key unless another (or "") is given."""
        token = self.key if key is None else key
        authorization = {"authorization": f"Bearer {token}"} if token else {}
        send = functools.partial(http.request, method, self.base_url + path, body, timeout_s=timeout_s)
        return await asyncio.to_thread(send, headers=authorization | dict(headers or {}))

    async def create_session(self, **body: object) -> dict[str, Any]:
        """Create a session, which must succeed, and return it."""
        answer = await self.request("POST", "/v1/sessions", body)
        if answer.status != 201:
            raise DaemonError(f"create answered {answer.status} {answer.body!r}\n{self.log_tail()}")
        session: dict[str, Any] = answer.json
        return session

    async def wait_for_log(
        self, event: str, where: Callable[[dict[str, Any]], bool] = lambda _: True, *, timeout_s: float = 5.0
    ) -> dict[str, Any]:
        """Wait until it has logged such an event (also before this call), and return the first."""
        return await asyncio.to_thread(self._wait_for_log, event, where, timeout_s, 0)

    def log_tail(self, lines: int = 30) -> str:
        with self._changed:
            return "\n".join(json.dumps(line) for line in self.log[-lines:])

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            sys.stderr.write(f"the daemon's log:\n{self.log_tail(60)}\n")
        self._close()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, trace)

    def _start(self) -> None:
        seen = len(self.log)
        images.lend(self.state_dir / "runtime")
        self._process = subprocess.Popen(
            [sys.executable, *self.command],
            env=self.env,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._drain = threading.Thread(target=self._read_log, args=(self._process,), name="daemon-log", daemon=True)
        self._drain.start()
        listening = self._wait_for_log("listening", lambda _: True, START_TIMEOUT_S, seen)
        self.base_url = f"http://{listening['http']}"
        self.grpc_address = listening.get("grpc", "")
        images.keep(self.state_dir / "runtime")

    def _read_log(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stderr is not None
        for raw in process.stderr:
            try:
                line = json.loads(raw)
            except ValueError:
                line = {"event": raw.decode(errors="replace").rstrip()}
            with self._changed:
                self.log.append(line)
                del self.log[:-MAX_LOG_LINES]
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def _wait_for_log(
        self, event: str, where: Callable[[dict[str, Any]], bool], timeout_s: float, after: int
    ) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            return next((line for line in self.log[after:] if line.get("event") == event and where(line)), None)

        deadline = time.monotonic() + timeout_s
        while True:
            with self._changed:
                # Woken also by the end of the log, so that a daemon that died is not waited for.
                self._changed.wait_for(lambda: look() or not self.is_running, min(0.2, timeout_s))
                if found := look():
                    return found
            if not self.is_running or time.monotonic() > deadline:
                state = "is running" if self.is_running else "has ended"
                raise DaemonError(f"the daemon {state} and has not logged {event!r}:\n{self.log_tail()}")

    def _end(self, number: signal.Signals) -> int:
        process, drain = self._process, self._drain
        assert process is not None
        assert drain is not None
        process.send_signal(number)
        try:
            code = process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise DaemonError(f"the daemon did not end on {number.name}:\n{self.log_tail()}") from None
        finally:
            drain.join(5)
            assert process.stderr is not None
            process.stderr.close()
        self._process = None
        return code

    def _close(self) -> None:
        try:
            if self._process is not None:
                self._end(signal.SIGTERM)
            self._await_no_survivors()
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _await_no_survivors(self) -> None:
        """Wait until no process names this daemon's directory; a killed sandbox takes the kernel a moment."""
        deadline = time.monotonic() + 5.0
        while survivors := processes_of(self.directory):
            if time.monotonic() > deadline:
                for pid in survivors:
                    os.kill(pid, signal.SIGKILL)
                raise DaemonError(f"sandboxes survived their daemon: {survivors}\n{self.log_tail()}")
            threading.Event().wait(0.02)


def processes_of(directory: Path) -> dict[int, str]:
    """Find processes of sandboxes below `directory`: it is in their command line, or mounted where they live."""
    name, ours = os.fsencode(directory), Path("/proc/self/ns/mnt").readlink()
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            # A process may end while it is looked at, and then it is no survivor.
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes()
                elsewhere = (entry / "ns/mnt").readlink() != ours
                if name in command or (elsewhere and name in (entry / "mountinfo").read_bytes()):
                    found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")[:200]
    return found
