"""An agent whose configuration will not do: it says so in one line, and leaves no browser behind."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cloche.wire.agent_config import AgentConfig, BrowserConfig, WatchdogConfig

from .conftest import connect

SLEEPER = BrowserConfig(executable="/bin/sleep", args=("60",), user_data_dir="/nonexistent")


def run_with(data: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run an agent with this configuration on a pipe. `run` waits for its outputs, which a browser would inherit."""
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    try:
        command = [sys.executable, "-m", "cloche.agent", "--config-fd", str(reading)]
        return subprocess.run(command, pass_fds=(reading,), capture_output=True, timeout=10)
    finally:
        os.close(reading)


def changed(**changes: object) -> bytes:
    config = AgentConfig(session_id="s", token="t", egress_port=0, browser=SLEEPER)
    return json.dumps(json.loads(config.encode()) | changes).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[" * 50_000,
        changed(session_id=7),
        changed(lease_s="long"),
        changed(watchdog={"memory_bytes": 1}),
        changed(listen="unix:/a"),
        changed(listen=[7]),
        changed(listen=["nowhere:1"]),
        changed(exec_enabled="yes"),
    ],
    ids=[
        *("empty", "text", "bytes", "deep", "wrong type", "wrong number", "half a watchdog"),
        *("no list", "no addresses", "no address", "no switch"),
    ],
)
def test_a_configuration_that_will_not_do_is_code_two_and_one_line(data: bytes) -> None:
    ended = run_with(data)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1


def test_a_proxy_port_that_is_taken_is_told_before_any_browser_starts(tmp_path: Path) -> None:
    mark = tmp_path / "started"
    browser = {"executable": "/usr/bin/touch", "args": [str(mark)]}
    with socket.create_server(("127.0.0.1", 0)) as other:
        ended = run_with(changed(egress_port=other.getsockname()[1], browser=browser))
    assert ended.returncode == 1
    assert b"in use" in ended.stderr
    assert not mark.exists()


def test_an_address_that_cannot_be_had_ends_agent_and_browser(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("not a socket")
    ended = run_with(changed(listen=[f"unix:{taken}"]))
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert str(taken) in ended.stderr.decode()
    assert taken.read_text() == "not a socket"


def test_addresses_of_the_configuration_are_served_beside_the_guest_socket(host, start_agent, tmp_path: Path) -> None:
    agent = start_agent(listen=(f"unix:{tmp_path}/more.sock",), exec_enabled=True, exec_allowed=True)
    host.accept().read_until("browser", state="ready")
    with agent.conversation() as conversation, connect(tmp_path / "more.sock") as other:
        assert conversation.ask("Ping") == other.ask("Ping") == "Pong"
        other.send({"Exec": {"argv": ["/bin/sh", "-c", "exit 7"]}})
        assert other.read()["ExecResult"]["exit_code"] == 7


def test_drop_ins_of_the_configuration_are_run_without_anyone_asking(host, start_agent, tmp_path: Path) -> None:
    (tmp_path / "probes.d").mkdir()
    os.mkfifo(tmp_path / "ran")
    probe = {"name": "ran", "cmd": f"echo ran > {tmp_path}/ran"}
    (tmp_path / "probes.d" / "ran.json").write_text(json.dumps(probe))
    start_agent(temper=None, config_dirs=(str(tmp_path),))
    assert (tmp_path / "ran").read_text() == "ran\n"


def test_the_workspace_is_watched_from_the_start_only_where_the_configuration_says_so(
    host, start_agent, tmp_path: Path
) -> None:
    (tmp_path / "workspace").mkdir()
    start_agent(temper=None, heartbeat_interval_s=0.02)
    quiet = host.accept()
    for _ in range(10):
        quiet.read_until("heartbeat")
    start_agent(temper=None, watch_workspace=True)
    event = host.accept().read_until("fs_event")
    assert event["payload"] == {"path": ".", "operation": "create", "is_dir": True}
    quiet.send("shutdown")
    assert "fs_event" not in [message["type"] for message in quiet.rest()]


def test_heartbeats_say_busy_as_soon_as_the_host_says_that_somebody_is_there(host, start_agent) -> None:
    start_agent(temper=None)
    link = host.accept()
    assert link.read_until("heartbeat")["payload"]["worker_status"] == "idle"
    link.send("activity", "1", clients=1, actions=0)
    link.send("health_check", "2")
    assert link.read_until("health_response")["payload"]["worker_status"] == "busy"
    link.send("activity", "3", clients="many", actions=0)
    assert link.read_until("error")["request_id"] == "3"


def test_the_memory_a_session_may_have_is_what_the_configuration_says(host, start_agent) -> None:
    agent = start_agent(temper=None, memory_limit_bytes=64 << 20)
    assert agent.get_json("/metrics")["memory_total_mb"] == 64
    both = start_agent(memory_limit_bytes=64 << 20, watchdog=WatchdogConfig(memory_bytes=256 << 20, processes=64))
    assert both.get_json("/metrics")["memory_total_mb"] == 256
