"""The agent and its browser: start, ready, crash, restart, give up, limits."""

import json
import os
import signal
from pathlib import Path

import pytest

from cloche.wire.agent_config import WatchdogConfig


def test_it_registers_with_its_browser_and_says_how_it_is_with_the_first_beat(host, start_agent) -> None:
    agent = start_agent(heartbeat_interval_s=0.2)
    link = host.accept()
    register, heartbeat = link.read(), link.read_until("heartbeat")
    assert register["type"] == "register"
    assert register["payload"].keys() == {"version", "workspace", "pid", "token", "protocol", "boot_id", "browser"}
    assert register["payload"]["token"] == "secret"
    assert register["payload"]["pid"] == agent.process.pid
    assert register["payload"]["browser"]["state"] in ("starting", "ready")
    assert heartbeat["type"] == "heartbeat"
    assert heartbeat["payload"]["browser_pid"] in agent.descendants()


def test_a_browser_is_reported_ready_when_it_answers_devtools(host, start_agent) -> None:
    agent = start_agent(heartbeat_interval_s=0.05)
    link = host.accept()
    ready = link.read_until("browser", state="ready")["payload"]
    assert ready["product"] == "FakeChrome/1.2.3"
    assert ready["devtools_path"].startswith("/devtools/browser/")
    assert ready["start_ms"] > 0
    health = link.read_until("heartbeat", status="healthy")["payload"]
    assert health["browser_pid"] == ready["pid"]
    assert health["processes"] == 2
    assert 1 < health["memory_mb"] < 200
    assert agent.get_json("/health")["status"] == "healthy"


def test_the_browser_gets_its_own_environment_group_and_no_descriptor_of_ours(host, start_agent) -> None:
    agent = start_agent()
    ready = host.accept().read_until("browser", state="ready")["payload"]
    assert os.getpgid(ready["pid"]) == os.getsid(ready["pid"]) == ready["pid"]
    _, devtools = agent.ask(**{"stream": "devtools", "pass": True})
    with devtools:
        devtools.sendall(b"GET /facts HTTP/1.1\r\n\r\n")
        facts = json.loads(devtools.makefile("rb").read().partition(b"\r\n\r\n")[2])
    assert facts["env"]["MARK"] == "exactly this"
    assert facts["env"].keys() <= {"MARK", "LC_CTYPE"}  # Python itself sets the second (PEP 538)
    # 0, 1, 2, its listening socket, and the directory it is listing.
    assert facts["descriptors"] == [0, 1, 2, 3, 4]


def test_a_crash_is_reported_at_once_and_the_browser_comes_back(host, start_agent, crash) -> None:
    agent = start_agent(heartbeat_interval_s=3600)
    link = host.accept()
    first = link.read_until("browser", state="ready")["payload"]
    crash(agent)
    exited = link.read_until("browser", state="exited")["payload"]
    assert exited["reason"] == "crashed"
    assert exited["signal"] == signal.SIGSEGV
    heartbeat = link.read()
    assert heartbeat["type"] == "heartbeat"
    assert heartbeat["payload"]["status"] == "unhealthy"
    assert heartbeat["payload"]["browser_alive"] is False
    assert heartbeat["payload"]["processes"] == 1
    assert link.read_until("browser", state="restarting")["payload"]["restarts"] == 1
    again = link.read_until("browser", state="ready")["payload"]
    assert again["devtools_path"] != first["devtools_path"]
    assert again["pid"] != first["pid"]


def test_a_browser_that_is_closed_by_a_client_comes_back_too(host, start_agent) -> None:
    agent = start_agent()
    link = host.accept()
    link.read_until("browser", state="ready")
    _, devtools = agent.ask(**{"stream": "devtools", "pass": True})
    with devtools:
        devtools.sendall(b"GET /close HTTP/1.1\r\n\r\n")
    assert link.read_until("browser", state="exited")["payload"]["reason"] == "closed"
    link.read_until("browser", state="ready")


def test_a_dial_during_a_restart_waits_for_the_new_browser(host, start_agent, crash) -> None:
    agent = start_agent()
    link = host.accept()
    first = link.read_until("browser", state="ready")["payload"]
    crash(agent)
    link.read_until("browser", state="exited")
    answer, devtools = agent.ask(**{"stream": "devtools", "pass": True, "wait_s": 5})
    assert answer["ok"]
    assert answer["devtools_path"] != first["devtools_path"]
    devtools.close()


