"""A stage for an agent that is started by hand: a directory, a host on its socket, drop-ins, bells.

Nothing of Cloche is imported here either: the agent is a program, its flags and files are what is documented.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .reference_peers import PATIENCE_S, Link, Peer, Value

NOBODY = 65534
SOURCES = Path(__file__).parents[3] / "src"
FAKE_BROWSER = Path(__file__).parents[2] / "data" / "agent" / "fake_browser.py"
PROGRAM = (sys.executable, "-m", "cloche.agent")
LOOK_AGAIN_S = 0.02


def _has_vsock() -> bool:
    try:
        socket.socket(socket.AF_VSOCK).close()
    except (OSError, AttributeError):
        return False
    return True


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become someone else (cloche doctor: own_uids)")
needs_vsock = pytest.mark.skipif(not _has_vsock(), reason="no vsock in this kernel: modprobe vsock")
needs_pid_namespace = pytest.mark.skipif(not shutil.which("unshare"), reason="needs unshare, of util-linux")


class Bell:
    """A FIFO that a command inside rings by writing a line to it."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        path.chmod(0o666)
        self.path = path
        self._fd = os.open(path, os.O_RDWR)

    def wait(self) -> str:
        """Return the next line."""
        line = b""
        while not line.endswith(b"\n"):
            assert select.select([self._fd], [], [], PATIENCE_S)[0], "nobody rang"
            line += os.read(self._fd, 1)
        return line.decode().strip()

    def has_rung(self) -> bool:
        return bool(select.select([self._fd], [], [], 0)[0])

    def close(self) -> None:
        os.close(self._fd)


