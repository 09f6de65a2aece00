"""Pitfalls of the published agents that this one must not share, the first part: commands, peers and frames.

P1  A timeout was reported as healthy, and what the command had started lived on.
P2  Much output, or a grandchild that kept the pipe, stalled all checks.
P3  One silent, half-open or slow peer, or one long request, blocked everybody.
P4  Answers were larger than a frame may be.
P5  Exec cut inside characters, deadlocked on input, joined its arguments to text, and logged them.
P6  Exec was guarded by one lock, and that one open where it could not be read.
P7  The socket was open to every user of the machine.
"""

import json
import os
import shutil
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from .reference_peers import MAX_FRAME, Peer
from .stage import NOBODY, PROGRAM, Bell, Stage, as_nobody, is_gone, needs_root, until

MIB = 1 << 20


def _hung(bell: Bell) -> str:
    """A command that never ends, nor does its child, whose pid it tells."""
    return f"sleep 1000 & echo $! > {bell.path}; wait"


def test_p1_a_check_that_hangs_is_unhealthy_and_nothing_of_it_survives(stage: Stage) -> None:
    check, probe = stage.bell("check"), stage.bell("probe")
    stage.integration("hung", health_cmd=_hung(check), health_timeout_secs=1)
    stage.probe("hung", cmd=_hung(probe), timeout_secs=1)
    stage.start()
    grandchildren = [int(check.wait()), int(probe.wait())]
    report = stage.checked("hung")
    assert report["status"] == {"error": "timed out after 1 s"}
    assert report["health"]["healthy"] is False
    assert stage.probed("hung")["healthy"] is False
    for pid in grandchildren:
        until(lambda pid=pid: pid, is_gone)


def test_p1_a_probe_that_prints_what_it_should_and_hangs_has_not_succeeded(stage: Stage) -> None:
    stage.probe("json", cmd="echo 1; exec sleep 1000", timeout_secs=1, output_format="json")
    stage.start()
    assert stage.probed("json")["healthy"] is False


def test_p2_megabytes_of_output_are_read_while_they_come(stage: Stage) -> None:
    for stream in (1, 2):
        stage.integration(f"loud-{stream}", health_cmd=f"head -c {4 * MIB} /dev/zero >&{stream}")
    stage.start()
    for stream in (1, 2):
        assert stage.checked(f"loud-{stream}")["health"]["healthy"] is True


def test_p2_a_grandchild_that_keeps_the_pipe_holds_up_nothing(stage: Stage) -> None:
    bell = stage.bell()
    stage.integration("keeper", health_cmd=f"sleep 1000 & echo $! > {bell.path}; exit 0")
    stage.probe("other", cmd="true")
    stage.start()
    grandchild = int(bell.wait())
    assert stage.checked("keeper")["status"] == "active"
    assert stage.probed("other")["healthy"] is True
    until(lambda: grandchild, is_gone)


def test_p2_checks_that_hang_do_not_hold_up_those_that_do_not(stage: Stage) -> None:
    for number in range(3):
        stage.integration(f"hung-{number}", health_cmd="exec sleep 1000")
        stage.probe(f"hung-{number}", cmd="exec sleep 1000")
        stage.probe(f"quick-{number}", cmd="true")
        stage.integration(f"quick-{number}", health_cmd="true")
    stage.start()
    for number in range(3):
        assert stage.probed(f"quick-{number}")["healthy"] is True
        assert stage.checked(f"quick-{number}")["status"] == "active"


def _partial(sent: bytes) -> Any:
    def act(stage: Stage) -> None:
        for _ in range(20):
            stage.connect().sock.sendall(sent)

    return act


def _unread(stage: Stage) -> None:
    """Ask and ask and read nothing, until no more can be written."""
    peer = stage.connect()
    peer.sock.setblocking(False)
    request = struct.pack(">I", 20) + b'"IntegrationStatus" '
    with suppress(BlockingIOError):
        while True:
            peer.sock.send(request * 1000)


