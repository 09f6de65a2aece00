"""A real agent process, a host for it to talk to, and a small browser for it to keep."""

import array
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pytest

from cloche.wire.agent_config import AgentConfig, BrowserConfig

from .stage import Stage

FAKE_BROWSER = Path(__file__).parents[2] / "data" / "agent" / "fake_browser.py"
PATIENCE_S = 5.0

Message = dict[str, Any]


class Connection:
    """One connection of an agent's, seen by the host."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE_S)
        self.sock = sock
        self._file = sock.makefile("rb")

    def read(self) -> Message:
        line = self._file.readline()
        if not line:
            raise EOFError
        message: Message = json.loads(line)
        return message

    def read_until(self, type_: str, **payload: object) -> Message:
        """Skip to the next message of this type whose payload holds these values."""
        while True:
            message = self.read()
            if message["type"] == type_ and payload.items() <= message["payload"].items():
                return message

    def rest(self) -> list[Message]:
        """Everything up to the end of the connection."""
        return [json.loads(line) for line in self._file]

    def send(self, type_: str, id_: str = "1", **payload: object) -> None:
        self.sock.sendall(json.dumps({"id": id_, "type": type_, "payload": payload}).encode() + b"\n")

    def close(self) -> None:
        self._file.close()
        self.sock.close()


class Host:
    """Listens for agents; can vanish and come back on the same path."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connections: list[Connection] = []
        self.listen()

    def listen(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._listener.settimeout(PATIENCE_S)

    def accept(self) -> Connection:
        connection = Connection(self._listener.accept()[0])
        self._connections.append(connection)
        return connection

    def vanish(self) -> None:
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._listener.close()
        self.path.unlink(missing_ok=True)


class Conversation(NamedTuple):
    """Frames on a guest stream."""

    stream: socket.socket
    file: BinaryIO

    def send(self, request: object) -> None:
        body = json.dumps(request).encode()
        self.stream.sendall(struct.pack(">I", len(body)) + body)

    def read(self) -> Any:
        """The next answer; None at the end of the conversation."""
        head = self.file.read(4)
        return json.loads(self.file.read(struct.unpack(">I", head)[0])) if head else None

    def ask(self, request: object) -> Any:
        self.send(request)
        return self.read()


@contextmanager
def connect(path: Path) -> Iterator[Conversation]:
    """Connect to an agent that listens here."""
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(PATIENCE_S)
        stream.connect(str(path))
        with stream.makefile("rb") as file:
            yield Conversation(stream, file)


class Agent:
    """A running agent under a configuration of ours."""

    def __init__(self, config: AgentConfig, guest_path: Path, log: Path) -> None:
        self.config = config
        self._guest_path = guest_path
        self.log = log
        guest = socket.socket(socket.AF_UNIX)
        guest.bind(str(guest_path))
        guest.listen(128)
        config = config._replace(guest_fd=guest.fileno())
        fd = os.memfd_create("config", 0)
        os.write(fd, config.encode())
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cloche.agent", "--config-fd", str(fd)],
                pass_fds=(fd, guest.fileno()),
                stderr=stderr,
            )
        os.close(fd)
        guest.close()

    def open_stream(self, *preface: bytes) -> socket.socket:
        stream = socket.socket(socket.AF_UNIX)
        stream.settimeout(PATIENCE_S)
        stream.connect(str(self._guest_path))
        for part in preface:
            stream.sendall(part)
        return stream

    def ask(self, **preface: object) -> tuple[Message, socket.socket | None]:
        """Open a stream, read its answer, and the descriptor that came along."""
        with self.open_stream(json.dumps(preface).encode() + b"\n") as stream:
            fds = array.array("i")
            data, ancillary, _, _ = stream.recvmsg(4096, socket.CMSG_LEN(fds.itemsize))
            for _, _, raw in ancillary:
                fds.frombytes(raw)
        if not fds:
            return json.loads(data), None
        passed = socket.socket(fileno=fds[0])
        passed.settimeout(PATIENCE_S)
        return json.loads(data), passed

    def get(self, target: str) -> bytes:
        """GET from the machine API; the whole response."""
        with self.open_stream(
            b'{"stream":"http"}\n', f"GET {target} HTTP/1.1\r\nHost: agent\r\n\r\n".encode()
        ) as stream:
            answer, _, response = stream.makefile("rb").read().partition(b"\n")
        assert json.loads(answer) == {"ok": True}
        return response

    def get_json(self, target: str) -> Message:
        body: Message = json.loads(self.get(target).partition(b"\r\n\r\n")[2])
        return body

    @contextmanager
    def conversation(self) -> Iterator["Conversation"]:
        """A stream that speaks the guest protocol from here on."""
        with self.open_stream(b'{"stream":"guest"}\n') as stream, stream.makefile("rb") as file:
            assert json.loads(file.readline()) == {"ok": True}
            yield Conversation(stream, file)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def exit_code(self) -> int:
        return self.process.wait(PATIENCE_S)

    def descendants(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def end(self) -> None:
        if self.process.poll() is None:
            for pid in self.descendants():
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
            self.process.kill()
        self.process.wait()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path / "agent.sock")
    yield host
    host.vanish()


@pytest.fixture
def start_agent(tmp_path: Path, host: Host) -> Iterator[Callable[..., Agent]]:
    """Start an agent; keywords change its configuration, `temper` its browser (None: it has none)."""
    agents: list[Agent] = []

    def start(temper: str | None = "good", browser: dict[str, Any] | None = None, **changes: Any) -> Agent:
        profile = tmp_path / "profile"
        browser_config = BrowserConfig(
            executable=sys.executable,
            args=("-IS", str(FAKE_BROWSER), str(profile), str(temper)),
            env={"MARK": "exactly this"},
            user_data_dir=str(profile),
            stop_grace_s=2.0,
        )
        config = AgentConfig(
            session_id="ses_test",
            token="secret",
            socket=str(host.path),
            egress_port=0,
            workspace=str(tmp_path / "workspace"),
            browser=browser_config._replace(**(browser or {})) if temper else None,
        )
        agent = Agent(config._replace(**changes), tmp_path / f"guest-{len(agents)}.sock", tmp_path / "agent.log")
        agents.append(agent)
        return agent

    yield start
    for agent in agents:
        agent.end()


@pytest.fixture
def crash() -> Callable[[Agent], None]:
    """End the agent's browser from outside with SIGSEGV."""

    def run(agent: Agent) -> None:
        _, devtools = agent.ask(**{"stream": "devtools", "pass": True, "wait_s": 5})
        assert devtools is not None
        with devtools:
            devtools.sendall(b"GET /crash HTTP/1.1\r\n\r\n")

    return run


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()
