"""Peers that stall, drip, flood, send garbage or vanish, against a running agent: others are answered meanwhile.

Each trouble is a generator that does a little of it at a time. Between two of its steps another peer asks, and must be
answered; at the end nothing of the trouble may be left.
"""

import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from cloche.testing import vsock

from .conftest import PATIENCE_S, Agent
from .reference_peers import MAX_FRAME
from .stage import is_gone, until

PING = b'\0\0\0\6"Ping"'
PONG = b'\0\0\0\6"Pong"'
STEPS = 25
OWN_DOORS = ["unix", *(["vsock"] if vsock.has_loopback() else [])]


class Stage:
    """A running agent and a door of it."""

    def __init__(self, agent: Agent, door: str, path: Path, vsock_port: int, folder: Path) -> None:
        self.agent, self.folder = agent, folder
        self._door, self._path, self._vsock_port = door, path, vsock_port

    def dial(self) -> socket.socket:
        if self._door == "guest socket":
            sock = self.agent.open_stream(b'{"stream":"guest"}\n')
            assert exactly(sock, 12) == b'{"ok":true}\n'
        elif self._door == "vsock":
            sock = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
            sock.settimeout(PATIENCE_S)
            sock.connect((vsock.CID_LOCAL, self._vsock_port))
        else:
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(PATIENCE_S)
            sock.connect(str(self._path))
        return sock

    def executing(self, **fields: Any) -> socket.socket:
        """A peer that has asked for a command."""
        sock = self.dial()
        sock.sendall(framed({"Exec": fields}))
        return sock

    def pings(self) -> None:
        with self.dial() as sock:
            sock.sendall(PING)
            assert exactly(sock, len(PONG)) == PONG

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.agent.process.pid}/fd"))

    def most_memory_bytes(self) -> int:
        """The most that the agent has ever had (VmHWM, proc_pid_status(5))."""
        status = Path(f"/proc/{self.agent.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@pytest.fixture
def stage(door, host, start_agent, tmp_path) -> Iterator[Stage]:
    path, port = tmp_path / "guest.sock", vsock.free_port() if vsock.has_loopback() else 0
    listen = (f"unix:{path}", *([f"vsock:{port},peer=any"] if port else ()))
    agent = start_agent(temper=None, listen=listen, exec_enabled=True, exec_allowed=True, config_dirs=())
    assert host.accept().read()["type"] == "register"
    stage = Stage(agent, door, path, port, tmp_path)
    stage.pings()  # so that all that serves is loaded
    open_before = stage.open_files()
    yield stage
    until(stage.open_files, lambda count: count <= open_before)
    agent.signal(signal.SIGTERM)
    assert agent.exit_code() == 0
    assert "task failed" not in agent.log.read_text()


def framed(value: Any) -> bytes:
    body = json.dumps(value).encode()
    return struct.pack(">I", len(body)) + body


def exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        assert piece, "it hung up"
        data += piece
    return data


def answer(sock: socket.socket) -> Any:
    (length,) = struct.unpack(">I", exactly(sock, 4))
    assert length <= MAX_FRAME
    return json.loads(exactly(sock, length))


def result(sock: socket.socket) -> dict[str, Any]:
    fields: dict[str, Any] = answer(sock)["ExecResult"]
    return fields


# Troubles


def stalling(beginning: bytes) -> Callable[[Stage], Iterator[None]]:
    def act(stage: Stage) -> Iterator[None]:
        with ExitStack() as stack:
            for _ in range(STEPS):
                stack.enter_context(stage.dial()).sendall(beginning)
                yield

    return act


def half_open(stage: Stage) -> Iterator[None]:
    """Peers that shut their side in the middle of a frame and stay."""
    with ExitStack() as stack:
        for _ in range(STEPS):
            sock = stack.enter_context(stage.dial())
            sock.sendall(PING[:7])
            sock.shutdown(socket.SHUT_WR)
            yield


def dripping(stage: Stage) -> Iterator[None]:
    with stage.dial() as sock:
        for byte in PING:
            sock.sendall(bytes([byte]))
            yield
        assert exactly(sock, len(PONG)) == PONG


def garbage(stage: Stage) -> Iterator[None]:
    for data in (
        b"GET / HTTP/1.1\r\n\r\n",
        os.urandom(2000),
        b"\xff" * 200_000,
        b"CONNECT 52\n" * 9,
        b"\0\0\0\2{}" * 99,
    ):
        with stage.dial() as sock, suppress(BrokenPipeError, ConnectionResetError):
            sock.sendall(data)
            yield


def oversize(stage: Stage) -> Iterator[None]:
    """A frame that is said to be too large, and then sent without an end."""
    with stage.dial() as sock:
        sock.sendall(struct.pack(">I", MAX_FRAME + 1))
        assert str(MAX_FRAME) in answer(sock)["Error"]["message"]
        with suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(STEPS):
                sock.sendall(b"x" * 100_000)
                yield


def never_reading(stage: Stage) -> Iterator[None]:
    with stage.dial() as sock:
        sock.setblocking(False)
        for _ in range(STEPS):
            with suppress(BlockingIOError):
                while True:
                    sock.send(b'\0\0\0\x13"IntegrationStatus"' * 500)
            yield


def flood_of_requests(stage: Stage) -> Iterator[None]:
    with stage.dial() as sock:
        sock.setblocking(False)
        for _ in range(STEPS):
            with suppress(BlockingIOError):
                sock.send(PING * 5000)
            with suppress(BlockingIOError):
                while sock.recv(65536):
                    pass
            yield


def vanishing(stage: Stage) -> Iterator[None]:
    for _ in range(STEPS):
        for beginning in (b"", PING[:2], PING[:9], PING, PING * 100):
            sock = stage.dial()
            sock.sendall(beginning)
            sock.close()
        yield


def printing_without_end(stage: Stage) -> Iterator[None]:
    with stage.executing(command="head -c 100000000 /dev/zero") as sock:
        for _ in range(STEPS):
            yield
        said = result(sock)
        assert (said["exit_code"], said["stderr"]) == (0, "")
        assert len(said["stdout"]) > 40_000


def feeding_and_printing(stage: Stage) -> Iterator[None]:
    text = "€\n" * 30_000
    with stage.executing(argv=["cat"], stdin=text) as sock:
        for _ in range(STEPS):
            yield
        assert result(sock) == {"exit_code": 0, "stdout": text, "stderr": ""}


def holding_the_pipe(stage: Stage) -> Iterator[None]:
    """A command whose child lives on with its output."""
    with stage.executing(command="sleep 600 & echo done") as sock:
        for _ in range(3):
            yield
        assert result(sock) == {"exit_code": 0, "stdout": "done\n", "stderr": ""}


def executing_for_long(stage: Stage) -> Iterator[None]:
    started = stage.folder / "started"
    os.mkfifo(started)
    with stage.executing(command=f"echo $$ > {started}; sleep 600 & wait"):
        pid = int(started.read_text())
        for _ in range(STEPS):
            yield
    # The peer has hung up, with its command still running.
    until(lambda: pid, is_gone)


TROUBLES = {
    "silent": stalling(b""),
    "half a header": stalling(PING[:2]),
    "half a frame": stalling(PING[:7]),
    "a large frame but for its end": stalling(struct.pack(">I", MAX_FRAME) + b" " * (MAX_FRAME - 1)),
    "half-open": half_open,
    "dripping": dripping,
    "garbage": garbage,
    "oversize": oversize,
    "never reading": never_reading,
    "a flood of requests": flood_of_requests,
    "vanishing": vanishing,
    "printing without end": printing_without_end,
    "feeding and printing": feeding_and_printing,
    "holding the pipe": holding_the_pipe,
    "executing for long": executing_for_long,
}


# On the guest socket the same conversations are held: those of its peers that could hold up the rest of it.
STAGES = [(door, trouble) for door in OWN_DOORS for trouble in TROUBLES]
STAGES += [("guest socket", trouble) for trouble in ("silent", "half-open", "never reading", "executing for long")]


@pytest.mark.parametrize(("door", "trouble"), STAGES)
def test_a_peers_trouble_is_its_own(stage: Stage, trouble: str) -> None:
    with stage.dial() as lasting:
        for _ in TROUBLES[trouble](stage):
            stage.pings()
            lasting.sendall(PING)
            assert exactly(lasting, len(PONG)) == PONG
    stage.pings()


@pytest.mark.parametrize("door", [*OWN_DOORS, "guest socket"])
def test_of_a_flood_of_connections_the_oldest_make_room_and_whoever_is_being_served_stays(stage: Stage) -> None:
    fifo = stage.folder / "fifo"
    os.mkfifo(fifo)
    with ExitStack() as stack:
        served = stack.enter_context(stage.executing(argv=["cat", str(fifo)]))
        writer = stack.enter_context(open(fifo, "w"))
        flood = []
        for _ in range(25):
            flood += [stack.enter_context(stage.dial()) for _ in range(20)]
            stage.pings()
        assert "Error" in answer(flood[0])
        flood[-1].sendall(PING)
        assert exactly(flood[-1], len(PONG)) == PONG
        print("still here", file=writer, flush=True)
        writer.close()
        assert result(served)["stdout"] == "still here\n"


@pytest.mark.parametrize("door", OWN_DOORS)
def test_what_peers_send_or_have_printed_does_not_fill_the_agent(stage: Stage) -> None:
    before = stage.most_memory_bytes()
    with ExitStack() as stack:
        for _ in range(100):  # 64 of them may stay: 16 MiB at most
            with suppress(BrokenPipeError):
                sock = stack.enter_context(stage.dial())
                sock.sendall(struct.pack(">I", MAX_FRAME) + b" " * (MAX_FRAME - 1))
        stage.pings()
        for _ in flood_of_requests(stage):
            stage.pings()
    with stage.executing(argv=[sys.executable, "-IS", "-c", "print('🦜' * 20_000_000)"]) as sock:
        said = result(sock)
    assert set(said["stdout"].partition("\n")[0]) == {"🦜"}
    assert stage.most_memory_bytes() - before < 48 * 2**20
