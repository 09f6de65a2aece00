"""What the published guest agent promises, but for sleep, and its program does not do: here it is done.

B2   Requests have one name each, and a wrong one is told.
B3   The agent itself answers `CONNECT 52` with `OK`, on a unix socket.
B4   A connection bears as many pairs of request and answer as the host likes.
B5   A probe's command may be called `command`, as its manual writes it.
B8   Worker status reaches whoever decides about the machine.
B10  Exec has a timeout, and is off in what is shipped.
B11  A unix socket can be listened on.
B12  A policy that cannot be read allows nothing.
B13  The hello may be said and need not be.
B14  File verbs: there are none, and who asks is told.
B15  Frames that are too large or not understood get an error.
B16  Peers are known: by the kernel, since signed sessions are nothing that this agent offers.
B17  What was there, unwritten, works: PostRestore, configuration file, grace, formats, timeouts; not `diagnose`.
"""

import json
import signal
import socket
import struct
import subprocess
import sys

import pytest

from .reference_peers import MAX_FRAME, Peer
from .stage import Stage, as_nobody, is_gone, needs_pid_namespace, needs_root, until

FILE_VERBS = ("FsRead", "FsWrite", "FsList", "FsStat", "FsMkdir", "FsRemove", "FsMove", "FsDiff")


def test_b2_a_name_that_is_none_is_told_and_the_connection_goes_on(stage: Stage) -> None:
    stage.start()
    peer = stage.connect()
    for name in ("ping", "PING", "status", "sleep-prep", "wake", "Pong", ""):
        assert name in peer.ask(name)["Error"]["message"]
        assert peer.ask("Ping") == "Pong"


def test_b3_connect_is_answered_with_ok_by_the_agent_itself(stage: Stage) -> None:
    stage.start()
    for port in (52, 5252):
        assert stage.connect(port).ask("Ping") == "Pong"


def test_b3_the_handshake_may_come_in_pieces_or_with_the_first_frame(stage: Stage) -> None:
    stage.start()
    peer = stage.connect()
    ping = b'\0\0\0\6"Ping"'
    peer.sock.sendall(b"CONNECT 52\n" + ping)
    assert peer.sock.makefile("rb").readline().startswith(b"OK ")
    peer.send("Ping")
    other = stage.connect()
    for byte in b"CONNECT 52\n":
        other.sock.sendall(bytes([byte]))
    assert other.sock.recv(3) == b"OK "


NO_HANDSHAKES = ("CONNECT \n", "CONNECT x\n", "CONNECT 99999999999\n", "CONNECT " + "1" * 99, "CONNECT 1\n")


def test_b3_a_handshake_that_is_none_ends_the_connection(stage: Stage) -> None:
    stage.start()
    for line in NO_HANDSHAKES:
        peer = stage.connect()
        peer.sock.sendall(line.encode())
        assert not peer.rest().startswith(b"OK "), line
    assert stage.ask("Ping") == "Pong"


def test_b4_a_connection_may_bear_one_pair_or_many(stage: Stage) -> None:
    stage.start()
    assert stage.ask("Ping") == "Pong"
    peer = stage.connect(52)
    for _ in range(20):
        assert peer.ask("Ping") == "Pong"
        assert peer.ask("WorkerStatus")["WorkerStatus"]["status"] in ("idle", "busy")
    for request in ("Ping", "ProbeStatus", "Ping"):
        peer.send(request)
    assert [peer.read() for _ in range(3)] == ["Pong", {"ProbeStatusReport": {"probes": []}}, "Pong"]


def test_b5_a_probe_as_the_manual_writes_it_runs(stage: Stage) -> None:
    documented = {"description": "disk", "interval_secs": 30, "timeout_secs": 10, "output_format": "json"}
    stage.probe("documented", command="echo '{\"free\": 7}'", **documented)
    stage.probe("as-read", cmd="true")
    stage.start()
    result = stage.probed("documented")
    assert (result["healthy"], result["output"]) == (True, {"free": 7})
    assert stage.probed("as-read")["healthy"] is True


def test_b8_worker_status_is_in_every_heartbeat_and_follows_who_is_there(stage: Stage) -> None:
    link = stage.start("--heartbeat-interval=20ms", "--busy-threshold=1000")
    assert link.read_until("heartbeat")["payload"]["worker_status"] == "idle"
    link.send("activity", clients=1, actions=0)
    link.read_until("heartbeat", worker_status="busy")
    told = stage.ask("WorkerStatus")["WorkerStatus"]
    assert told.keys() == {"status", "last_busy_at"}
    assert told["status"] == "busy"
    assert told["last_busy_at"] is not None


