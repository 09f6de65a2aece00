"""Worker status, sleep and wake of a real agent process, by what its commands leave behind and its host sees."""

import os
import signal
import threading

import pytest

from .stage import Stage, is_gone, until

STOPPED_S = 3.3
"""An agent that is asleep looks at its clocks every second, and takes a look that is two seconds late for a sign."""


def sleep(drain_s: int = 30) -> dict[str, object]:
    return {"SleepPrep": {"drain_timeout_secs": drain_s}}


def traced(stage: Stage, name: str, **keys: object) -> None:
    """An integration whose commands write down that they ran."""
    trace = stage.directory / "trace"
    commands = {f"{when}_cmd": f"echo {when} {name} >> {trace}" for when in ("checkpoint", "restore")}
    stage.integration(name, **{**commands, **keys})


def trace_of(stage: Stage) -> list[str]:
    trace = stage.directory / "trace"
    return sorted(trace.read_text().splitlines()) if trace.exists() else []


def test_all_of_them_are_checkpointed_and_the_count_is_told(stage: Stage) -> None:
    for name in ("db", "queue"):
        traced(stage, name)
    stage.start()
    assert stage.ask(sleep()) == {"SleepPrepAck": {"success": True, "detail": "ready; 2 integrations checkpointed"}}
    assert stage.ask("Wake") == {"WakeAck": {"success": True}}
    assert trace_of(stage) == ["checkpoint db", "checkpoint queue", "restore db", "restore queue"]


def test_after_a_refusal_those_that_were_checkpointed_are_restored_and_no_others(stage: Stage) -> None:
    traced(stage, "good", health_cmd="true")
    traced(stage, "bad", checkpoint_cmd="exit 3", critical=True)
    link = stage.start()
    answer = stage.ask(sleep())["SleepPrepAck"]
    assert answer["success"] is False
    assert "bad" in answer["detail"]
    until(lambda: trace_of(stage), lambda trace: trace == ["checkpoint good", "restore good"])
    until(lambda: stage.integrations()["good"]["status"], lambda status: status == "active")
    assert link.ask("health_check")["type"] == "health_response"  # nothing was stopped: the link is the same


def test_a_critical_checkpoint_that_hangs_is_killed_and_refuses_within_the_drain_time(stage: Stage) -> None:
    bell = stage.bell()
    stage.integration("hung", checkpoint_cmd=f"sleep 1000 & echo $! > {bell.path}; wait", critical=True)
    stage.start()
    peer = stage.connect()
    peer.send(sleep(1))
    grandchild = int(bell.wait())
    answer = peer.read()["SleepPrepAck"]
    assert answer["success"] is False
    assert "hung" in answer["detail"]
    until(lambda: grandchild, is_gone)


def test_a_drain_time_of_nothing_refuses_what_is_critical_and_nothing_else(stage: Stage) -> None:
    traced(stage, "db")
    stage.start()
    answer = stage.ask(sleep(0))["SleepPrepAck"]
    assert answer["success"] is True
    assert "db" in answer["detail"]
    stage.ask("Wake")
    traced(stage, "db", critical=True)
    stage.process.send_signal(signal.SIGHUP)
    until(lambda: stage.ask(sleep(0))["SleepPrepAck"]["success"], lambda success: not success)
    assert "checkpoint db" not in trace_of(stage)


def test_while_it_gets_ready_it_answers_and_a_second_request_gets_the_same_answer(stage: Stage) -> None:
    begun, release = stage.bell("begun"), stage.bell("release")
    stage.integration("slow", checkpoint_cmd=f"echo > {begun.path}; read line < {release.path}")
    stage.start()
    first, second = stage.connect(), stage.connect()
    first.send(sleep(60))
    begun.wait()
    second.send(sleep(1))
    assert stage.ask("Ping") == "Pong"
    assert stage.ask("WorkerStatus") == {"WorkerStatus": {"status": "idle", "last_busy_at": None}}
    release.path.write_text("on\n")
    answer = first.read()
    assert answer["SleepPrepAck"]["success"] is True
    assert second.read() == answer
    assert not begun.has_rung()
    assert stage.ask("Ping") == "Pong"


