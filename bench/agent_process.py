"""An agent as a process, and the host it reports to: what `agent` measures."""

import contextlib
import json
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cloche.sandbox.agent_bundle import build_agent_zipapp
from cloche.wire.agent_config import AgentConfig

PYTHON = os.path.realpath(sys.executable)
"""Not the virtual environment's link to it: an agent runs on a bare Python."""
SOURCES = Path(__file__).parents[1] / "src"
PATIENCE_S = 20.0
TICKS = os.sysconf("SC_CLK_TCK")

# As the namespace driver starts it: `python FILE` loads runpy first, `python -c` does not.
RUN = "import sys; sys.path.insert(0, {!r}); from cloche.agent.main import main; sys.exit(main(sys.argv[1:]))"

# The least that asyncio can do: dial, register, beat. What an agent built on it could not be smaller than.
ASYNCIO = """
import asyncio, json, sys
async def main():
    reader, writer = await asyncio.open_unix_connection(sys.argv[1])
    writer.write(json.dumps({"type": "register", "session_id": "s", "payload": {}}).encode() + b"\\n")
    async def beat():
        while True:
            await asyncio.sleep(5)
            writer.write(json.dumps({"type": "heartbeat", "session_id": "s", "payload": {}}).encode() + b"\\n")
    task = asyncio.create_task(beat())
    while await reader.readline():
        pass
asyncio.run(main())
"""


class Stage:
    """A directory with the agent's zipapp, a workspace, checks, and the socket that an agent dials."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="bench-agent-"))
        self.zipapp = self.directory / "cloche-agent.pyz"
        self.zipapp.write_bytes(build_agent_zipapp())
        self.host = self.directory / "host.sock"
        self.guest = self.directory / "guest.sock"
        self.workspace = self.directory / "workspace"
        self.workspace.mkdir()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.host))
        self.listener.listen()
        self.listener.settimeout(PATIENCE_S)

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()
        shutil.rmtree(self.directory)

    @property
    def flags(self) -> list[str]:
        config = self.directory / "config"  # empty unless `add_probes` was asked for
        return ["--session-id=s-1", f"--socket={self.host}", f"--workspace={self.workspace}", f"--config-dir={config}"]

    def add_probes(self, count: int, interval_s: int) -> None:
        folder = self.directory / "config" / "probes.d"
        folder.mkdir(parents=True)
        for number in range(count):
            probe = {"name": f"probe-{number}", "cmd": "test -d /", "interval_secs": interval_s}
            (folder / f"{number}.json").write_text(json.dumps(probe))

    def commands(self) -> dict[str, list[str]]:
        """The ways to start an agent that reports to this stage."""
        bare = [PYTHON, "-IS"]
        return {
            "zipapp": [*bare, str(self.zipapp), *self.flags],
            "zipapp, -c": [*bare, "-c", RUN.format(str(self.zipapp)), *self.flags],
            "source": [*bare, "-c", RUN.format(str(SOURCES)), *self.flags],
            "minimal asyncio": [*bare, "-c", ASYNCIO, str(self.host)],
        }

    def run(self, command: Sequence[str], pass_fds: Sequence[int] = ()) -> "Agent":
        return Agent(self, command, pass_fds)

    @contextlib.contextmanager
    def configured(self) -> Iterator[tuple[list[str], tuple[int, ...]]]:
        """The command of an agent under a daemon, without a browser, and the descriptors that it is given."""
        guest = socket.socket(socket.AF_UNIX)
        config_fd = os.memfd_create("config", 0)
        try:
            path = self.directory / f"daemon-{time.monotonic_ns()}.sock"
            guest.bind(str(path))
            guest.listen()
            config = AgentConfig(
                session_id="s-1",
                token="t",
                socket=str(self.host),
                guest_fd=guest.fileno(),
                egress_port=0,
                workspace=str(self.workspace),
            )
            os.write(config_fd, config.encode())
            command = [PYTHON, "-IS", "-c", RUN.format(str(self.zipapp)), "--config-fd", str(config_fd)]
            yield command, (config_fd, guest.fileno())
        finally:
            guest.close()
            os.close(config_fd)


class Agent:
    """A running agent. Its first message has been read when it is there, and `start_ms` says how long that took."""

    def __init__(self, stage: Stage, command: Sequence[str], pass_fds: Sequence[int]) -> None:
        begun = time.perf_counter()
        self.process = subprocess.Popen(
            command, pass_fds=pass_fds, stderr=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin"}
        )
        self._lines, self._begun = deque[bytes](), b""
        try:
            self.link, _ = stage.listener.accept()
            self.link.settimeout(PATIENCE_S)
            assert next(self.messages(PATIENCE_S))["type"] == "register"
        except BaseException:
            self.stop()
            raise
        self.start_ms = (time.perf_counter() - begun) * 1000

    def __enter__(self) -> "Agent":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        if hasattr(self, "link"):
            self.link.close()

    def messages(self, patience_s: float) -> Iterator[dict[str, Any]]:
        """What it says, until it says nothing for so long."""
        while True:
            while not self._lines:
                if not select.select([self.link], [], [], patience_s)[0]:
                    return
                data = self.link.recv(1 << 20)
                if not data:
                    raise EOFError
                *lines, self._begun = (self._begun + data).split(b"\n")
                self._lines.extend(lines)
            yield json.loads(self._lines.popleft())

    def cpu_s(self) -> tuple[float, float]:
        """Its own processor time, and that of the commands it has run and waited for (the latter in whole ticks)."""
        process = Path(f"/proc/{self.process.pid}")
        own_ns = int((process / "schedstat").read_text().split()[0])
        waited = (process / "stat").read_text().rpartition(") ")[2].split()[13:15]
        return own_ns / 1e9, sum(map(int, waited)) / TICKS


def connect(path: Path, port: int | None = None) -> socket.socket:
    """Connect to an agent that serves frames; with `port`, as through a virtual machine monitor's socket."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(PATIENCE_S)
    sock.connect(str(path))
    if port is not None:
        sock.sendall(b"CONNECT %d\n" % port)
        line = b""
        while not line.endswith(b"\n"):
            line += sock.recv(1)
        assert line.startswith(b"OK "), line
    return sock


def ask(sock: socket.socket, request: str) -> Any:
    body = json.dumps(request).encode()
    sock.sendall(struct.pack(">I", len(body)) + body)
    answer = b""
    while len(answer) < 4 or len(answer) < 4 + struct.unpack(">I", answer[:4])[0]:
        answer += sock.recv(65536)
    return json.loads(answer[4:])