def test_b10_exec_is_off_in_what_is_shipped(stage: Stage) -> None:
    stage.start()
    peer = stage.connect()
    assert "Exec" in peer.ask({"Exec": {"command": f"touch {stage.directory}/ran"}})["Error"]["message"]
    assert peer.ask("Ping") == "Pong"
    assert not (stage.directory / "ran").exists()


def test_b10_exec_ends_at_its_timeout_with_all_that_it_started(stage: Stage) -> None:
    bell = stage.bell()
    stage.start(*stage.allow_exec())
    text = f"sleep 1000 & echo $! > {bell.path}; echo begun; wait"
    peers = [stage.connect(), stage.connect()]
    for peer, what in zip(peers, ({"command": text}, {"argv": ["sh", "-c", text]}), strict=True):
        peer.send({"Exec": {"timeout_secs": 1, **what}})
    grandchildren = [int(bell.wait()) for _ in peers]
    for peer in peers:
        result = peer.read()["ExecResult"]
        assert (result["exit_code"], result["stdout"]) == (-1, "begun\n")
    until(lambda: grandchildren, lambda pids: all(map(is_gone, pids)))


def test_b11_several_unix_sockets_are_listened_on(stage: Stage) -> None:
    second = stage.directory / "second.sock"
    stage.start(f"--listen=unix:{second}")
    assert stage.ask("Ping") == "Pong"
    with Peer(second, 52) as peer:
        assert peer.ask("Ping") == "Pong"


def test_b11_the_socket_of_one_that_was_killed_is_taken_over(stage: Stage) -> None:
    stage.start()
    stage.process.kill()
    stage.process.wait()
    assert stage.guest.is_socket()
    stage.start()
    assert stage.ask("Ping") == "Pong"


def test_b11_what_is_no_socket_is_left_alone(stage: Stage) -> None:
    stage.guest.write_text("precious")
    stage.spawn(*stage.flags())
    assert stage.exit_code() == 1
    assert stage.guest.read_text() == "precious"
    assert str(stage.guest) in stage.log_text


def test_b12_a_policy_that_cannot_be_read_allows_nothing(stage: Stage) -> None:
    stage.start(*stage.allow_exec())
    assert stage.run("true")["exit_code"] == 0
    for text in (b"", b"{", b"[]", b"null", b'{"access": 1}', b"\xff", b'{"access": {"debug_exec": tru'):
        stage.policy.write_bytes(text)
        assert "Error" in stage.ask({"Exec": {"argv": ["true"]}}), text


HELLO = {"host_protocol_version": 1, "min_supported_version": 1, "host_version": "9", "requested_capabilities": ["x"]}


def test_b13_the_hello_may_be_said_and_need_not_be(stage: Stage) -> None:
    stage.start()
    peer = stage.connect(5252)
    ack = peer.ask({"ProtocolHello": HELLO})["ProtocolHelloAck"]
    assert ack.keys() == {"agent_protocol_version", "min_supported_version", "agent_version", "capabilities"}
    assert ack["agent_protocol_version"] == 1
    assert peer.ask("Ping") == "Pong"
    assert stage.connect(52).ask("Ping") == "Pong"


@pytest.mark.parametrize(("host", "oldest", "action"), [(0, 0, "upgrade_host"), (9, 7, "rebuild_guest")])
def test_b13_versions_that_do_not_meet_are_told_who_must_move(
    stage: Stage, host: int, oldest: int, action: str
) -> None:
    stage.start()
    versions = {"host_protocol_version": host, "min_supported_version": oldest}
    mismatch = stage.ask({"ProtocolHello": HELLO | versions})["ProtocolMismatch"]
    assert mismatch.keys() == {
        "host_protocol_version",
        "agent_protocol_version",
        "required_action",
        "message",
    }
    assert mismatch["required_action"] == action


def test_b14_who_asks_for_files_is_told_that_there_is_no_such_verb(stage: Stage) -> None:
    stage.start()
    peer = stage.connect()
    target = stage.directory / "file"
    fields = {"path": str(target), "content": [120], "mode": 420, "length": 1, "from": str(target), "to": "/x"}
    for verb in FILE_VERBS:
        assert verb in peer.ask({verb: fields})["Error"]["message"]
        assert peer.ask("Ping") == "Pong"
    assert not target.exists()


def test_b15_a_frame_that_is_too_large_gets_an_error_before_the_end(stage: Stage) -> None:
    stage.start()
    for length in (MAX_FRAME + 1, 2**31, 2**32 - 1):
        peer = stage.connect()
        peer.sock.sendall(struct.pack(">I", length))
        assert str(MAX_FRAME) in peer.read()["Error"]["message"]
        assert peer.rest() == b""