def _executing(stage: Stage) -> None:
    bell = stage.bell()
    stage.connect().send({"Exec": {"command": f"echo > {bell.path}; exec sleep 1000"}})
    bell.wait()


def _going_to_sleep(stage: Stage) -> None:
    bell = stage.bell()
    stage.integration("slow", checkpoint_cmd=f"echo > {bell.path}; exec sleep 1000")
    stage.process.send_signal(1)
    until(stage.integrations, bool)
    stage.connect().send({"SleepPrep": {"drain_timeout_secs": 60}})
    bell.wait()


@pytest.mark.parametrize(
    "trouble",
    [_partial(b""), _partial(b"\0\0"), _partial(b"\0\1\0\0{"), _partial(b"CONN"), _unread, _executing, _going_to_sleep],
    ids=["silent", "half a header", "half a body", "half a handshake", "never reading", "executing", "to sleep"],
)
def test_p3_others_are_answered_all_the_same(stage: Stage, trouble: Any) -> None:
    link = stage.start(*stage.allow_exec())
    trouble(stage)
    assert stage.ask("Ping") == "Pong"
    assert stage.connect(52).ask("WorkerStatus")["WorkerStatus"]["status"] in ("idle", "busy")
    assert link.ask("health_check")["type"] == "health_response"


def test_p3_who_has_shut_its_side_still_gets_its_answer(stage: Stage) -> None:
    stage.start()
    peer = stage.connect()
    peer.send("Ping")
    peer.sock.shutdown(socket.SHUT_WR)
    assert peer.read() == "Pong"
    assert peer.rest() == b""


def test_p3_more_peers_than_there_are_places_do_not_shut_out_the_next(stage: Stage) -> None:
    stage.start()
    first = stage.connect()
    for _ in range(80):
        stage.connect()
    assert stage.ask("Ping") == "Pong"
    assert b"Error" in first.rest()


def test_p3_a_host_that_hangs_up_ends_what_it_let_execute(stage: Stage) -> None:
    bell = stage.bell()
    stage.start(*stage.allow_exec())
    with Peer(stage.guest) as peer:
        peer.send({"Exec": {"command": f"echo $$ > {bell.path}; exec sleep 1000"}})
        pid = int(bell.wait())
    until(lambda: pid, is_gone)


LOUD = (
    f"head -c {3 * MIB} /dev/zero",
    f"head -c {3 * MIB} /dev/zero | tr '\\0' x; head -c {3 * MIB} /dev/zero | tr '\\0' y >&2",
    f"head -c {3 * MIB} /dev/zero | tr '\\0' '\\377' >&2",
    f"head -c {3 * MIB} /dev/zero | tr '\\0' '\"'",
    f"yes 🙂 | head -c {3 * MIB}",
)


def test_p4_megabytes_of_output_are_cut_to_a_frame_with_a_mark(stage: Stage) -> None:
    stage.start(*stage.allow_exec())
    peer = stage.connect()
    for command in LOUD:
        peer.send({"Exec": {"command": command}})
        body = peer.read_body()
        assert MAX_FRAME // 8 < len(body) <= MAX_FRAME, command
        result = json.loads(body)["ExecResult"]
        assert result["exit_code"] == 0
        for stream in ("stdout", "stderr"):
            assert not result[stream] or result[stream].endswith("\n[the rest is left out]"), command


def test_p4_no_report_is_larger_than_a_frame(stage: Stage) -> None:
    for number in range(128):
        stage.probe(f"loud-{number:03}", cmd="printf '\"%16000d\"' 0", output_format="json")
        stage.integration(f"loud-{number:03}", health_cmd="head -c 60000 /dev/zero | tr '\\0' '\\1' >&2; exit 1")
    stage.start()
    until(stage.probes, lambda results: len(results) >= 30, 20)
    peer = stage.connect()
    for request in ("ProbeStatus", "IntegrationStatus", "Ping"):
        peer.send(request)
        assert len(peer.read_body()) <= MAX_FRAME


