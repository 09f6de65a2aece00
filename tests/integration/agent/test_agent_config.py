"""An agent whose configuration will not do: it says so in one line, and leaves no browser behind."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cloche.wire.agent_config import AgentConfig, BrowserConfig

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
    ],
    ids=["empty", "text", "bytes", "deep", "wrong type", "wrong number", "half a watchdog"],
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