NO_REQUESTS = (
    b"",
    b"{",
    b"1",
    b"null",
    b"[]",
    b"{}",
    b'{"Ping":1}',
    b'{"Ping":{},"Wake":{}}',
    b"\xff",
    b"[" * 99_999,
    b'{"a":' * 40_000,
    b'"Nope"',
    b'"\\ud800"',
)


def test_b15_a_frame_that_is_not_understood_gets_an_error_and_the_connection_goes_on(stage: Stage) -> None:
    stage.start()
    peer = stage.connect()
    for body in NO_REQUESTS:
        peer.send_body(body)
        assert peer.read()["Error"]["message"], body[:64]
        assert peer.ask("Ping") == "Pong"


@needs_root
def test_b16_the_kernel_knows_who_connects(stage: Stage) -> None:
    stage.start()
    assert stage.guest.stat().st_mode & 0o777 == 0o600
    assert as_nobody(lambda: socket.socket(socket.AF_UNIX).connect_ex(str(stage.guest))) == 13  # EACCES


def test_b16_a_policy_that_asks_for_signatures_is_no_reason_to_do_without_the_rest(stage: Stage) -> None:
    stage.policy.write_text(json.dumps({"require_auth": False, "access": {"filesystem": True}}))
    stage.start("--exec", "--policy", str(stage.policy))
    assert "Error" in stage.ask({"Exec": {"argv": ["true"]}})


def test_b17_a_failure_within_the_grace_is_starting(stage: Stage) -> None:
    stage.integration("slow", health_cmd="exit 1", startup_grace_secs=3600)
    stage.integration("none", startup_grace_secs=3600)
    stage.start()
    report = stage.checked("slow")
    assert (report["status"], report["health"]["healthy"]) == ("starting", False)
    assert stage.integrations()["none"]["status"] in ("pending", "starting")


def test_b17_a_json_probe_that_prints_none_is_unhealthy(stage: Stage) -> None:
    printed = ("{", "", "1 2", '{"a": NaN}', "[" * 5000)
    for number, text in enumerate(printed):
        stage.probe(f"json-{number}", cmd=f"printf %s '{text}'", output_format="json")
    stage.start()
    for number, text in enumerate(printed):
        result = stage.probed(f"json-{number}")
        assert result["healthy"] is False, text
        assert "output" not in result


def test_b17_a_probe_has_a_timeout_of_its_own(stage: Stage) -> None:
    stage.probe("hung", cmd="sleep 1000", timeout_secs=1)
    stage.start()
    result = stage.probed("hung")
    assert (result["healthy"], result["detail"]) == (False, "timed out after 1 s")


def test_b17_the_configuration_file_is_read_and_a_named_one_must_be_there(stage: Stage) -> None:
    file = stage.directory / "agent.json"
    stage.spawn(*stage.flags(), "--config", str(file))
    assert stage.exit_code() == 1
    file.write_text('{"port": 52, "busy_threshold": "much"}')
    stage.spawn(*stage.flags(), "--config", str(file))
    assert stage.exit_code() == 1
    file.write_text('{"port": 52, "busy_threshold": 2.5, "sample_interval_secs": 1}')
    stage.start("--config", str(file))
    assert stage.ask("Ping") == "Pong"


INIT = """
import os, signal, sys
agent = os.fork()
if agent == 0:
    os.execv(sys.executable, [sys.executable, "-m", "cloche.agent", *sys.argv[2:]])
signal.signal(signal.SIGUSR1, lambda *_: open(sys.argv[1], "w").write("told\\n"))
os.waitpid(agent, 0)
"""


@needs_root
@needs_pid_namespace
def test_b17_after_a_restore_the_first_process_is_told(stage: Stage) -> None:
    bell = stage.bell()
    namespace = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    stage.end_signal = signal.SIGKILL  # of a namespace: all in it go with its first process
    stage.start("--owns-machine", command=(*namespace, sys.executable, "-c", INIT, str(bell.path)))
    stage.integration("new", health_cmd="true")
    answer = stage.ask("PostRestore")["PostRestoreAck"]
    assert answer.keys() == {"success", "detail"}
    assert answer["success"] is True
    assert bell.wait() == "told"
    assert stage.checked("new")["status"] == "active"


def cloche_agent(stage: Stage, verb: str, *more: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "cloche.cli.main", "agent", verb, "--socket", str(stage.guest), *more]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)


def test_b17_the_host_has_commands_for_it(stage: Stage) -> None:
    stage.probe("disk", cmd="echo full >&2; exit 1")
    stage.start(*stage.allow_exec())
    stage.probed("disk")
    assert cloche_agent(stage, "ping").returncode == 0
    status = json.loads(cloche_agent(stage, "status", "--json").stdout)
    assert "full" in json.dumps(status)
    assert cloche_agent(stage, "exec", "--", "sh", "-c", "exit 7").returncode == 7
