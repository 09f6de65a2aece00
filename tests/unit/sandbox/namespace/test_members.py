import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from cloche.process.pidfd import ProcessHandle
from cloche.sandbox.namespace.members import agent_of, children_of, kill_strays, parent_of


def test_children_and_parents_are_found() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        assert process.pid in children_of(os.getpid())
        assert parent_of(process.pid) == os.getpid()
        process.kill()
    assert children_of(process.pid) == []
    assert parent_of(process.pid) is None


def test_a_child_that_is_not_process_two_inside_is_no_agent() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        assert agent_of(os.getpid()) is None
        process.kill()


def test_strays_are_told_by_the_link_directory_and_nobody_else_is_hit(tmp_path: Path) -> None:
    idle = [sys.executable, "-c", "import signal; signal.pause()"]
    stray = subprocess.Popen([*idle, "--unshare-pid", "--ro-bind", str(tmp_path), "/run/cloche"])
    mentions = subprocess.Popen([*idle, str(tmp_path)])
    other = subprocess.Popen([*idle, "--unshare-pid", "--ro-bind", f"{tmp_path}2", "/run/cloche"])
    handles = [ProcessHandle.open_child(process.pid) for process in (stray, mentions, other)]
    try:
        wait_until_executed(stray, mentions, other)
        assert kill_strays(tmp_path) == 1
        assert stray.wait(5) == -signal.SIGKILL
        assert [handle.is_alive() for handle in handles] == [False, True, True]
        assert kill_strays(tmp_path) == 0
    finally:
        for process, handle in zip((stray, mentions, other), handles, strict=True):
            process.kill()
            process.wait()
            handle.close()


def wait_until_executed(*processes: "subprocess.Popen[bytes]") -> None:
    # Popen returns when exec has closed its pipe, a moment before the new command line can be read.
    deadline = time.monotonic() + 5
    for process in processes:
        while b"signal.pause" not in Path(f"/proc/{process.pid}/cmdline").read_bytes():
            assert time.monotonic() < deadline
            time.sleep(0.001)
