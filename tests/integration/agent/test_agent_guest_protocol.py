"""The guest protocol of a running agent, through every door it has on this machine, against the published exchanges."""

import errno
import json
import os
import signal
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloche.testing import vsock
from cloche.testing.guest_exchanges import read_exchange
from cloche.wire.frames import HEADER_BYTES

from .conftest import PATIENCE_S, Agent
from .stage import is_gone, until

DATA = Path(__file__).parents[2] / "data/guest_protocol"
# What an agent with nothing to check says the same each time.
CONSTANT = (
    "ping",
    "wake",
    "integration_status_none",
    "probe_status_none",
    "checkpoint_integrations_all",
    "exec",
    "exec_defaults",
    "exec_argv",
    "hello_then_ping",
    "hello_mismatch",
    "unknown_verb",
)
DOORS = ["unix", "unix, with a handshake", "guest socket", *(["vsock"] if vsock.has_loopback() else [])]

Connect = Callable[[str], socket.socket]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "guest.sock"


@pytest.fixture
def vsock_port() -> int:
    return vsock.free_port() if vsock.has_loopback() else 0


@pytest.fixture
def serve(host, start_agent, tmp_path, path, vsock_port) -> Callable[..., Agent]:
    """Start an agent that serves on every door, with drop-ins in `tmp_path`; keywords change its configuration."""

    def start(**changes: Any) -> Agent:
        listen = (f"unix:{path}", *([f"vsock:{vsock_port},peer=any"] if vsock_port else []))
        settings: dict[str, Any] = {"listen": listen, "config_dirs": (str(tmp_path),)}
        settings |= {"exec_enabled": True, "exec_allowed": True}
        agent = start_agent(temper=None, **settings | changes)
        assert host.accept().read()["type"] == "register"
        return agent

    return start


@pytest.fixture
def connect(path, vsock_port, request) -> Callable[[Agent, str], socket.socket]:
    def run(agent: Agent, door: str) -> socket.socket:
        if door == "guest socket":
            sock = agent.open_stream(b'{"stream":"guest"}\n')
            assert _line(sock) == b'{"ok":true}\n'
        elif door == "vsock":
            sock = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
            sock.settimeout(PATIENCE_S)
            sock.connect((vsock.CID_LOCAL, vsock_port))
        else:
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(PATIENCE_S)
            sock.connect(str(path))
            if "handshake" in door:
                sock.sendall(b"CONNECT 52\n")
                assert _line(sock).startswith(b"OK ")
        request.addfinalizer(sock.close)
        return sock

    return run


