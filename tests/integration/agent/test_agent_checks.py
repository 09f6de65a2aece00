"""Integrations and probes of a real agent that serves the guest protocol, asked in frames that are written by hand."""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PATIENCE_S = 5.0
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class Machine:
    """An agent by hand, its drop-ins, and a host that asks it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config = root / "config"
        self.log = root / "log"
        self._socket = root / "agent.sock"
        self._process: subprocess.Popen[bytes] | None = None
        for folder in (self.config, self.config / "integrations.d", self.config / "probes.d"):
            folder.mkdir()
            folder.chmod(0o755)

    def drop(self, folder: str, name: str, **keys: object) -> Path:
        path = self.config / folder / f"{name}.json"
        path.write_text(json.dumps({"name": name, **keys}))
        path.chmod(0o644)
        return path

    def start(self) -> None:
        arguments = ["--listen", f"unix:{self._socket}", "--config-dir", str(self.config)]
        environment = {**os.environ, "CLOCHE_WORKSPACE": str(self.root / "workspace"), "SERVICE": "db"}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cloche.agent", *arguments], stderr=log, env=environment
            )
        self.until(self._socket.exists)

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def ask(self, request: object) -> Any:
        """Ask once, on a connection of its own."""
        body = json.dumps(request).encode()
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(PATIENCE_S)
            sock.connect(str(self._socket))
            sock.sendall(struct.pack(">I", len(body)) + body)
            with sock.makefile("rb") as file:
                (length,) = struct.unpack(">I", file.read(4))
                assert length <= 262144
                return json.loads(file.read(length))

    def probes(self) -> dict[str, dict[str, Any]]:
        (answer,) = self.ask("ProbeStatus").items()
        assert answer[0] == "ProbeStatusReport"
        return {probe["name"]: probe for probe in answer[1]["probes"]}

    def integrations(self) -> dict[str, dict[str, Any]]:
        (answer,) = self.ask("IntegrationStatus").items()
        assert answer[0] == "IntegrationStatusReport"
        return {report["name"]: report for report in answer[1]["integrations"]}

    def until(self, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert self._process is not None and self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            threading.Event().wait(0.01)

    def end(self) -> int:
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.end()


def test_a_host_learns_how_integrations_and_probes_are(machine: Machine) -> None:
    machine.drop("integrations.d", "db", health_cmd="exit 4")
    machine.drop("integrations.d", "quiet")
    machine.drop("integrations.d", "starting", health_cmd="exit 4", startup_grace_secs=60)
    machine.drop("probes.d", "env", command='echo "[\\"$SERVICE\\", \\"$CLOCHE_WORKSPACE\\"]"', output_format="json")
    machine.drop("probes.d", "hung", cmd="trap '' TERM; sleep 60", timeout_secs=1)
    machine.start()
    machine.until(lambda: len(machine.probes()) == 2 and machine.integrations()["db"]["health"])
    probes, integrations = machine.probes(), machine.integrations()
    for health in (*probes.values(), integrations["db"]["health"]):
        assert TIME.fullmatch(health.pop("checked_at"))
    assert probes == {
        "env": {"name": "env", "healthy": True, "detail": "ok", "output": ["db", ""]},
        "hung": {"name": "hung", "healthy": False, "detail": "timed out after 1 s"},
    }
    assert list(integrations) == ["db", "quiet", "starting"]
    assert integrations["db"] == {
        "name": "db",
        "status": {"error": "exit code 4"},
        "last_checkpoint_at": None,
        "state_size_bytes": 0,
        "health": {"healthy": False, "detail": "exit code 4"},
    }
    assert (integrations["quiet"]["status"], integrations["quiet"]["health"]) == ("pending", None)
    assert integrations["starting"]["status"] == "starting"


def test_a_hangup_signal_reads_the_drop_ins_again(machine: Machine) -> None:
    pids = machine.root / "pids"
    machine.drop("probes.d", "kept", cmd=f"echo run >> {machine.root}/kept", interval_secs=3600)
    gone = machine.drop("probes.d", "gone", cmd=f"echo $$ > {pids}.new; mv {pids}.new {pids}; sleep 60")
    machine.start()
    machine.until(lambda: "kept" in machine.probes() and pids.exists())
    before = machine.probes()["kept"]
    gone.unlink()
    machine.drop("probes.d", "new", cmd="true")
    broken = machine.config / "probes.d" / "broken.json"
    broken.write_text("{")
    broken.chmod(0o644)
    machine.signal(signal.SIGHUP)
    machine.until(lambda: "new" in machine.probes())
    assert machine.probes()["kept"] == before
    assert (machine.root / "kept").read_text() == "run\n"
    machine.until(lambda: not is_alive(int(pids.read_text())))
    assert any(line["msg"] == "drop-in skipped" for line in map(json.loads, machine.log.read_text().splitlines()))


def test_a_checkpoint_that_a_host_asks_for_runs_the_commands(machine: Machine) -> None:
    machine.drop("integrations.d", "a", checkpoint_cmd=f"touch {machine.root}/a")
    machine.drop("integrations.d", "b", checkpoint_cmd="echo disk full >&2; exit 1", critical=True)
    machine.start()
    assert machine.ask({"CheckpointIntegrations": {"integrations": ["a"]}}) == {
        "CheckpointResult": {"success": True, "failed": [], "detail": None}
    }
    assert machine.ask({"CheckpointIntegrations": {"integrations": []}}) == {
        "CheckpointResult": {"success": False, "failed": ["b"], "detail": "b: disk full"}
    }
    assert (machine.root / "a").exists()
    assert TIME.fullmatch(machine.integrations()["a"]["last_checkpoint_at"])
    assert machine.integrations()["b"]["last_checkpoint_at"] is None


def test_an_agent_that_ends_ends_its_checks_with_all_that_they_have_started(machine: Machine) -> None:
    pids = machine.root / "pids"
    machine.drop(
        "probes.d", "p", cmd=f"trap '' TERM; (sleep 60; :) & echo $$ $! > {pids}.new; mv {pids}.new {pids}; wait"
    )
    machine.start()
    machine.until(pids.exists)
    assert machine.end() == 0
    deadline = time.monotonic() + PATIENCE_S
    while any(is_alive(int(pid)) for pid in pids.read_text().split()):
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
