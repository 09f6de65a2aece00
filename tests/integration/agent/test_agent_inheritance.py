"""What an agent that is started by hand takes over from whoever started it, and what it keeps from its children."""

import os

from .stage import PROGRAM, Stage, until


def test_descriptors_that_were_left_open_for_it_reach_no_command_of_a_check(stage: Stage) -> None:
    secret = os.memfd_create("secret", 0)
    os.write(secret, b"not for a check")
    try:
        stage.probe("peek", cmd="ls -l /proc/self/fd | grep -c memfd:secret >&2; exit 3")
        stage.start(pass_fds=(secret,))
        (probe,) = until(lambda: stage.ask("ProbeStatus")["ProbeStatusReport"]["probes"], bool)
    finally:
        os.close(secret)
    assert probe["detail"] == "0"


def test_an_agent_that_was_started_with_its_childrens_ends_ignored_still_learns_of_them(stage: Stage) -> None:
    stage.probe("three", cmd="exit 3")
    ignoring = ("/bin/sh", "-c", 'trap "" CHLD; exec "$@"', "sh", *PROGRAM)
    stage.start(command=ignoring)
    (probe,) = until(lambda: stage.ask("ProbeStatus")["ProbeStatusReport"]["probes"], bool)
    assert probe["detail"] == "exit code 3"


def test_a_host_that_is_gone_is_in_nobodys_session(stage: Stage) -> None:
    link = stage.start("--sample-interval=100ms", "--heartbeat-interval=50ms", "--busy-threshold=100")
    link.send("activity", clients=1, actions=0)
    link.read_until("heartbeat", worker_status="busy")
    stage.vanish()
    link.close()
    until(lambda: stage.ask("WorkerStatus")["WorkerStatus"]["status"], lambda status: status == "idle")
