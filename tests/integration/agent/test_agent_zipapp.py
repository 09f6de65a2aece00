"""The one file: what `script/agent-zipapp` writes runs on a bare Python, wherever it lies."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .stage import Stage

ROOT = Path(__file__).parents[3]
BARE = ("env", "-i", os.path.realpath(sys.executable), "-I", "-S")


@pytest.fixture(scope="module")
def zipapp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("zipapp") / "sub" / "agent.pyz"
    subprocess.run([ROOT / "script" / "agent-zipapp", str(out)], check=True, capture_output=True, timeout=60)
    return out


def test_it_is_executable_and_names_no_path_of_the_machine_that_made_it(zipapp: Path) -> None:
    data = zipapp.read_bytes()
    assert data.startswith(b"#!/usr/bin/env -S python3 -IS\n")
    assert os.access(zipapp, os.X_OK)
    assert str(ROOT).encode() not in data
    assert os.listdir(zipapp.parent) == ["agent.pyz"]


def test_it_holds_bytecode_for_every_source_and_nothing_of_the_daemon(zipapp: Path) -> None:
    with zipfile.ZipFile(zipapp) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    sources = {name for name in names if name.endswith(".py")}
    assert {f"{name}c" for name in sources} == set(names) - sources
    packages = {"__main__.py", "cloche/__init__.py"}
    assert all(name.startswith(("cloche/agent/", "cloche/wire/")) for name in sources - packages)


def test_it_runs_by_its_first_line(zipapp: Path) -> None:
    python = shutil.which("python3")
    assert python is not None
    path = f"{os.path.dirname(python)}:/usr/bin:/bin"
    done = subprocess.run([zipapp, "--version"], env={"PATH": path}, cwd="/", capture_output=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"cloche-agent ")


def test_it_runs_with_an_empty_environment_from_another_directory_under_every_flag(
    zipapp: Path, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.probe("there", cmd="true")
    settings = stage.directory / "agent.json"
    settings.write_text(json.dumps({"port": 52, "busy_threshold": 3, "sample_interval_secs": 2}))
    monkeypatch.chdir("/")
    link = stage.start(
        *stage.allow_exec(),
        "--log-level=debug",
        "--heartbeat-interval=50ms",
        "--metrics-interval=50ms",
        f"--browser-pid-file={stage.directory}/browser.pid",
        f"--config={settings}",
        "--busy-threshold=2",
        "--sample-interval=1s",
        "--watch",
        "--owns-machine",
        command=(*BARE, str(zipapp)),
    )
    for type_ in ("fs_event", "heartbeat", "metrics"):
        link.read_until(type_)
    assert stage.run("/bin/echo", "out of a zip")["stdout"] == "out of a zip\n"
    assert stage.probed("there")["healthy"] is True
    link.send("shutdown")
    assert link.read_until("deregister")["payload"]["reason"] == "shutdown"
    assert stage.exit_code() == 0


def test_it_sleeps_and_wakes(zipapp: Path, stage: Stage) -> None:
    stage.integration("db", checkpoint_cmd="true", restore_cmd="true", critical=True)
    stage.start(command=(*BARE, str(zipapp)))
    answer = stage.ask({"SleepPrep": {"drain_timeout_secs": 2}})["SleepPrepAck"]
    assert answer["success"] is True, answer
    assert stage.ask("Wake") == {"WakeAck": {"success": True}}


def test_it_takes_its_configuration_from_a_descriptor(zipapp: Path, stage: Stage) -> None:
    config = {"session_id": "s-2", "token": "t", "socket": f"{stage.directory}/host.sock", "egress_port": 0}
    fd = os.memfd_create("config", 0)
    try:
        os.write(fd, json.dumps(config).encode())
        stage.spawn("--config-fd", str(fd), command=(*BARE, str(zipapp)), pass_fds=(fd,))
    finally:
        os.close(fd)
    assert stage.accept().read_until("register")["payload"]["token"] == "t"
