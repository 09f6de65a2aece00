"""A daemon in the background is found by its record, and stopped only when the record is of the process that lives."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloche.daemon import background
from cloche.daemon.record import DaemonRecord
from cloche.process.pidfd import start_time


@pytest.fixture
def child() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def write_record(state_dir: Path, pid: int, started: int) -> None:
    (state_dir / "daemon.json").write_text(json.dumps({"pid": pid, "start_time": started, "http": "127.0.0.1:1"}))


def test_a_living_daemon_is_found(tmp_path: Path) -> None:
    started = start_time(os.getpid())
    assert started is not None
    write_record(tmp_path, os.getpid(), started)
    assert background.find_running(tmp_path) == DaemonRecord(pid=os.getpid(), start_time=started, http="127.0.0.1:1")


@pytest.mark.promise("started-daemon-is-known-by-more-than-its-pid")
def test_another_process_with_its_pid_is_not_the_daemon(tmp_path: Path, child: "subprocess.Popen[bytes]") -> None:
    started = start_time(child.pid)
    assert started is not None
    write_record(tmp_path, child.pid, started - 1)
    assert background.find_running(tmp_path) is None
    assert background.stop(DaemonRecord(pid=child.pid, start_time=started - 1, http=""), timeout_s=1)
    assert child.poll() is None


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"pid": "x", "start_time": 1, "http": ""}', "\x00"])
def test_a_broken_record_is_no_daemon(tmp_path: Path, text: str) -> None:
    (tmp_path / "daemon.json").write_text(text)
    assert background.find_running(tmp_path) is None


def test_stopping_waits_for_the_end(child: "subprocess.Popen[bytes]") -> None:
    started = start_time(child.pid)
    assert started is not None
    assert background.stop(DaemonRecord(pid=child.pid, start_time=started, http=""), timeout_s=5)
    assert child.wait(5) == -15


def test_stopping_gives_up_when_the_time_is_over(tmp_path: Path) -> None:
    deaf = "import signal, sys; signal.signal(15, signal.SIG_IGN); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", deaf], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        started = start_time(process.pid)
        assert started is not None
        assert not background.stop(DaemonRecord(pid=process.pid, start_time=started, http=""), timeout_s=0.05)
        process.kill()


def test_a_log_grown_large_is_set_aside(tmp_path: Path) -> None:
    log = tmp_path / background.LOG_NAME
    with log.open("wb") as file:
        file.truncate(background.MAX_LOG_BYTES + 1)
    with background.open_log(log) as opened:
        opened.write(b"fresh\n")
    assert log.read_bytes() == b"fresh\n"
    assert log.stat().st_mode & 0o077 == 0
    assert (tmp_path / "daemon.log.1").stat().st_size > background.MAX_LOG_BYTES


def test_the_tail_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    assert background.log_tail(tmp_path, 3) == ""
    (tmp_path / background.LOG_NAME).write_text("one\ntwo\nthree\nfour\n")
    assert background.log_tail(tmp_path, 2) == "three\nfour"