def _line(sock: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        line += sock.recv(1)
    return line


def _frame(sock: socket.socket) -> bytes:
    frame = _exactly(sock, HEADER_BYTES)
    return frame + _exactly(sock, int.from_bytes(frame, "big"))


def _exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        assert piece, "it hung up"
        data += piece
    return data


def _ask(sock: socket.socket, body: bytes) -> Any:
    sock.sendall(len(body).to_bytes(HEADER_BYTES, "big") + body)
    return json.loads(_frame(sock)[HEADER_BYTES:])


@pytest.mark.parametrize("door", DOORS)
def test_constant_answers_are_the_published_ones_byte_for_byte(serve, connect, door) -> None:
    agent = serve()
    for name in CONSTANT:
        with connect(agent, door) as sock:
            for frame in read_exchange(DATA / f"{name}.txt"):
                if frame.is_from_host:
                    sock.sendall(frame.data)
                else:
                    assert _frame(sock) == frame.data, name


@pytest.mark.parametrize("door", DOORS)
def test_every_other_answer_has_the_published_keys_in_their_order(serve, connect, door) -> None:
    agent = serve()
    for name in ("worker_status_never_busy", "worker_status_busy", "sleep_prep", "post_restore"):
        asked, published = (frame.data[HEADER_BYTES:] for frame in read_exchange(DATA / f"{name}.txt"))
        with connect(agent, door) as sock:
            answer = _ask(sock, asked)
        ((tag, fields),) = json.loads(published).items()
        assert list(answer) == [tag]
        assert list(answer[tag]) == list(fields)
        for key, value in answer[tag].items():
            assert isinstance(value, (str, type(None)) if key in ("detail", "last_busy_at") else type(fields[key]))


def test_reports_of_real_checks_have_the_published_keys_in_their_order(serve, connect, tmp_path) -> None:
    for folder, definitions in {
        "integrations.d": [
            {"name": "db", "health_cmd": "true"},
            {"name": "queue", "health_cmd": "exit 3"},
            {"name": "mail", "health_cmd": "false", "startup_grace_secs": 600},
            {"name": "search"},
        ],
        "probes.d": [
            {"name": "disk", "cmd": "echo '{\"free\":12}'", "output_format": "json"},
            {"name": "gpu", "command": "echo no >&2; false"},
        ],
    }.items():
        (tmp_path / folder).mkdir()
        for definition in definitions:
            (tmp_path / folder / f"{definition['name']}.json").write_text(json.dumps(definition))
    agent = serve()

    def reports(request: str, tag: str, key: str) -> dict[str, Any]:
        with connect(agent, "unix") as sock:
            return {report["name"]: report for report in _ask(sock, json.dumps(request).encode())[tag][key]}

    probes = until(
        lambda: reports("ProbeStatus", "ProbeStatusReport", "probes"), lambda found: {*found} == {"disk", "gpu"}
    )
    assert list(probes["disk"]) == ["name", "healthy", "detail", "output", "checked_at"]
    assert list(probes["gpu"]) == ["name", "healthy", "detail", "checked_at"]
    assert (probes["disk"]["output"], probes["gpu"]["detail"]) == ({"free": 12}, "no")
    integrations = until(
        lambda: reports("IntegrationStatus", "IntegrationStatusReport", "integrations"),
        lambda found: all(found.get(name, {}).get("health") for name in ("db", "queue", "mail")),
    )
    assert {name: report["status"] for name, report in integrations.items()} == {
        "db": "active",
        "queue": {"error": "exit code 3"},
        "mail": "starting",
        "search": "pending",
    }
    for report in integrations.values():
        assert list(report) == ["name", "status", "last_checkpoint_at", "state_size_bytes", "health"]
        assert report["health"] is None or list(report["health"]) == ["healthy", "detail", "checked_at"]


@pytest.mark.parametrize("door", DOORS)
def test_a_wake_answers_its_host_and_hangs_up_on_everybody_else(serve, connect, door) -> None:
    agent = serve()
    waking, idle = connect(agent, door), connect(agent, "unix")
    assert _ask(idle, b'"Ping"') == "Pong"
    assert "SleepPrepAck" in _ask(waking, b'{"SleepPrep":{"drain_timeout_secs":5}}')
    assert _ask(waking, b'"Wake"') == {"WakeAck": {"success": True}}
    assert idle.recv(1) == b""
    with connect(agent, "unix") as again:
        assert _ask(again, b'"Ping"') == "Pong"


def test_a_running_command_makes_the_worker_busy(serve, connect, tmp_path) -> None:
    agent = serve(busy_threshold=1000.0)
    os.mkfifo(tmp_path / "fifo")
    with connect(agent, "unix") as running, connect(agent, "unix") as asking:
        body = json.dumps({"Exec": {"argv": ["cat", str(tmp_path / "fifo")]}}).encode()
        running.sendall(len(body).to_bytes(HEADER_BYTES, "big") + body)
        with open(tmp_path / "fifo", "w") as fifo:  # opens when the command does
            assert _ask(asking, b'"WorkerStatus"')["WorkerStatus"]["status"] == "busy"
            fifo.write("done")
        assert b'"stdout":"done"' in _frame(running)


def test_the_socket_is_there_when_the_agent_registers_and_gone_with_it(serve, connect, path, tmp_path) -> None:
    agent = serve()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    sock = connect(agent, "unix")
    started = tmp_path / "started"
    os.mkfifo(started)
    body = json.dumps({"Exec": {"command": f"echo $$ > {started}; exec sleep 600"}}).encode()
    sock.sendall(len(body).to_bytes(HEADER_BYTES, "big") + body)
    pid = int(started.read_text())
    agent.signal(signal.SIGTERM)
    assert agent.exit_code() == 0
    assert not path.exists()
    assert is_gone(pid)
    assert sock.recv(1) == b""


def test_the_socket_of_an_agent_that_was_killed_is_taken_over_and_that_of_a_living_one_is_not(
    host, start_agent, path
) -> None:
    def start() -> Agent:
        return start_agent(temper=None, listen=(f"unix:{path}",))

    killed = start()
    assert host.accept().read()["type"] == "register"
    killed.signal(signal.SIGKILL)
    killed.exit_code()
    assert path.is_socket()
    start()
    assert host.accept().read()["type"] == "register"
    third = start()
    assert third.exit_code() == 1
    assert f"cannot listen on unix:{path}" in third.log.read_text()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect(str(path))
        assert _ask(sock, b'"Ping"') == "Pong"


if vsock.has_vsock():

    def test_an_agent_listens_on_vsock(host, start_agent) -> None:
        port = vsock.free_port()
        agent = start_agent(temper=None, listen=(f"vsock:{port}",))
        assert host.accept().read()["type"] == "register"
        with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as other, pytest.raises(OSError) as refusal:
            other.bind((socket.VMADDR_CID_ANY, port))
        assert refusal.value.errno == errno.EADDRINUSE
        second = start_agent(temper=None, listen=(f"vsock:{port}",))
        assert second.exit_code() == 1
        assert f"cannot listen on vsock:{port}" in second.log.read_text()
        agent.signal(signal.SIGTERM)
        assert agent.exit_code() == 0
        with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as other:
            other.bind((socket.VMADDR_CID_ANY, port))