def test_p4_a_request_may_fill_a_frame_and_no_more(stage: Stage) -> None:
    stage.start()
    peer = stage.connect()
    peer.send_body(b'"Ping"'.ljust(MAX_FRAME))
    assert peer.read() == "Pong"
    peer.sock.sendall(struct.pack(">I", MAX_FRAME + 1))
    assert "Error" in peer.read()


def test_p5_output_is_cut_between_characters(stage: Stage) -> None:
    stage.start(*stage.allow_exec())
    for shift in range(4):
        output = stage.run("sh", "-c", f"printf %.{shift}s xxx; yes 🙂 | tr -d '\\n' | head -c {MIB}")["stdout"]
        assert "\ufffd" not in output
        assert output.startswith("x" * shift + "🙂")
        assert "🙂\n[" in output


def test_p5_bytes_that_are_no_text_are_replaced(stage: Stage) -> None:
    stage.start(*stage.allow_exec())
    assert stage.run("printf", r"a\377\303b")["stdout"] == "a\ufffd\ufffdb"


def test_p5_large_input_and_large_output_do_not_wait_for_each_other(stage: Stage) -> None:
    stage.start(*stage.allow_exec())
    text = "y" * 200_000
    script = f"head -c {2 * MIB} /dev/zero >&2; wc -c; head -c {2 * MIB} /dev/zero >&2"
    result = stage.run("sh", "-c", script, stdin=text)
    assert (result["exit_code"], result["stdout"].strip()) == (0, str(len(text)))


def test_p5_input_that_nobody_reads_is_no_trouble(stage: Stage) -> None:
    stage.start(*stage.allow_exec())
    assert stage.run("true", stdin="y" * 200_000)["exit_code"] == 0


HOSTILE = ["a b", '"', "'", "$(touch ran)", "`touch ran`", "*", "\\n", "\n", "", "--", ";touch ran", "\u00e9\U0001f642"]


def test_p5_arguments_arrive_as_they_stand_and_are_not_logged(stage: Stage) -> None:
    stage.start(*stage.allow_exec(), "--log-level=debug")
    secret = "hunter2-in-argv"
    result = stage.run("printf", "%s\\0", *HOSTILE, secret, stdin="hunter2-in-stdin")
    assert result["stdout"].split("\0")[:-1] == [*HOSTILE, secret]
    assert stage.ask({"Exec": {"command": "exit $((hunter + 2))"}})["ExecResult"]["exit_code"] == 2
    assert not any(path.name == "ran" for path in stage.directory.rglob("*"))
    assert "hunter" not in stage.log_text


def test_p5_what_cannot_be_executed_is_told(stage: Stage) -> None:
    stage.start(*stage.allow_exec())
    result = stage.ask({"Exec": {"argv": ["/no/such/program"]}})
    assert result["ExecResult"]["exit_code"] == -1
    assert result["ExecResult"]["stderr"]
    assert stage.run("sh", "-c", "kill -9 $$")["exit_code"] == -1


def _allow(stage: Stage) -> None:
    stage.allow_exec()


def _say(text: str) -> Any:
    return lambda stage: stage.policy.write_text(text)


def _with_mode(mode: int) -> Any:
    def act(stage: Stage) -> None:
        stage.allow_exec()
        stage.policy.chmod(mode)

    return act


def _of_nobody(stage: Stage) -> None:
    stage.allow_exec()
    os.chown(stage.policy, NOBODY, NOBODY)


def _fifo(stage: Stage) -> None:
    os.mkfifo(stage.policy)


def _directory(stage: Stage) -> None:
    stage.policy.mkdir()


def _endless(stage: Stage) -> None:
    stage.policy.symlink_to("/dev/zero")