def test_a_wake_while_it_gets_ready_ends_the_checkpoint_and_restores(stage: Stage) -> None:
    begun = stage.bell()
    traced(stage, "slow", checkpoint_cmd=f"echo $$ > {begun.path}; sleep 1000")
    stage.start()
    peer = stage.connect()
    peer.send(sleep(60))
    command = int(begun.wait())
    assert stage.ask("Wake") == {"WakeAck": {"success": True}}
    until(lambda: command, is_gone)
    assert trace_of(stage) == ["restore slow"]


def test_a_critical_restore_that_fails_is_told_and_the_agent_is_awake(stage: Stage) -> None:
    stage.integration("db", health_cmd="true", restore_cmd="exit 1", critical=True)
    stage.start()
    assert stage.ask(sleep())["SleepPrepAck"]["success"] is True
    assert stage.ask("Wake") == {"WakeAck": {"success": False}}
    until(lambda: stage.integrations()["db"]["status"], lambda status: status == "active")


def test_an_agent_that_was_stopped_asleep_wakes_by_itself(stage: Stage) -> None:
    traced(stage, "db")
    stage.start()
    assert stage.ask(sleep())["SleepPrepAck"]["success"] is True
    stage.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, stage.process.pid, os.WSTOPPED)
    threading.Event().wait(STOPPED_S)  # what is tested is time that passes
    stage.process.send_signal(signal.SIGCONT)
    assert stage.accept().read()["type"] == "register"
    assert trace_of(stage) == ["checkpoint db", "restore db"]
    assert stage.ask("Wake") == {"WakeAck": {"success": True}}
    assert trace_of(stage) == ["checkpoint db", "restore db"]


def test_a_restore_wakes_who_was_asleep_and_never_signals_a_pid_1_of_others(stage: Stage) -> None:
    traced(stage, "db")
    stage.start()
    stage.ask(sleep())
    answer = stage.ask("PostRestore")["PostRestoreAck"]
    assert answer["success"] is False
    assert "pid 1" in answer["detail"]
    assert trace_of(stage) == ["checkpoint db", "restore db"]
    assert stage.accept().read()["type"] == "register"


def test_the_host_says_who_is_inside_and_two_calm_samples_after_they_left_it_is_idle(stage: Stage) -> None:
    link = stage.start("--sample-interval=100ms", "--heartbeat-interval=50ms", "--busy-threshold=100")
    link.read_until("heartbeat", worker_status="idle")
    link.send("activity", clients=1, actions=0)
    link.read_until("heartbeat", worker_status="busy")
    link.send("activity", clients=0, actions=0)
    link.read_until("heartbeat", worker_status="idle")
    assert stage.ask("WorkerStatus")["WorkerStatus"]["last_busy_at"] is not None


def test_a_running_command_makes_it_busy(stage: Stage) -> None:
    begun, release = stage.bell("begun"), stage.bell("release")
    stage.start(*stage.allow_exec(), "--sample-interval=100ms", "--busy-threshold=100")
    peer = stage.connect()
    peer.send({"Exec": {"command": f"echo > {begun.path}; read line < {release.path}"}})
    begun.wait()
    assert stage.ask("WorkerStatus")["WorkerStatus"]["status"] == "busy"
    release.path.write_text("on\n")
    assert peer.read()["ExecResult"]["exit_code"] == 0
    until(lambda: stage.ask("WorkerStatus")["WorkerStatus"]["status"], lambda status: status == "idle")


@pytest.mark.parametrize(
    ("command", "payload"),
    [
        ("activity", {}),
        ("activity", {"clients": 1}),
        ("activity", {"clients": 1, "actions": -1}),
        ("activity", {"clients": True, "actions": 0}),
        ("activity", {"clients": 1.0, "actions": 0}),
        ("activity", {"clients": "1", "actions": 0}),
        ("activity", {"clients": 10**30, "actions": 0}),
        ("watch", {}),
        ("watch", {"enabled": 1}),
        ("watch", {"enabled": None}),
    ],
)
def test_a_payload_that_will_not_do_gets_an_error_and_changes_nothing(
    stage: Stage, command: str, payload: dict[str, object]
) -> None:
    link = stage.start()
    answer = link.ask(command, "c-1", **payload)
    assert answer["type"] == "error"
    assert answer["payload"]["code"] == "bad_command"
    assert link.ask("health_check", "c-2")["payload"]["worker_status"] == "idle"
