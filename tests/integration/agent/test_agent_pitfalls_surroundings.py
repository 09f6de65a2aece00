"""Pitfalls of the published agents that this one must not share, the second part: machine, files, load and restores.

P8   Signed frames proved nothing; here nothing stands on them.
P9   Without privileges half of the verbs failed without a word.
P10  File verbs followed links to where they must not; there are none.
P11  Entry points are run by other means than this agent.
P12  Processes were left without an end of their input and without limits; there are no verbs for them.
P14  The worker seemed busy for minutes after any work and after every wake.
P15  After a restore old connections hung, and intervals went on from before.
"""

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from .reference_peers import Link
from .stage import NOBODY, PROGRAM, SOURCES, Stage, as_nobody, needs_pid_namespace, needs_root, needs_vsock, process

SLEEP = {"SleepPrep": {"drain_timeout_secs": 5}}
BURN = "while True: pass"


def _refused(stage: Stage, verb: str, fields: Any) -> None:
    """It is told that there is no such verb, and the connection goes on."""
    peer = stage.connect()
    assert verb in peer.ask({verb: fields})["Error"]["message"]
    assert peer.ask("Ping") == "Pong"


def test_p8_a_signed_frame_is_no_request(stage: Stage) -> None:
    stage.start(*stage.allow_exec())
    inner = list(json.dumps({"Exec": {"argv": ["touch", str(stage.directory / "ran")]}}).encode())
    signed = {"session_id": "s", "sequence": 1, "timestamp": "now", "payload": inner, "signature": [0] * 64}
    peer = stage.connect()
    assert peer.ask(signed)["Error"]["message"]
    assert "AuthenticatedFrame" in peer.ask({"AuthenticatedFrame": signed})["Error"]["message"]
    assert peer.ask("Ping") == "Pong"
    assert not (stage.directory / "ran").exists()


def _python_for_everyone() -> str:
    """This interpreter may lie in a home directory; then another of the same version will do."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        path = os.path.realpath(candidate)
        if as_nobody(lambda path=path: 0 if os.access(path, os.X_OK) else 1) == 0:
            words = [candidate, "-c", "import sys; print(*sys.version_info[:2])"]
            if subprocess.check_output(words, text=True).split() == [str(part) for part in sys.version_info[:2]]:
                return candidate
    pytest.skip("no Python of this version that every user may run")


def _start_as_nobody(stage: Stage, *flags: str, inside: tuple[str, ...] = ()) -> None:
    for path in (stage.directory, *stage.directory.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    become = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--")
    program = (_python_for_everyone(), *PROGRAM[1:])
    stage.spawn(*stage.flags(), *flags, command=(*inside, *become, *program), env={"PYTHONPATH": str(SOURCES)})


@needs_root
def test_p9_without_privileges_it_sleeps_and_wakes_and_says_what_it_could_not_do(stage: Stage) -> None:
    stage.integration("db", health_cmd="true", checkpoint_cmd="true", restore_cmd="true")
    _start_as_nobody(stage, "--owns-machine")
    stage.accept().read_until("register")
    assert stage.checked("db")["status"] == "active"
    answer = stage.ask(SLEEP)["SleepPrepAck"]
    assert answer["success"] is True
    assert "cache" in answer["detail"]
    assert stage.ask("Wake") == {"WakeAck": {"success": True}}


@needs_root
@needs_vsock
def test_p9_a_port_that_it_may_not_take_is_named(stage: Stage) -> None:
    _start_as_nobody(stage, "--listen=vsock:52")
    assert stage.exit_code() == 1
    assert "vsock:52" in stage.log_text


INIT = """
import os, signal, sys
agent = os.fork()
if agent == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
signal.signal(signal.SIGUSR1, lambda *_: None)
os.waitpid(agent, 0)
"""


@needs_root
@needs_pid_namespace
def test_p9_a_first_process_that_it_may_not_signal_is_told(stage: Stage) -> None:
    namespace = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    stage.end_signal = signal.SIGKILL  # of a namespace: all in it go with its first process
    _start_as_nobody(stage, "--owns-machine", inside=(*namespace, sys.executable, "-c", INIT))
    stage.accept().read_until("register")
    answer = stage.ask("PostRestore")["PostRestoreAck"]
    assert answer["success"] is False
    assert "pid 1 cannot be told" in answer["detail"]
    assert stage.ask("Ping") == "Pong"


def test_p10_links_lead_nobody_to_files(stage: Stage) -> None:
    target, dangling = stage.directory / "target", stage.workspace / "dangling"
    target.write_text("precious")
    (stage.workspace / "link").symlink_to(target)
    dangling.symlink_to(stage.directory / "new")
    stage.start()
    _refused(stage, "FsRemove", {"path": str(stage.workspace / "link"), "recursive": True})
    _refused(stage, "FsWrite", {"path": str(dangling), "content": [120], "mode": 420, "follow_symlinks": True})
    _refused(stage, "FsRead", {"path": f"/proc/{stage.process.pid}/environ", "length": 4096})
    _refused(stage, "MountShare", {"tag": "t", "guest_path": str(stage.workspace / "link"), "read_only": False})
    assert target.read_text() == "precious"
    assert not (stage.directory / "new").exists()


def test_p11_there_are_no_entry_points(stage: Stage) -> None:
    stage.start()
    for verb in ("RunEntrypoint", "EntrypointStatus", "RunCode", "ReadinessStatus"):
        _refused(stage, verb, {"stdin": [], "code": "1", "timeout_secs": 1})


def test_p12_there_are_no_verbs_for_processes_consoles_and_ports(stage: Stage) -> None:
    stage.start(*stage.allow_exec())
    fields = {"argv": ["/usr/bin/touch", str(stage.directory / "ran")], "pid_token": "ptok-0", "cols": 80}
    for verb in ("ProcStart", "ProcWait", "ProcKill", "ConsoleOpen", "StartPortForward"):
        _refused(stage, verb, fields)
    assert not (stage.directory / "ran").exists()


def test_p12_input_has_an_end(stage: Stage) -> None:
    stage.start(*stage.allow_exec())
    for stdin in (None, "", "to the end"):
        assert stage.run("cat", stdin=stdin, timeout_secs=5) == {"exit_code": 0, "stdout": stdin or "", "stderr": ""}


def test_p12_what_is_executed_gets_an_environment_of_its_own(stage: Stage) -> None:
    stage.start(*stage.allow_exec(), env={"CLOCHE_SECRET": "hunter2", "OTHER_SECRET": "hunter2"})
    assert {line.partition("=")[0] for line in stage.run("env")["stdout"].splitlines()} == {"PATH", "HOME", "LANG"}
    assert stage.run("sh", "-c", "ls /proc/self/fd | wc -l")["stdout"].strip() == "4"


def test_p12_a_timeout_that_is_none_is_refused(stage: Stage) -> None:
    stage.start(*stage.allow_exec())
    for timeout in (0, -1, 1.5, "1", True, 2**64, 86400):
        answer = stage.ask({"Exec": {"argv": ["true"], "timeout_secs": timeout}})
        assert "timeout_secs" in answer["Error"]["message"], timeout


def _with_browser(stage: Stage, pid: int) -> str:
    path = stage.directory / "browser.pid"
    path.write_text(str(pid))
    return f"--browser-pid-file={path}"


QUICK = ("--sample-interval=100ms", "--busy-threshold=0.4", "--heartbeat-interval=50ms")


def _statuses(link: Link, seconds: float) -> set[str]:
    """Worker statuses of the heartbeats to come, for so much of the agent's time."""
    first = health = link.read_until("heartbeat")["payload"]
    seen = set()
    while health["uptime_seconds"] < first["uptime_seconds"] + seconds:
        health = link.read_until("heartbeat")["payload"]
        seen.add(health["worker_status"])
    return seen


