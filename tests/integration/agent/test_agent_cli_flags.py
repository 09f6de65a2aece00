"""The command line as a person types it: every flag does what the usage text says, and what is wrong is told."""

import os
import signal
import socket
from pathlib import Path

import pytest

from .stage import Stage, process, until


def test_without_a_session_it_serves_the_guest_protocol_and_dials_nobody(stage: Stage) -> None:
    workspace = stage.directory / "not-made"
    stage.spawn(f"--listen=unix:{stage.guest}", f"--socket={stage.directory}/host.sock", f"--workspace={workspace}")
    until(stage.guest.exists, bool)
    assert stage.ask("Ping") == "Pong"
    stage.process.terminate()
    assert stage.exit_code() == 0
    stage.listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        stage.listener.accept()
    assert not workspace.exists()
    assert not stage.guest.exists()


def test_without_anything_to_listen_on_it_reports_and_serves_nobody(stage: Stage) -> None:
    stage.spawn(*stage.flags()[:3], f"--config-dir={stage.config}")
    link = stage.accept()
    assert link.read_until("heartbeat")["payload"]["worker_status"] == "idle"
    assert not stage.guest.exists()


def test_every_address_is_listened_on_before_the_host_hears_of_the_agent(stage: Stage) -> None:
    more = [stage.directory / f"more-{number}.sock" for number in range(3)]
    stage.start(*(f"--listen=unix:{path}" for path in more))
    for path in (stage.guest, *more):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(path))


def test_an_address_that_cannot_be_had_ends_it_with_one_line_and_leaves_nothing(stage: Stage) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(stage.directory / "taken.sock"))
        other.listen()
        stage.spawn(*stage.flags(), f"--listen=unix:{stage.directory}/taken.sock")
        assert stage.exit_code() == 1
    assert len(stage.log_text.splitlines()) == 1
    assert "taken.sock" in stage.log_text
    assert not stage.guest.exists()


@pytest.mark.parametrize(
    ("flags", "word", "code"),
    [
        (("--listen", "tcp:80"), "vsock:PORT", 1),
        (("--port", "0"), "port", 1),
        (("--busy-threshold", "much"), "busy-threshold", 1),
        (("--sample-interval", "often"), "sample-interval", 1),
        (("--exec=perhaps",), "exec", 1),
        (("--config", "/dev/null"), "/dev/null", 1),
        (("--config", "/nowhere/agent.json"), "No such file", 1),
        (("--policy",), "needs a value", 2),
        (("--exec", "yes"), "unknown argument: yes", 2),
        (("--no-exec",), "unknown argument: --no-exec", 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_wrong_is_told_in_one_line(stage: Stage, flags: tuple[str, ...], word: str, code: int) -> None:
    stage.spawn(*stage.flags(), *flags)
    assert stage.exit_code() == code
    assert len(stage.log_text.splitlines()) == 1
    assert word in stage.log_text


@pytest.mark.parametrize("flag", ["--help", "-h", "-help"])
def test_help_is_told_on_the_standard_output(stage: Stage, flag: str) -> None:
    stage.spawn(flag)
    text = stage.process.communicate(timeout=5)[0].decode()
    assert stage.exit_code() == 0
    assert text.startswith("usage: cloche-agent")
    assert max(map(len, text.splitlines())) <= 120
    assert stage.log_text == ""


def test_changes_are_told_unless_nobody_wants_to_know(stage: Stage) -> None:
    link = stage.start("--no-watch")
    (stage.workspace / "unseen").touch()
    link.send("watch", enabled=True)
    assert link.read_until("fs_event", path="unseen", operation="create")
    (stage.workspace / "seen").touch()
    link.read_until("fs_event", path="seen")
    link.send("watch", enabled=False)
    link.ask("health_check", "h")
    (stage.workspace / "later").touch()
    link.send("shutdown")
    said = []
    with pytest.raises(EOFError):
        while True:
            said.append(link.read())
    assert said[-1]["type"] == "deregister"
    assert not [message for message in said if message["type"] == "fs_event"]


def test_exec_runs_with_the_switch_and_a_policy(stage: Stage) -> None:
    stage.start(*stage.allow_exec())
    assert stage.run("/bin/echo", "it runs")["stdout"] == "it runs\n"


def test_variables_switch_as_flags_do(stage: Stage) -> None:
    _, _, policy = stage.allow_exec()
    stage.start(env={"CLOCHE_EXEC": "1", "MESHBROW_POLICY": policy, "CLOCHE_WATCH": "0"})
    assert stage.run("/bin/true")["exit_code"] == 0


def test_several_directories_hold_checks_and_blanks_part_them_in_a_variable(stage: Stage) -> None:
    other = stage.directory / "other"
    (other / "probes.d").mkdir(parents=True)
    (other / "probes.d" / "there.json").write_text('{"name": "there", "cmd": "true"}')
    stage.probe("here", cmd="true")
    flags = [flag for flag in stage.flags() if not flag.startswith("--config-dir")]
    stage.spawn(*flags, env={"CLOCHE_CONFIG_DIR": f"{stage.config} {other}"})
    stage.accept()
    assert stage.probed("here")["healthy"] is True
    assert stage.probed("there")["healthy"] is True


def test_the_first_checks_there_are_may_come_with_a_signal(stage: Stage) -> None:
    config, listening = stage.directory / "later", [f"--listen=unix:{stage.guest}"]
    stage.spawn(*stage.flags()[:3], f"--config-dir={config}", *listening)
    link = stage.accept()
    assert stage.probes() == {}
    (config / "probes.d").mkdir(parents=True)
    (config / "probes.d" / "new.json").write_text('{"name": "new", "cmd": "true"}')
    stage.process.send_signal(signal.SIGHUP)
    assert stage.probed("new")["healthy"] is True
    assert link.ask("health_check", "h")["payload"]["pid"] == stage.process.pid


def test_checks_that_are_running_end_with_the_agent(stage: Stage) -> None:
    bell = stage.bell()
    stage.probe("slow", cmd=f"echo $$ > {bell.path}; sleep 60", timeout_secs=100)
    stage.start()
    pid = bell.wait()
    stage.process.terminate()
    assert stage.exit_code() == 0
    assert not Path(f"/proc/{pid}").exists()


def test_a_named_pid_file_tells_the_browser_and_a_zombie_is_none(stage: Stage) -> None:
    file = stage.directory / "browser.pid"
    file.write_text(str(os.getpid()))
    link = stage.start(f"--browser-pid-file={file}")
    assert link.ask("health_check", "1")["payload"]["browser_alive"] is True
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    try:
        file.write_text(str(child))
        until(lambda: link.ask("health_check", "2")["payload"]["browser_alive"], lambda alive: alive is False)
    finally:
        os.waitpid(child, 0)


def test_the_end_of_a_browser_that_somebody_else_keeps_is_told_at_once(stage: Stage) -> None:
    file = stage.directory / "browser.pid"
    with process("sleep", "60") as browser:
        file.write_text(str(browser.pid))
        link = stage.start("--heartbeat-interval=1h", f"--browser-pid-file={file}")
        assert link.read_until("heartbeat")["payload"]["status"] == "healthy"
        browser.kill()
        assert link.read_until("heartbeat")["payload"]["status"] == "unhealthy"
