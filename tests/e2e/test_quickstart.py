"""What `script/run` does after the set-up: start, open, say how, start quickly again, stop."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cloche.daemon import background
from cloche.testing.daemon import processes_of
from cloche.testing.web.server import LocalWeb


@pytest.fixture
def environment(local_web: LocalWeb) -> Iterator[Mapping[str, str]]:
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o711)
    own = {
        "CLOCHE_STATE_DIR": str(directory / "state"),
        "CLOCHE_RUN_DIR": str(directory / "run"),
        "CLOCHE_HTTP_BIND": "127.0.0.1:0",
        "CLOCHE_RESOLVER_HOSTS": str(local_web.hosts_file),
        "CLOCHE_CONFIG": str(directory / "none.toml"),
    }
    yield {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR")} | own
    running = background.find_running(directory / "state")
    if running is not None:
        background.stop(running, timeout_s=30)
    shutil.rmtree(directory)


def quickstart(environment: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "cloche.cli.quickstart", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90, check=False)


def state_of(environment: Mapping[str, str]) -> Path:
    return Path(environment["CLOCHE_STATE_DIR"])


@pytest.mark.promise("one-command-starts-a-session")
def test_one_command_starts_a_session_and_one_ends_it_all(environment: Mapping[str, str], local_web: LocalWeb) -> None:
    started = quickstart(environment, local_web.url("site.test", "/link"))
    assert started.returncode == 0, started.stderr
    assert local_web.log.wait_for_request("site.test", "/link", timeout_s=5)
    for said in ("connect    ws://", "live view  http://", "connect_over_cdp", "curl -H", "script/run --stop"):
        assert said in started.stdout
    key = state_of(environment) / "admin.key"
    assert key.read_text().strip() in started.stdout
    assert key.stat().st_mode & 0o077 == 0

    first = background.find_running(state_of(environment))
    assert quickstart(environment).returncode == 0
    assert background.find_running(state_of(environment)) == first

    stopped = quickstart(environment, "--stop")
    assert stopped.returncode == 0, stopped.stderr
    assert background.find_running(state_of(environment)) is None
    assert not processes_of(state_of(environment).parent)


def test_stopping_when_nothing_runs_is_fine(environment: Mapping[str, str]) -> None:
    stopped = quickstart(environment, "--stop")
    assert (stopped.returncode, stopped.stderr) == (0, "cloche: no daemon is running\n")


def test_a_machine_without_a_browser_is_told_what_to_install(environment: Mapping[str, str]) -> None:
    failed = quickstart({**environment, "CLOCHE_CHROMIUM_SHELL": "/nonexistent/chromium"})
    assert failed.returncode == 1
    assert "chromium: /nonexistent/chromium is not there" in failed.stderr
    assert "apt-get install chromium-headless-shell" in failed.stderr
    assert "Traceback (most recent" not in failed.stderr.replace(json.dumps("Traceback"), "")


def test_a_bad_setting_is_named(environment: Mapping[str, str]) -> None:
    failed = quickstart({**environment, "CLOCHE_MAX_SESSIONS": "many"})
    assert failed.returncode == 1
    assert "CLOCHE_MAX_SESSIONS" in failed.stderr
