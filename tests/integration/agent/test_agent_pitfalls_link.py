"""Pitfalls of the published agents that this one must not share, the last part: hosts, names and compatibility.

P16  A host could flood, stall or confuse the agent, and file names and other people's processes could too.
P17  Keys stood in addresses and logs; addresses are the daemon's matter, here is what the agent is told.
P18  What a compatible agent must do.
"""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from .stage import Stage, needs_vsock, process, until

MIB = 1 << 20
MEMORY_MAX_KIB = 64 * 1024
CPU_MAX_S = 0.3


def _peak_memory_kib(stage: Stage) -> int:
    status = Path(f"/proc/{stage.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


FLOODS = (
    b"x" * (8 * MIB),
    b"[" * (4 * MIB),
    b'{"id":"' + b"x" * (8 * MIB),
    b'{"a":' * (MIB // 4),
    b"\n" * (8 * MIB),
    b"{}" * 20_000,
    b'{"id":"1","type":"health_check"}' * 5_000,
)


def test_p16_a_host_that_floods_does_not_fill_the_agent(stage: Stage) -> None:
    link = stage.start()
    for flood in FLOODS:
        link.flood(flood)
        assert stage.ask("Ping") == "Pong"
        assert _peak_memory_kib(stage) < MEMORY_MAX_KIB, flood[:16]


def test_p16_a_host_that_asks_and_never_reads_holds_up_nobody_but_itself(stage: Stage) -> None:
    link = stage.start()
    link.sock.setblocking(False)
    with suppress(BlockingIOError):
        while True:
            link.sock.send(b'{"id":"1","type":"collect_metrics"}\n' * 100)
    for number in range(500):
        (stage.workspace / f"file-{number}").touch()
    assert stage.ask("Ping") == "Pong"
    assert _peak_memory_kib(stage) < MEMORY_MAX_KIB
    stage.process.send_signal(signal.SIGTERM)
    assert stage.exit_code() == 0


GARBAGE = [
    b"}\n",
    b"not json\n",
    b"1\n",
    b"null\n",
    b"\xff\xfe\n",
    b"[" * 9999 + b"\n",
    b'{"id": 7, "type": "health_check"}\n',
    b'{"id": "x"}\n',
    b'{"id": "x", "type": "nope"}\n',
    b'{"id": "x", "type": "health_check", "payload": []}\n',
    b'{"id": "x", "type": "activity", "payload": {"clients": -1, "actions": 0}}\n',
    b'{"id": "x", "type": "watch", "payload": {"enabled": "no"}}\n',
    b'{"id": "x", "type": "lease", "payload": {"ttl_s": 1e999}}\n',
]


def test_p16_malformed_and_unknown_commands_are_told_and_survived(stage: Stage) -> None:
    link = stage.start()
    for garbage in GARBAGE:
        link.sock.sendall(garbage)
        assert link.read_until("error")["payload"]["code"] == "bad_command", garbage[:64]
        assert link.ask("health_check", "after")["type"] == "health_response", garbage[:64]


@pytest.mark.parametrize("manner", ["gone", "hanging up", "not accepting"])
def test_p16_a_host_that_disconnects_makes_no_busy_loop(stage: Stage, manner: str) -> None:
    link = stage.start()
    if manner == "gone":
        stage.vanish()
    before = stage.cpu_s()
    link.close()
    if manner == "hanging up":
        for _ in range(5):
            stage.accept().close()
    with pytest.raises(subprocess.TimeoutExpired):
        stage.process.wait(1.0)
    assert stage.cpu_s() - before < CPU_MAX_S
    if manner == "gone":
        stage.listen()
    while True:  # it has dialed again, and perhaps more than once
        with suppress(EOFError, ConnectionError):
            assert stage.accept().ask("health_check")["type"] == "health_response"
            break


NAMES = ["line\nbreak", "\x1b[31mred", "quote\"'", "back\\slash", "\u202eevil", "🙂", " ", "x" * 255]


def test_p16_file_names_stay_one_line_of_json(stage: Stage) -> None:
    link = stage.start()
    link.read_until("fs_event", path=".")
    for name in NAMES:
        (stage.workspace / name).touch()
    found = {link.read_until("fs_event", operation="create")["payload"]["path"] for _ in NAMES}
    assert found == set(NAMES)


def test_p16_a_name_that_is_no_text_is_told_in_full_and_breaks_nothing(stage: Stage) -> None:
    name = b"\xff\xfe\xc3"
    link = stage.start()
    link.read_until("fs_event", path=".")
    Path(os.fsdecode(os.fsencode(stage.workspace) + b"/" + name)).touch()
    (stage.workspace / "after").touch()
    told = link.read_until("fs_event", operation="create")["payload"]["path"]
    assert told.encode("utf-8", "surrogateescape") == name
    link.read_until("fs_event", operation="create", path="after")


def test_p16_links_are_entries_and_lead_nowhere(stage: Stage) -> None:
    outside = stage.directory / "outside"
    outside.mkdir()
    (outside / "secret").touch()
    (stage.workspace / "before").symlink_to(outside)
    link = stage.start()
    link.read_until("fs_event", path=".")
    (stage.workspace / "later").symlink_to(outside)
    (outside / "secret-too").touch()
    (stage.workspace / "last").touch()
    events = []
    while not events or events[-1]["path"] != "last":
        events.append(link.read_until("fs_event")["payload"])
    told = {event["path"]: event["is_dir"] for event in events}
    assert told == {"before": False, "later": False, "last": False}


def test_p16_a_process_that_sounds_like_a_browser_is_none(stage: Stage) -> None:
    sleeper = "import signal; signal.pause()"
    pid_file = stage.directory / "browser.pid"
    with process(sys.executable, "-c", sleeper, "chrome", "chromium"), process(sys.executable, "-c", sleeper) as real:
        pid_file.write_text(str(real.pid))
        link = stage.start(f"--browser-pid-file={pid_file}", "--workspace", str(stage.workspace / "chrome"))
        alive = link.ask("health_check")["payload"]
        assert (alive["browser_alive"], alive["browser_pid"]) == (True, real.pid)
        real.kill()
        real.wait()
        dead = until(lambda: link.ask("health_check")["payload"], lambda health: not health["browser_alive"])
        assert dead["status"] == "unhealthy"


def test_p16_nothing_a_host_says_on_the_link_executes_anything(stage: Stage) -> None:
    link = stage.start(*stage.allow_exec())
    answer = link.ask("Exec", "e", argv=["touch", str(stage.directory / "ran")])
    assert answer["type"] == "error"
    assert not (stage.directory / "ran").exists()


def test_p17_what_the_agent_is_trusted_with_stands_nowhere(stage: Stage) -> None:
    secret = "hunter2-hunter2"
    link = stage.supervise("good", token=secret, log_level="debug")
    assert link.read_until("register")["payload"]["token"] == secret
    browser = link.read_until("browser", state="ready")["payload"]["pid"]
    for pid in (stage.process.pid, browser):
        for name in ("cmdline", "environ"):
            assert secret.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
    assert secret not in json.dumps(link.ask("no_such_thing"))
    assert secret not in stage.log_text


HEALTH = {"status", "browser_alive", "cpu_percent", "memory_mb", "uptime_seconds", "pid"}
METRICS = {"cpu_percent", "memory_used_mb", "memory_total_mb", "disk_used_mb", "disk_total_mb"}
METRICS |= {"network_rx_mb", "network_tx_mb", "open_files", "goroutines"}


def test_p18_a_the_link_speaks_the_published_keys(stage: Stage) -> None:
    (stage.workspace / "file").touch()
    link = stage.start("--heartbeat-interval=20ms", "--metrics-interval=20ms")
    assert link.read_until("heartbeat")["payload"].keys() >= HEALTH
    assert link.read_until("fs_event")["payload"].keys() == {"path", "operation", "is_dir"}
    metrics = link.read_until("metrics")["payload"]
    assert metrics.keys() == METRICS
    assert type(metrics["goroutines"]) is type(metrics["open_files"]) is int
    # Objects back to back, apart by anything or nothing.
    link.sock.sendall(b'{"id":"1","type":"health_check"}{"id":"2","type":"collect_metrics","payload":null}\r\n \t')
    assert link.read_until("health_response")["request_id"] == "1"
    assert link.read_until("metrics_response")["request_id"] == "2"


def test_p18_b_frames_carry_nulls_and_leave_out_nothing_but_a_probes_output(stage: Stage) -> None:
    stage.integration("db")
    stage.probe("disk", cmd="true")
    stage.start("--busy-threshold=1000")
    status = stage.connect(52).ask("WorkerStatus")
    assert status == {"WorkerStatus": {"status": "idle", "last_busy_at": None}}
    assert stage.integrations()["db"] == {
        "name": "db",
        "status": "pending",
        "last_checkpoint_at": None,
        "state_size_bytes": 0,
        "health": None,
    }
    assert stage.probed("disk").keys() == {"name", "healthy", "detail", "checked_at"}


def test_p18_b_every_time_is_written_the_published_way(stage: Stage) -> None:
    stage.probe("disk", cmd="true")
    stage.integration("db", health_cmd="true", checkpoint_cmd="true")
    link = stage.start("--busy-threshold=1000")
    link.send("activity", clients=0, actions=1)
    link.ask("health_check")
    stage.ask({"CheckpointIntegrations": {"integrations": []}})
    times = [
        stage.probed("disk")["checked_at"],
        stage.checked("db")["health"]["checked_at"],
        stage.integrations()["db"]["last_checkpoint_at"],
        stage.ask("WorkerStatus")["WorkerStatus"]["last_busy_at"],
    ]
    assert [len(time) for time in times] == [20] * 4
    assert all(time[10] == "T" and time.endswith("Z") for time in times)


@needs_vsock
@pytest.mark.parametrize("way", ["listen", "port"])
def test_p18_c_the_vsock_port_is_anyones_choice(stage: Stage, way: str) -> None:
    port = 20_000 + os.getpid() % 20_000
    flag = f"--listen=vsock:{port}" if way == "listen" else f"--port={port}"
    stage.start(flag)
    with socket.socket(socket.AF_VSOCK) as other, pytest.raises(OSError, match="in use"):
        other.bind((socket.VMADDR_CID_ANY, port))
        other.listen()
    second = Stage()
    try:
        second.spawn(*second.flags(), flag)
        assert second.exit_code() == 1
        assert f"vsock:{port}" in second.log_text
    finally:
        second.close()


def test_p18_d_hosts_with_and_without_a_hello_are_served(stage: Stage) -> None:
    stage.start()
    assert stage.connect(52).ask("Ping") == "Pong"
    peer = stage.connect(5252)
    versions = {"host_protocol_version": 1, "min_supported_version": 1}
    unknown = {"host_version": "1", "requested_capabilities": ["ping", "of-tomorrow"]}
    assert "ProtocolHelloAck" in peer.ask({"ProtocolHello": versions | unknown})
    assert peer.ask("Ping") == "Pong"


def test_p18_e_a_probe_takes_both_keys(stage: Stage) -> None:
    stage.probe("as-read", cmd="true")
    stage.probe("as-documented", command="true")
    stage.start()
    assert stage.probed("as-read")["healthy"] is True
    assert stage.probed("as-documented")["healthy"] is True


def test_p16_beats_go_on_when_descriptors_that_had_run_out_are_free_again(stage: Stage) -> None:
    link = stage.start("--no-watch", "--heartbeat-interval", "20ms", "--metrics-interval", "20ms")
    pid = stage.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, before[1]))
    until(lambda: stage.log_text, lambda text: '"heartbeat"' in text and '"metrics"' in text)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    link.send("health_check")
    link.read_until("health_response")  # what comes after it is new
    for type_ in ("heartbeat", "metrics"):
        assert link.read_until(type_)