def test_when_the_restart_budget_is_spent_the_agent_gives_up(host, start_agent) -> None:
    agent = start_agent("crash_loop", browser={"restart_budget": 2})
    link = host.accept()
    gave_up = link.read_until("browser", state="gave_up")["payload"]
    assert gave_up["reason"] == "restart_budget_spent"
    assert gave_up["restarts"] == 2
    assert link.read_until("deregister")["payload"] == {"reason": "shutdown", "cause": "browser_gave_up"}
    assert agent.exit_code() == 3


def test_a_crash_at_the_first_start_is_not_tried_again(host, start_agent) -> None:
    agent = start_agent("crash_at_start")
    link = host.accept()
    gave_up = _last_of_the_browser(link)
    assert gave_up["reason"] == "crashed_at_start"
    assert gave_up["exit_code"] == 7
    assert "cannot open display" in gave_up["log_tail"]
    assert "\x1b" not in gave_up["log_tail"]
    assert agent.exit_code() == 3


@pytest.mark.parametrize(("make", "errno"), [(None, "ENOENT"), (0o644, "EACCES")], ids=["missing", "not executable"])
def test_a_browser_that_cannot_be_executed_is_told_apart(host, start_agent, tmp_path: Path, make, errno) -> None:
    program = tmp_path / "chromium"
    if make is not None:
        program.write_text("#!/bin/sh\n")
        program.chmod(make)
    agent = start_agent(browser={"executable": str(program)})
    gave_up = _last_of_the_browser(host.accept())
    assert gave_up["reason"] == "exec_failed"
    assert errno in gave_up["log_tail"]
    assert agent.exit_code() == 3


def test_a_browser_that_never_gets_ready_is_ended_at_the_start_timeout(host, start_agent) -> None:
    agent = start_agent("hang", browser={"start_timeout_s": 0.3})
    assert _last_of_the_browser(host.accept())["reason"] == "start_timeout"
    assert agent.exit_code() == 3


def test_a_browser_that_prints_a_megabyte_is_not_held_up(host, start_agent, crash) -> None:
    agent = start_agent("noisy")
    link = host.accept()
    link.read_until("browser", state="ready")
    crash(agent)
    tail = link.read_until("browser", state="exited")["payload"]["log_tail"]
    assert tail == "last words"


def test_stale_files_of_an_earlier_browser_are_removed_before_a_start(host, start_agent, tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    profile.mkdir()
    (profile / "DevToolsActivePort").write_text("1\n/devtools/browser/stale")
    (profile / "SingletonLock").symlink_to("elsewhere-1")
    start_agent()
    ready = host.accept().read_until("browser", state="ready")["payload"]
    assert "stale" not in ready["devtools_path"]
    assert not (profile / "SingletonLock").is_symlink()


def test_whatever_a_dead_browser_leaves_is_killed(host, start_agent, crash) -> None:
    agent = start_agent("family", browser={"restart_budget": 0})
    link = host.accept()
    link.read_until("browser", state="ready")
    family = [row["pid"] for row in agent.get_json("/processes")["processes"] if row["pid"] != agent.process.pid]
    assert len(family) == 3
    crash(agent)
    assert agent.exit_code() == 3
    assert not [pid for pid in family if _is_running(pid)]


def test_the_watchdog_ends_a_browser_that_takes_too_much_memory(host, start_agent) -> None:
    start_agent("hog", watchdog=WatchdogConfig(memory_bytes=128 << 20, processes=64, interval_s=0.05))
    link = host.accept()
    states = [link.read_until("browser")["payload"] for _ in range(2)]
    exited = next((state for state in states if state["state"] == "exited"), None)
    exited = exited or link.read_until("browser", state="exited")["payload"]
    assert exited["reason"] == "over_memory"


def test_the_watchdog_ends_the_newest_of_too_many_processes(host, start_agent) -> None:
    agent = start_agent(
        "family", watchdog=WatchdogConfig(memory_bytes=4 << 30, processes=1, interval_s=0.05), heartbeat_interval_s=0.05
    )
    link = host.accept()
    browser = link.read_until("browser", state="ready")["payload"]["pid"]
    link.read_until("heartbeat", limit_kills=2)
    assert [row["pid"] for row in agent.get_json("/processes")["processes"] if row["state"] != "Z"] == sorted(
        [agent.process.pid, browser]
    )


def _last_of_the_browser(link) -> dict:
    """Its `gave_up`, said in a message or, when the link came up only after it, in `register`."""
    first = link.read()["payload"]["browser"]
    return first if first["state"] == "gave_up" else link.read_until("browser", state="gave_up")["payload"]


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except FileNotFoundError:
        return False