def test_p14_work_makes_it_busy_and_its_end_idle_within_samples(stage: Stage) -> None:
    with process(sys.executable, "-c", BURN) as browser:
        link = stage.start(*QUICK, _with_browser(stage, browser.pid))
        link.read_until("heartbeat", worker_status="busy")
        browser.send_signal(signal.SIGSTOP)
        link.read_until("heartbeat", worker_status="idle")
        assert stage.ask("WorkerStatus")["WorkerStatus"]["last_busy_at"] is not None


def test_p14_a_wake_makes_it_idle_and_idle_it_stays(stage: Stage) -> None:
    with process(sys.executable, "-c", BURN) as browser:
        link = stage.start(*QUICK, _with_browser(stage, browser.pid))
        link.read_until("heartbeat", worker_status="busy")
        assert stage.ask(SLEEP)["SleepPrepAck"]["success"] is True
        browser.send_signal(signal.SIGSTOP)
        assert stage.ask("Wake")["WakeAck"]["success"] is True
        assert stage.ask("WorkerStatus") == {"WorkerStatus": {"status": "idle", "last_busy_at": None}}
        assert _statuses(stage.accept(), 1.0) == {"idle"}


def test_p14_its_own_checks_are_no_work(stage: Stage) -> None:
    bell = stage.bell()
    stage.integration("heavy", health_cmd=f"echo > {bell.path}; while :; do :; done", health_timeout_secs=30)
    link = stage.start(*QUICK)
    bell.wait()
    assert _statuses(link, 1.0) == {"idle"}


def test_p15_after_a_wake_connections_are_made_anew(stage: Stage) -> None:
    link = stage.start()
    old, asking = stage.connect(52), stage.connect(52)
    assert old.ask("Ping") == "Pong"
    assert asking.ask(SLEEP)["SleepPrepAck"]["success"] is True
    assert asking.ask("Wake") == {"WakeAck": {"success": True}}
    old.rest()
    with pytest.raises(EOFError):
        link.read_until("nothing")
    assert stage.accept().read()["type"] == "register"
    assert stage.ask("Ping") == "Pong"


def test_p15_checks_begin_anew_and_not_from_before(stage: Stage) -> None:
    bell = stage.bell()
    stage.integration("db", health_cmd=f"echo checked > {bell.path}", health_interval_secs=3600)
    stage.start()
    bell.wait()
    stage.checked("db")
    stage.ask(SLEEP)
    assert stage.integrations()["db"]["status"] == "paused"
    assert not bell.has_rung()
    stage.ask("Wake")
    assert bell.wait() == "checked"


def test_p15_a_second_sleep_and_a_wake_without_one_are_no_mistakes(stage: Stage) -> None:
    stage.start()
    assert stage.ask("Wake")["WakeAck"]["success"] is True
    for _ in range(2):
        assert stage.ask(SLEEP)["SleepPrepAck"]["success"] is True
    for _ in range(2):
        assert stage.ask("Wake")["WakeAck"]["success"] is True