class Stage:
    """A directory, a host, and an agent in it that was started by hand."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="stage-"))
        self.directory.chmod(0o755)
        self.workspace = self.directory / "workspace"
        self.config = self.directory / "config"
        self.policy = self.directory / "policy.json"
        self.guest = self.directory / "guest.sock"
        for folder in (self.workspace, self.config, self.integrations_d, self.probes_d):
            folder.mkdir(mode=0o755)
        self.process: Any = None
        self.end_signal = signal.SIGTERM
        self._cleanup = contextlib.ExitStack()
        self._cleanup.callback(shutil.rmtree, self.directory)
        self.listen()

    @property
    def integrations_d(self) -> Path:
        return self.config / "integrations.d"

    @property
    def probes_d(self) -> Path:
        return self.config / "probes.d"

    @property
    def log_text(self) -> str:
        return (self.directory / "agent.log").read_text()

    def integration(self, name: str, **keys: Value) -> Path:
        return _drop(self.integrations_d / f"{name}.json", {"name": name, **keys})

    def probe(self, name: str, **keys: Value) -> Path:
        return _drop(self.probes_d / f"{name}.json", {"name": name, **keys})

    def bell(self, name: str = "bell") -> Bell:
        bell = Bell(self.directory / name)
        self._cleanup.callback(bell.close)
        return bell

    def allow_exec(self) -> tuple[str, ...]:
        """Write a policy that allows Exec; return the flags that switch it on."""
        _drop(self.policy, {"access": {"debug_exec": True}})
        return ("--exec", "--policy", str(self.policy))

    def listen(self) -> None:
        """Be there for the agent to dial."""
        path = self.directory / "host.sock"
        self.listener = socket.socket(socket.AF_UNIX)
        self._cleanup.callback(self.listener.close)
        self.listener.bind(str(path))
        path.chmod(0o666)
        self.listener.listen()
        self.listener.settimeout(PATIENCE_S)

    def vanish(self) -> None:
        self.listener.close()
        (self.directory / "host.sock").unlink()

    def accept(self) -> Link:
        link = Link(self.listener.accept()[0])
        self._cleanup.callback(link.close)
        return link

    def flags(self) -> list[str]:
        pairs = {
            "session-id": "s-1",
            "socket": self.directory / "host.sock",
            "workspace": self.workspace,
            "config-dir": self.config,
            "listen": f"unix:{self.guest}",
        }
        return [f"--{name}={value}" for name, value in pairs.items()]

    def spawn(
        self,
        *arguments: str,
        command: tuple[str, ...] = PROGRAM,
        env: dict[str, str] | None = None,
        pass_fds: tuple[int, ...] = (),
    ) -> None:
        """Start an agent with exactly these arguments."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("CLOCHE", "MESHBROW"))}
        with (self.directory / "agent.log").open("wb") as log:
            self.process = subprocess.Popen(
                [*command, *arguments],
                env=environment | (env or {}),
                pass_fds=pass_fds,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._cleanup.callback(self.process.stdout.close)
        self._cleanup.callback(_end, self.process)

    def exit_code(self) -> int:
        code: int = self.process.wait(PATIENCE_S)
        return code

    def start(self, *flags: str, **options: Any) -> Link:
        """Start an agent on this stage; return its link once it has registered, so that it listens everywhere."""
        self.spawn(*self.flags(), *flags, **options)
        link = self.accept()
        assert link.read()["type"] == "register"
        return link

    def supervise(self, temper: str, **changes: Value) -> Link:
        """Start an agent that keeps a browser of this temper, configured on a descriptor as by a daemon."""
        profile = self.directory / "profile"
        browser = {
            "executable": sys.executable,
            "args": ["-IS", str(FAKE_BROWSER), str(profile), temper],
            "user_data_dir": str(profile),
        }
        config = {
            "session_id": "s-1",
            "token": "",
            "socket": str(self.directory / "host.sock"),
            "workspace": str(self.workspace),
            "egress_port": 0,
            "lease_s": 0,
            "browser": browser,
        }
        fd = os.memfd_create("config", 0)
        try:
            os.write(fd, json.dumps(config | changes).encode())
            self.spawn("--config-fd", str(fd), pass_fds=(fd,))
        finally:
            os.close(fd)
        return self.accept()

    def connect(self, port: int | None = None) -> Peer:
        return self._cleanup.enter_context(Peer(self.guest, port))

    def ask(self, request: Value) -> Value:
        """Ask one thing on a connection of its own."""
        with Peer(self.guest) as peer:
            return peer.ask(request)

    def run(self, *argv: str, **fields: Value) -> Value:
        """Let the agent execute a command; return the fields of its result."""
        return self.ask({"Exec": {"argv": list(argv), **fields}})["ExecResult"]

    def integrations(self) -> dict[str, Value]:
        reports = self.ask("IntegrationStatus")["IntegrationStatusReport"]["integrations"]
        return {report["name"]: report for report in reports}

    def probes(self) -> dict[str, Value]:
        return {result["name"]: result for result in self.ask("ProbeStatus")["ProbeStatusReport"]["probes"]}

    def checked(self, name: str) -> Value:
        """Wait until an integration has been checked; return its report."""
        return until(lambda: self.integrations().get(name), lambda report: report and report["health"] is not None)

    def probed(self, name: str) -> Value:
        """Wait until a probe has run; return its result."""
        return until(lambda: self.probes().get(name), bool)

    def cpu_s(self) -> float:
        """The processor time that the agent itself has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End the agent as its user would; it must go by itself, and must not have stumbled on the way."""
        with self._cleanup:
            if self.process is not None and self.process.poll() is None:
                self.process.send_signal(self.end_signal)
                self.process.wait(PATIENCE_S)
            assert self.process is None or "task failed" not in self.log_text, self.log_text


def until(look: Callable[[], Value], is_so: Callable[[Value], Value], patience_s: float = PATIENCE_S) -> Value:
    """Look again and again until it is so; return what was seen."""
    deadline = time.monotonic() + patience_s
    while not is_so(seen := look()):
        assert time.monotonic() < deadline, f"never so: {seen!r}"
        threading.Event().wait(LOOK_AGAIN_S)
    return seen


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] in "ZX"
    except OSError:
        return True


def as_nobody(act: Callable[[], int]) -> int:
    """Do it in a child that is nobody; return what it returned (0–255)."""
    pid = os.fork()
    if pid == 0:
        code = 255
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            code = act()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@contextlib.contextmanager
def process(*argv: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process beside the agent, for as long as the block lasts."""
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield child
    finally:
        _end(child)


def _drop(path: Path, content: Value) -> Path:
    path.write_text(json.dumps(content))
    path.chmod(0o644)
    return path


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
