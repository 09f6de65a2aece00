"""A daemon that does not behave is told with its own last words, and leaves nothing."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cloche.testing.daemon import DaemonError, DaemonProcess, processes_of

LISTEN = (
    "import json, signal, sys\n"
    "print(json.dumps({'event': 'listening', 'http': '127.0.0.1:1'}), file=sys.stderr, flush=True)\n"
)


def scripted(body: str) -> DaemonProcess:
    process = DaemonProcess()
    process.command = ("-c", body)
    return process


async def test_a_daemon_that_dies_at_start_shows_what_it_said() -> None:
    process = scripted("import sys; sys.exit('no such luck')")
    with pytest.raises(DaemonError, match="no such luck"):
        await process.__aenter__()
    assert not process.directory.exists()


async def test_a_daemon_that_listens_is_ready_and_stops_when_asked() -> None:
    process = scripted(LISTEN + "signal.pause()")
    async with process:
        assert process.base_url == "http://127.0.0.1:1"
        assert process.is_running
        assert await process.terminate() == -15
        assert not process.is_running
    assert not process.directory.exists()


async def test_settings_become_variables_and_nothing_else_of_our_environment_comes_along() -> None:
    process = DaemonProcess(max_sessions=3, resolver_hosts=Path("/hosts"))
    environment = process.env
    assert environment["CLOCHE_MAX_SESSIONS"] == "3"
    assert environment["CLOCHE_RESOLVER_HOSTS"] == "/hosts"
    assert {name for name in environment if not name.startswith("CLOCHE_")} <= {"PATH", "HOME", "LANG", "TMPDIR"}
    await process.close()


async def test_log_lines_that_are_no_json_are_kept_as_events() -> None:
    async with scripted(LISTEN + "print('half a line', file=sys.stderr, flush=True); signal.pause()") as process:
        assert await process.wait_for_log("half a line")


async def test_waiting_for_what_is_never_logged_ends_with_the_log() -> None:
    async with scripted(LISTEN + "signal.pause()") as process:
        with pytest.raises(DaemonError, match="listening"):
            await process.wait_for_log("never", timeout_s=0.05)


async def test_a_survivor_is_found_and_ended() -> None:
    leave_one = (
        "import os, subprocess\n"
        "subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()', os.environ['CLOCHE_RUN_DIR']],"
        " start_new_session=True, stderr=subprocess.DEVNULL)\n"
    )
    process = scripted(LISTEN + leave_one + "signal.pause()")
    await process.start()
    async with asyncio.timeout(5):
        while not processes_of(process.directory):
            await asyncio.sleep(0.01)
    with pytest.raises(DaemonError, match="survived"):
        await process.close()


def test_processes_are_found_by_their_directory(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()", tmp_path], stdin=subprocess.PIPE)
    assert list(processes_of(tmp_path)) == [child.pid]
    child.communicate(b"\n")
    assert processes_of(tmp_path) == {}
    assert os.getpid() not in processes_of(Path("/"))
