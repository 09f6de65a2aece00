"""What the published guest agent promises of sleep and its program does not do: here it is done.

B1  Checkpoint commands run before sleep, restore commands on wake.
B6  The drain timeout bounds the way to sleep, and work in flight is let end within it.
B7  The answer to a request for sleep says whether the machine is ready, and what went wrong.
B9  A critical integration that cannot be checkpointed refuses the sleep.
"""

import pytest

from .stage import Stage, is_gone, until


def sleep(drain_s: int = 5) -> dict[str, object]:
    return {"SleepPrep": {"drain_timeout_secs": drain_s}}


def test_b1_checkpoint_commands_run_before_sleep_and_restore_commands_on_wake(stage: Stage) -> None:
    trace = stage.directory / "trace"
    commands = {f"{when}_cmd": f"echo {when} >> {trace}" for when in ("checkpoint", "restore")}
    stage.integration("db", health_cmd="true", **commands)
    stage.start()
    assert stage.checked("db")["status"] == "active"
    assert stage.ask(sleep())["SleepPrepAck"]["success"] is True
    assert trace.read_text() == "checkpoint\n"
    asleep = stage.integrations()["db"]
    assert asleep["status"] == "paused"
    assert asleep["last_checkpoint_at"] is not None
    assert stage.ask("Wake") == {"WakeAck": {"success": True}}
    assert trace.read_text() == "checkpoint\nrestore\n"
    until(lambda: stage.integrations()["db"], lambda report: report["status"] == "active")


def test_b1_a_checkpoint_without_sleep_tells_what_failed(stage: Stage) -> None:
    trace = stage.directory / "trace"
    stage.integration("good", checkpoint_cmd=f"echo good >> {trace}")
    stage.integration("bad", checkpoint_cmd=f"echo bad >> {trace}; exit 3")
    stage.start()
    result = stage.ask({"CheckpointIntegrations": {"integrations": ["good"]}})["CheckpointResult"]
    assert (result["success"], result["failed"]) == (True, [])
    assert trace.read_text() == "good\n"
    result = stage.ask({"CheckpointIntegrations": {"integrations": []}})["CheckpointResult"]
    assert (result["success"], result["failed"]) == (False, ["bad"])
    assert "bad" in result["detail"]


def test_b6_the_drain_timeout_ends_a_checkpoint_that_hangs(stage: Stage) -> None:
    bell = stage.bell()
    stage.integration("hung", checkpoint_cmd=f"sleep 1000 & echo $! > {bell.path}; wait")
    stage.start()
    peer = stage.connect()
    peer.send(sleep(1))
    grandchild = int(bell.wait())
    answer = peer.read()["SleepPrepAck"]
    assert answer["success"] is True
    assert "hung" in answer["detail"]
    until(lambda: grandchild, is_gone)


def test_b6_what_is_being_executed_may_end_first(stage: Stage) -> None:
    started, release, checkpointed = stage.bell("started"), stage.bell("release"), stage.bell("checkpointed")
    stage.integration("db", checkpoint_cmd=f"echo > {checkpointed.path}")
    stage.start(*stage.allow_exec())
    worker, host = stage.connect(), stage.connect()
    worker.send({"Exec": {"command": f"echo > {started.path}; read line < {release.path}; echo $line"}})
    started.wait()
    host.send(sleep(60))
    assert stage.ask("Ping") == "Pong"
    assert not checkpointed.has_rung()
    release.path.write_text("done\n")
    assert worker.read()["ExecResult"]["stdout"] == "done\n"
    assert host.read()["SleepPrepAck"]["success"] is True
    assert checkpointed.has_rung()


def test_b7_the_answer_says_that_the_machine_is_ready_or_why_not(stage: Stage) -> None:
    file = stage.integration("db", checkpoint_cmd="echo disk full >&2; exit 1", critical=True)
    stage.start()
    refused = stage.ask(sleep())["SleepPrepAck"]
    assert refused.keys() == {"success", "detail"}
    assert refused["success"] is False
    assert "db" in refused["detail"]
    assert refused["detail"].isprintable()
    file.unlink()
    stage.process.send_signal(1)
    until(stage.integrations, lambda reports: not reports)
    ready = stage.ask(sleep())["SleepPrepAck"]
    assert ready["success"] is True
    assert "ready" in ready["detail"]


@pytest.mark.parametrize("critical", [False, True])
def test_b9_only_a_critical_failure_refuses_the_sleep(stage: Stage, critical: bool) -> None:
    stage.integration("db", health_cmd="true", checkpoint_cmd="exit 1", critical=critical)
    stage.start()
    stage.checked("db")
    answer = stage.ask(sleep())["SleepPrepAck"]
    assert answer["success"] is not critical
    assert "db" in answer["detail"]
    report = stage.integrations()["db"]
    assert report["status"] == ("active" if critical else "paused")
    assert report["state_size_bytes"] == 0
