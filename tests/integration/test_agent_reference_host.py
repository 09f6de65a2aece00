"""The agent against a host written from the published protocol alone: nothing of Cloche is imported here.

Protocol: the host listens on a unix stream socket; the agent sends one JSON object a line with `type`, `session_id`,
`timestamp`, `payload`, `request_id`; the host sends objects with `id`, `type`, `payload`, with anything or nothing
between them. Key sets below are those of the protocol; what an agent adds stands beside them.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

HEALTH = {"status", "browser_alive", "cpu_percent", "memory_mb", "uptime_seconds", "pid"}
HEALTH_BESIDE = {
    "browser_pid",
    "processes",
    "restarts",
    "cpu_seconds",
    "limit_kills",
    "programs",
    "worker_status",
    "checks",
}
METRICS = {
    "cpu_percent",
    "memory_used_mb",
    "memory_total_mb",
    "disk_used_mb",
    "disk_total_mb",
    "network_rx_mb",
    "network_tx_mb",
    "open_files",
    "goroutines",
}
SOURCES = Path(__file__).parents[2] / "src"


class ReferenceHost:
    def __init__(self, directory: Path) -> None:
        self.path = str(directory / "host.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.listener.settimeout(5)
        self.agents: list[subprocess.Popen[bytes]] = []
        self.connection = self.file = None

    def start(self, *arguments: str, command: tuple[str, ...] = (), **variables: str) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("CLOCHE", "MESHBROW"))}
        agent = subprocess.Popen(
            [sys.executable, *(command or ("-m", "cloche.agent")), *arguments],
            env=environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.agents.append(agent)
        return agent

    def accept(self) -> None:
        self.connection, _ = self.listener.accept()
        self.connection.settimeout(5)
        self.file = self.connection.makefile("rb")

    def read(self, type_: str) -> dict:
        while True:
            message = json.loads(self.file.readline())
            if message["type"] == type_:
                return message

    def events(self, path: str) -> Iterator[dict]:
        """What is told of one path from here on."""
        while True:
            event = self.read("fs_event")
            assert event.keys() == {"type", "session_id", "timestamp", "payload"}
            if event["payload"]["path"] == path:
                yield event["payload"]

    def send(self, type_: str, id_: str, end: bytes = b"\n") -> None:
        self.connection.sendall(json.dumps({"id": id_, "type": type_}).encode() + end)

    def close(self) -> None:
        for agent in self.agents:
            agent.kill()
            agent.communicate()
        for thing in (self.file, self.connection, self.listener):
            if thing is not None:
                thing.close()


@pytest.fixture
def host(tmp_path: Path):
    host = ReferenceHost(tmp_path)
    yield host
    host.close()


def arguments(host: ReferenceHost, tmp_path: Path, *more: str) -> tuple[str, ...]:
    return ("--session-id", "s-1", "--socket", host.path, "--workspace", str(tmp_path / "work" / "space"), *more)


def test_it_registers_first_with_the_documented_keys(host, tmp_path: Path) -> None:
    agent = host.start(*arguments(host, tmp_path))
    host.accept()
    register = host.read("register")
    assert register.keys() == {"type", "session_id", "timestamp", "payload"}
    assert register["session_id"] == "s-1"
    assert register["payload"] == {
        "version": "agent/1.0",
        "workspace": str(tmp_path / "work" / "space"),
        "pid": agent.pid,
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", register["timestamp"])
    assert (tmp_path / "work" / "space").is_dir()


def test_heartbeats_and_metrics_have_the_documented_keys_and_real_values(host, tmp_path: Path) -> None:
    agent = host.start(*arguments(host, tmp_path, "--heartbeat-interval", "50ms", "--metrics-interval", "50ms"))
    host.accept()
    health = host.read("heartbeat")["payload"]
    assert health.keys() == HEALTH | HEALTH_BESIDE
    assert health["pid"] == agent.pid
    assert 4 < health["memory_mb"] < 60
    assert health["cpu_seconds"] >= 0
    metrics = host.read("metrics")["payload"]
    assert metrics.keys() == METRICS
    assert isinstance(metrics["goroutines"], int) and metrics["goroutines"] > 0
    assert isinstance(metrics["open_files"], int) and metrics["open_files"] > 2
    assert 0 < metrics["memory_used_mb"] < metrics["memory_total_mb"]
    disk = os.statvfs(tmp_path / "work" / "space")
    assert metrics["disk_total_mb"] == pytest.approx(disk.f_blocks * disk.f_frsize / 2**20, abs=1)
    assert host.read("heartbeat")["payload"]["uptime_seconds"] > health["uptime_seconds"]


def test_cpu_is_measured_on_the_session_and_not_always_zero(host, tmp_path: Path) -> None:
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        (tmp_path / "browser.pid").write_text(str(busy.pid))
        host.start(
            *arguments(host, tmp_path, "--browser-pid-file", str(tmp_path / "browser.pid")),
            "--heartbeat-interval",
            "100ms",
        )
        host.accept()
        while (health := host.read("heartbeat")["payload"])["cpu_percent"] < 100 / (os.cpu_count() or 1) / 4:
            pass
        assert health["browser_alive"] is True
        assert health["browser_pid"] == busy.pid
        assert health["processes"] == 2
        busy.kill()
        busy.wait()
        while host.read("heartbeat")["payload"]["browser_alive"]:
            pass
    finally:
        busy.kill()
        busy.wait()


def test_values_are_those_the_kernel_tells(host, tmp_path: Path) -> None:
    agent = host.start(*arguments(host, tmp_path))
    host.accept()
    host.read("register")
    host.send("health_check", "h")
    health = host.read("health_response")["payload"]
    host.send("collect_metrics", "m")
    metrics = host.read("metrics_response")["payload"]
    assert health["memory_mb"] == pytest.approx(pss_mb(agent.pid), rel=0.5)
    assert metrics["memory_used_mb"] == pytest.approx(pss_mb(agent.pid), rel=0.5)
    meminfo = Path("/proc/meminfo").read_text()
    assert 0 < metrics["memory_total_mb"] <= int(re.search(r"MemTotal:\s+(\d+)", meminfo)[1]) / 1024 + 1
    assert metrics["open_files"] == pytest.approx(len(os.listdir(f"/proc/{agent.pid}/fd")), abs=3)
    assert 0 <= metrics["cpu_percent"] <= 100
    disk = os.statvfs(tmp_path)
    used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize / 2**20
    assert metrics["disk_used_mb"] == pytest.approx(used, abs=max(256, used / 10))
    received, sent = network_mb()
    assert metrics["network_rx_mb"] == pytest.approx(received, abs=max(1, received / 10))
    assert metrics["network_tx_mb"] == pytest.approx(sent, abs=max(1, sent / 10))


def test_the_network_is_counted(host, tmp_path: Path) -> None:
    host.start(*arguments(host, tmp_path))
    host.accept()
    host.send("collect_metrics", "before")
    before = host.read("metrics_response")["payload"]
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        other, _ = server.accept()
        with other:
            for _ in range(64):
                client.sendall(bytes(65536))
                taken = 0
                while taken < 65536:
                    taken += len(other.recv(65536))
    host.send("collect_metrics", "after")
    after = host.read("metrics_response")["payload"]
    assert after["network_rx_mb"] - before["network_rx_mb"] >= 4
    assert after["network_tx_mb"] - before["network_tx_mb"] >= 4


def pss_mb(pid: int) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1]) / 1024


def network_mb() -> tuple[float, float]:
    lines = [line.partition(":")[2].split() for line in Path("/proc/net/dev").read_text().splitlines()[2:]]
    return sum(int(line[0]) for line in lines) / 2**20, sum(int(line[8]) for line in lines) / 2**20


def test_a_process_that_only_sounds_like_a_browser_is_none(host, tmp_path: Path) -> None:
    shutil.copy("/bin/sleep", tmp_path / "chromium")
    impostors = [
        subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()  # chrome chromium"]),
        subprocess.Popen([tmp_path / "chromium", "60"]),
    ]
    try:
        host.start(*arguments(host, tmp_path))
        host.accept()
        health = host.read("heartbeat")["payload"]
        assert (health["status"], health["browser_alive"], health["browser_pid"]) == ("unhealthy", False, None)
    finally:
        for impostor in impostors:
            impostor.kill()
            impostor.wait()


def test_a_browser_that_has_ended_and_was_not_waited_for_is_none(host, tmp_path: Path) -> None:
    browser = subprocess.Popen(["/bin/sleep", "60"])
    try:
        (tmp_path / "browser.pid").write_text(f"{browser.pid}\n")
        host.start(*arguments(host, tmp_path, "--browser-pid-file", str(tmp_path / "browser.pid")))
        host.accept()
        assert host.read("heartbeat")["payload"]["status"] == "healthy"
        browser.kill()
        os.waitid(os.P_PID, browser.pid, os.WEXITED | os.WNOWAIT)
        host.send("health_check", "z")
        health = host.read("health_response")["payload"]
        assert (health["status"], health["browser_alive"]) == ("unhealthy", False)
    finally:
        browser.kill()
        browser.wait()


def test_what_is_in_the_workspace_already_is_told_as_created(host, tmp_path: Path) -> None:
    workspace = tmp_path / "work" / "space"
    (workspace / "folder").mkdir(parents=True)
    (workspace / "folder" / "file").write_text("x")
    for excluded in (".git", "node_modules", "__pycache__"):
        (workspace / excluded).mkdir()
        (workspace / excluded / "in it").touch()
    (workspace / "last").touch()
    host.start(*arguments(host, tmp_path))
    host.accept()
    wanted = {".": True, "folder": True, "folder/file": False, "last": False}
    told = {}
    while told.keys() < wanted.keys():
        event = host.read("fs_event")["payload"]
        assert event.keys() == {"path", "operation", "is_dir"}
        assert event["operation"] == "create"
        told[event["path"]] = event["is_dir"]
    assert told == wanted


@pytest.mark.parametrize("is_dir", [False, True], ids=["file", "directory"])
def test_changes_in_the_workspace_are_told_one_by_one(host, tmp_path: Path, is_dir: bool) -> None:
    host.start(*arguments(host, tmp_path))
    host.accept()
    assert next(host.events("."))["operation"] == "create"
    entry, renamed = (tmp_path / "work" / "space" / name for name in ("entry", "renamed"))
    entry.mkdir() if is_dir else entry.touch()
    assert next(host.events("entry")) == {"path": "entry", "operation": "create", "is_dir": is_dir}
    if not is_dir:
        entry.write_text("more than there was")
        assert next(host.events("entry")) == {"path": "entry", "operation": "modify", "is_dir": False}
    entry.rename(renamed)
    moved = {"path": "renamed", "operation": "rename", "is_dir": is_dir}
    assert moved.items() <= next(host.events("renamed")).items()
    renamed.rmdir() if is_dir else renamed.unlink()
    assert next(host.events("renamed")) == {"path": "renamed", "operation": "delete", "is_dir": is_dir}


MALFORMED = [
    b"nonsense\n",
    b'{"id": 7, "type": "health_check"}\n',
    b'{"id": "x"}\n',
    b'{"id": "x", "type": 3}\n',
    b'{"id": "x", "type": "health_check", "payload": []}\n',
    b'["health_check"]\n',
    b'"health_check"\n',
    b"\xff\xfe\n",
    b'{"id": "x", "type": "\n',
    b"{" * 3000 + b"\n",
    b'{"id": "x", "type": "Health_Check"}\n',
    b'{"id": "x", "type": "lease", "payload": {"ttl_s": "long"}}\n',
]


@pytest.mark.parametrize("malformed", MALFORMED, ids=lambda data: repr(data[:40]))
def test_a_command_that_is_none_gets_an_error_and_the_next_one_its_answer(host, tmp_path: Path, malformed) -> None:
    host.start(*arguments(host, tmp_path))
    host.accept()
    host.connection.sendall(malformed)
    host.send("health_check", "after")
    assert host.read("error")["payload"].keys() == {"code", "message"}
    assert host.read("health_response")["request_id"] == "after"


def test_commands_are_answered_with_their_id_whatever_stands_between_them(host, tmp_path: Path) -> None:
    host.start(*arguments(host, tmp_path))
    host.accept()
    host.send("health_check", "h", end=b"")
    host.send("collect_metrics", "m", end=b" \r\n\t ")
    host.send("no_such_thing", "n")
    host.send("health_check", "h2")
    response = host.read("health_response")
    assert response["request_id"] == "h"
    assert response["payload"].keys() == HEALTH | HEALTH_BESIDE
    response = host.read("metrics_response")
    assert response["request_id"] == "m"
    assert response["payload"].keys() == METRICS
    assert host.read("error")["request_id"] == "n"
    assert host.read("health_response")["request_id"] == "h2"


@pytest.mark.parametrize("end", ["shutdown", signal.SIGTERM, signal.SIGINT])
def test_it_deregisters_and_exits_zero_without_waiting_for_the_host(host, tmp_path: Path, end) -> None:
    agent = host.start(*arguments(host, tmp_path))
    host.accept()
    host.read("register")
    if end == "shutdown":
        host.send("shutdown", "s")
    else:
        agent.send_signal(end)
    assert host.read("deregister")["payload"]["reason"] == "shutdown"
    assert agent.wait(5) == 0


def test_it_comes_back_to_a_host_that_hung_up(host, tmp_path: Path) -> None:
    host.start(*arguments(host, tmp_path))
    for _ in range(3):
        host.accept()
        assert host.read("register")["session_id"] == "s-1"
        host.file.close()
        host.connection.close()


def test_a_flag_wins_over_a_variable_and_cloche_over_the_documented_name(host, tmp_path: Path) -> None:
    host.start(
        "--session-id=from-flag",
        MESHBROW_SESSION_ID="from-meshbrow",
        CLOCHE_SESSION_ID="from-cloche",
        MESHBROW_SOCKET=host.path,
        MESHBROW_WORKSPACE=str(tmp_path / "meshbrow"),
        CLOCHE_WORKSPACE=str(tmp_path / "cloche"),
        MESHBROW_HEARTBEAT_INTERVAL="20ms",
    )
    host.accept()
    register = host.read("register")
    assert register["session_id"] == "from-flag"
    assert register["payload"]["workspace"] == str(tmp_path / "cloche")
    host.read("heartbeat")
    host.read("heartbeat")


@pytest.mark.parametrize("prefix", ["CLOCHE_", "MESHBROW_"])
def test_every_documented_setting_has_a_variable(host, tmp_path: Path, prefix: str) -> None:
    browser = subprocess.Popen(["/bin/sleep", "60"])
    try:
        (tmp_path / "pid").write_text(str(browser.pid))
        settings = {
            "SESSION_ID": "s-2",
            "SOCKET": host.path,
            "WORKSPACE": str(tmp_path / "elsewhere"),
            "LOG_LEVEL": "debug",
            "HEARTBEAT_INTERVAL": "20ms",
            "METRICS_INTERVAL": "20ms",
            "BROWSER_PID_FILE": str(tmp_path / "pid"),
        }
        agent = host.start(**{prefix + name: value for name, value in settings.items()})
        host.accept()
        register = host.read("register")
        assert (register["session_id"], register["payload"]["workspace"]) == ("s-2", str(tmp_path / "elsewhere"))
        for _ in range(3):
            assert host.read("heartbeat")["payload"]["browser_pid"] == browser.pid
            host.read("metrics")
        host.send("shutdown", "s")
        assert agent.wait(5) == 0
    finally:
        browser.kill()
        browser.wait()


@pytest.mark.parametrize(
    ("level", "levels"),
    [
        ("debug", {"info", "warn"}),
        ("info", {"info", "warn"}),
        ("warn", {"warn"}),
        ("error", set()),
        ("loud", {"info", "warn"}),
    ],
)
def test_the_log_level_decides_what_is_said(host, tmp_path: Path, level: str, levels: set[str]) -> None:
    agent = host.start(*arguments(host, tmp_path, "--log-level", level))
    host.accept()
    host.send("no_such_thing", "n")
    host.read("error")
    host.send("shutdown", "s")
    _, stderr = agent.communicate(timeout=5)
    assert {json.loads(line)["level"] for line in stderr.splitlines()} - {"debug"} == levels


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ((), 1),
        (("--session-id", "s", "--heartbeat-interval", "fast"), 1),
        (("--session-id", "s", "--metrics-interval", "0s"), 1),
        (("--session-id", "s", "--workspace", "/dev/null/x"), 1),
        (("--no-such-flag",), 2),
        (("--config-fd", "999"), 1),
    ],
    ids=str,
)
def test_a_wrong_command_line_ends_with_a_line_and_a_code(host, wrong, code) -> None:
    agent = host.start(*wrong)
    _, stderr = agent.communicate(timeout=5)
    assert agent.returncode == code
    assert len(stderr.splitlines()) == 1


def test_the_version_is_three_lines(host) -> None:
    stdout, _ = host.start("--version").communicate(timeout=5)
    assert len(stdout.splitlines()) == 3
    assert b"agent/1.0" in stdout


def test_logs_are_json_lines(host, tmp_path: Path) -> None:
    agent = host.start(*arguments(host, tmp_path))
    host.accept()
    host.read("register")
    host.send("shutdown", "s")
    _, stderr = agent.communicate(timeout=5)
    records = [json.loads(line) for line in stderr.splitlines()]
    assert records
    assert all({"time", "level", "msg"} <= record.keys() for record in records)


def test_a_zip_of_the_agent_and_the_wire_alone_is_a_whole_agent(host, tmp_path: Path) -> None:
    bundle = tmp_path / "agent.pyz"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("__main__.py", "from cloche.agent.main import main\nraise SystemExit(main())\n")
        for name in ("__init__.py", "agent", "wire"):
            source = SOURCES / "cloche" / name
            for file in sorted(source.rglob("*.py")) if source.is_dir() else [source]:
                archive.write(file, file.relative_to(SOURCES))
    agent = host.start(*arguments(host, tmp_path), command=("-IS", str(bundle)))
    host.accept()
    assert host.read("register")["payload"]["pid"] == agent.pid
    host.send("shutdown", "s")
    assert agent.wait(5) == 0
