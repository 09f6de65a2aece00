"""What the published browser agent promises and its program does not do: here it is done.

A1  Its settings can be given in variables, a flag wins over its variable.
A2  Heartbeats carry the session's processor time and memory.
A3  A browser that ends is reported at once and brought back; one that does not answer yet is told apart.
A4  A signal ends it in order: it deregisters and exits with 0, whatever the host does.
A5  Renames are told as such, beside creations, modifications and deletions.
A6  There is one version, and its command line and its registration tell the same.
A7  It comes as one file that runs with nothing installed.
A8  It has tests.
A9  What it says and takes is written down.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .reference_peers import Link
from .stage import Stage, process, until

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "reference" / "agent.md"
HOG = "memory = b'x' * (64 << 20)\nwhile True: pass"


@pytest.mark.parametrize("prefix", ["CLOCHE_", "MESHBROW_"])
def test_a1_every_setting_has_a_variable(stage: Stage, prefix: str) -> None:
    elsewhere = stage.directory / "elsewhere"
    settings = {
        "SESSION_ID": "from-variable",
        "SOCKET": str(stage.directory / "host.sock"),
        "WORKSPACE": str(elsewhere),
        "LOG_LEVEL": "error",
        "HEARTBEAT_INTERVAL": "20ms",
        "METRICS_INTERVAL": "30ms",
    }
    stage.spawn(env={prefix + name: value for name, value in settings.items()})
    link = stage.accept()
    register = link.read_until("register")
    assert register["session_id"] == "from-variable"
    assert register["payload"]["workspace"] == str(elsewhere)
    assert elsewhere.is_dir()
    for _ in range(2):
        link.read_until("heartbeat")
        link.read_until("metrics")
    assert stage.log_text == ""


def test_a1_a_flag_wins_over_its_variable(stage: Stage) -> None:
    names = ("SESSION_ID", "SOCKET", "WORKSPACE", "LISTEN", "CONFIG_DIR")
    wrong = {f"{prefix}_{name}": "/dev/null/wrong" for prefix in ("CLOCHE", "MESHBROW") for name in names}
    wrong |= {"CLOCHE_LOG_LEVEL": "error", "MESHBROW_HEARTBEAT_INTERVAL": "1h", "CLOCHE_METRICS_INTERVAL": "1h"}
    flags = ("--heartbeat-interval=20ms", "--metrics-interval", "20ms", "-log-level", "info")
    link = stage.start(*flags, env=wrong)
    link.read_until("heartbeat")
    assert link.read_until("heartbeat")["session_id"] == "s-1"
    link.read_until("metrics")
    assert "link connected" in stage.log_text
    assert stage.ask("Ping") == "Pong"


def test_a2_heartbeats_carry_the_processor_time_and_memory_of_the_browser(stage: Stage) -> None:
    pid_file = stage.directory / "browser.pid"
    with process(sys.executable, "-c", HOG) as browser:
        pid_file.write_text(str(browser.pid))
        link = stage.start("--heartbeat-interval=50ms", f"--browser-pid-file={pid_file}")
        seen = until(
            lambda: link.read_until("heartbeat")["payload"],
            lambda health: health["cpu_percent"] > 0 and health["memory_mb"] > 64,
        )
    assert seen["cpu_percent"] <= 100
    assert seen["browser_alive"] is True


def test_a3_a_browser_that_ends_is_reported_at_once_and_brought_back(stage: Stage) -> None:
    link = stage.supervise("good", heartbeat_interval_s=3600, metrics_interval_s=3600)
    first = link.read_until("browser", state="ready")["payload"]["pid"]
    os.kill(first, signal.SIGSEGV)
    told = link.read_until("browser", state="exited")["payload"]
    assert (told["reason"], told["signal"]) == ("crashed", signal.SIGSEGV)
    assert link.read_until("heartbeat")["payload"]["status"] == "unhealthy"
    assert link.read_until("browser", state="ready")["payload"]["pid"] != first
    assert link.ask("health_check")["payload"]["status"] == "healthy"


def test_a3_a_browser_that_somebody_else_keeps_is_missed_at_once_too(stage: Stage) -> None:
    pid_file = stage.directory / "browser.pid"
    with process("sleep", "1000") as browser:
        pid_file.write_text(str(browser.pid))
        link = stage.start("--heartbeat-interval=1h", f"--browser-pid-file={pid_file}")
        assert link.read_until("heartbeat")["payload"]["status"] == "healthy"
        browser.kill()
        assert link.read_until("heartbeat")["payload"]["status"] == "unhealthy"


def test_a3_a_browser_that_does_not_answer_yet_is_degraded(stage: Stage) -> None:
    link = stage.supervise("hang")
    health = link.ask("health_check")["payload"]
    assert (health["status"], health["browser_alive"]) == ("degraded", True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a4_a_signal_ends_it_while_the_host_says_nothing(stage: Stage, number: signal.Signals) -> None:
    link = stage.start()
    stage.process.send_signal(number)
    assert link.read_until("deregister")["payload"]["reason"] == "shutdown"
    assert stage.exit_code() == 0


def test_a4_a_signal_ends_it_while_there_is_no_host(stage: Stage) -> None:
    link = stage.start()
    stage.vanish()
    link.close()
    stage.process.send_signal(signal.SIGTERM)
    assert stage.exit_code() == 0


def _next_event(link: Link, path: str) -> dict[str, object]:
    """What is told of this path next."""
    event: dict[str, object] = link.read_until("fs_event", path=path)["payload"]
    return event


@pytest.mark.parametrize("is_dir", [False, True], ids=["file", "directory"])
def test_a5_creation_rename_and_deletion_are_three_things(stage: Stage, is_dir: bool) -> None:
    old, new = stage.workspace / "old", stage.workspace / "new"
    link = stage.start()
    assert _next_event(link, ".")["operation"] == "create"
    old.mkdir() if is_dir else old.touch()
    assert _next_event(link, "old") == {"path": "old", "operation": "create", "is_dir": is_dir}
    old.rename(new)
    assert _next_event(link, "new") == {"path": "new", "operation": "rename", "is_dir": is_dir, "old_path": "old"}
    new.rmdir() if is_dir else new.unlink()
    assert _next_event(link, "new") == {"path": "new", "operation": "delete", "is_dir": is_dir}


def test_a5_a_change_of_what_is_there_is_a_modification(stage: Stage) -> None:
    file = stage.workspace / "file"
    file.write_text("before")
    link = stage.start()
    assert _next_event(link, "file")["operation"] == "create"
    file.write_text("after it")
    assert _next_event(link, "file") == {"path": "file", "operation": "modify", "is_dir": False}


@pytest.mark.parametrize("flag", ["--version", "-version"])
def test_a6_there_is_one_version(stage: Stage, flag: str) -> None:
    stage.spawn(flag)
    lines = stage.process.communicate(timeout=5)[0].decode().splitlines()
    assert len(lines) == 3
    stage.spawn(*stage.flags())
    assert stage.accept().read_until("register")["payload"]["version"] in lines[0].split()


def test_a7_it_is_one_file_that_needs_nothing_installed(stage: Stage) -> None:
    bundle = stage.directory / "agent.pyz"
    subprocess.run([ROOT / "script" / "agent-zipapp", bundle], check=True, capture_output=True)
    stage.integration("checked", health_cmd="true")
    stage.start(command=(sys.executable, "-IS", str(bundle)))
    assert stage.ask("Ping") == "Pong"
    assert stage.checked("checked")["status"] == "active"


def test_a9_every_key_and_type_it_sends_is_written_down(stage: Stage) -> None:
    page = PAGE.read_text()
    (stage.workspace / "file").touch()
    link = stage.start("--heartbeat-interval=20ms", "--metrics-interval=20ms")
    link.send("no_such_thing", "n")
    link.send("health_check", "h")
    link.send("collect_metrics", "m")
    wanted = {"heartbeat", "metrics", "fs_event", "error", "health_response", "metrics_response"}
    said = set()
    while not wanted <= said:
        message = link.read()
        said |= {message["type"], *message, *message["payload"]}
    assert [word for word in sorted(said) if f"`{word}`" not in page] == []


def test_a9_every_flag_is_written_down(stage: Stage) -> None:
    page = PAGE.read_text()
    stage.spawn("--help")
    usage = stage.process.communicate(timeout=5)[0].decode()
    flags = set(re.findall(r"--[a-z][a-z-]+", usage))
    assert len(flags) > 10
    assert [flag for flag in sorted(flags) if not re.search(rf"`{flag}\b", page)] == []