def _huge(stage: Stage) -> None:
    stage.policy.write_text('{"access": {"debug_exec": true}}'.ljust(32 * MIB))


REFUSED = {
    "missing": lambda stage: None,
    "silent": _say("{}"),
    "malformed": _say('{"access": {"debug_exec": true}'),
    "no": _say('{"access": {"debug_exec": false}}'),
    "text": _say('{"access": {"debug_exec": "true"}}'),
    "number": _say('{"access": {"debug_exec": 1}}'),
    "elsewhere": _say('{"debug_exec": true}'),
    "twice": _say('{"access": {"debug_exec": false, "debug_exec": true}}'),
    "two minds": _say('{"access": {"debug_exec": false}, "access": {"debug_exec": true}}'),
    "world-writable": _with_mode(0o666),
    "group-writable": _with_mode(0o664),
    "fifo": _fifo,
    "directory": _directory,
    "endless": _endless,
    "huge": _huge,
}


def test_p6_only_a_policy_that_says_so_plainly_allows_exec(stage: Stage) -> None:
    stage.start("--exec", f"--policy={stage.policy}")
    peer = stage.connect()
    for name, policy in REFUSED.items():
        policy(stage)
        answer = peer.ask({"Exec": {"command": f"touch {stage.directory}/ran"}})
        assert "Exec" in answer["Error"]["message"], name
        assert peer.ask("Ping") == "Pong"
        shutil.rmtree(stage.policy) if stage.policy.is_dir() else stage.policy.unlink(missing_ok=True)
    assert not (stage.directory / "ran").exists()
    stage.allow_exec()
    assert stage.run("true")["exit_code"] == 0


@needs_root
def test_p6_a_policy_of_another_user_allows_nothing(stage: Stage) -> None:
    _of_nobody(stage)
    stage.start("--exec", f"--policy={stage.policy}")
    assert "Error" in stage.ask({"Exec": {"argv": ["true"]}})


LOCKS = {"neither": (), "only the switch": ("--exec",), "only the policy": ("--policy",)}


@pytest.mark.parametrize("flags", LOCKS.values(), ids=LOCKS)
def test_p6_one_lock_is_not_enough(stage: Stage, flags: tuple[str, ...]) -> None:
    _allow(stage)
    stage.start(*flags, *([str(stage.policy)] if "--policy" in flags else []))
    assert "Error" in stage.ask({"Exec": {"argv": ["true"]}})


def test_p6_a_policy_that_changes_its_mind_is_heard_at_once(stage: Stage) -> None:
    stage.start(*stage.allow_exec())
    assert stage.run("true")["exit_code"] == 0
    stage.policy.unlink()
    assert "Error" in stage.ask({"Exec": {"argv": ["true"]}})
    stage.allow_exec()
    assert stage.run("true")["exit_code"] == 0


def _what_nobody_gets(path: Path) -> int:
    """0: an answer; 1: not connected; 2: hung up on."""
    try:
        with Peer(path) as peer:
            return 0 if peer.ask("Ping") == "Pong" else 2
    except PermissionError:
        return 1
    except (EOFError, OSError):
        return 2


@needs_root
def test_p7_the_socket_is_for_its_own_user_alone(stage: Stage) -> None:
    stage.start()
    assert stage.guest.stat().st_mode & 0o777 == 0o600
    assert as_nobody(lambda: _what_nobody_gets(stage.guest)) == 1
    # Somebody has opened it up: the kernel still says who is there.
    stage.guest.chmod(0o666)
    assert as_nobody(lambda: _what_nobody_gets(stage.guest)) == 2
    assert stage.ask("Ping") == "Pong"


def test_p7_no_moment_and_no_umask_opens_the_socket(stage: Stage) -> None:
    stage.start(command=("sh", "-c", 'umask 0; exec "$@"', "sh", *PROGRAM))
    assert stage.guest.stat().st_mode & 0o777 == 0o600
