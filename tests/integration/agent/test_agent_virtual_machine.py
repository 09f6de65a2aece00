"""The agent where it is meant to be: in a virtual machine of its own, asked over vsock, put to sleep and restored.

The machine is emulated, so it is slow; it asks itself over vsock's loopback, where the peer's context id is 1.
"""

import json
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloche.testing.virtual_machine import initramfs, surroundings
from cloche.testing.virtual_machine.machine import PATIENCE_S, VirtualMachine

from .stage import until

INIT = Path(__file__).parents[2] / "data" / "virtual_machine" / "init.py"
MODULES = ("vsock_loopback", "virtio_blk", "virtio_pci")
PORT = 52
PORT_OF_THE_HOST = 5252
TRACE = "/run/trace"
NOBODY = 65534
AN_HOUR_S = 3600
SETTLING_S = 60
"""So long after its start an agent takes a wall clock that is set for nothing but that."""

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(surroundings.lacking()), reason=surroundings.lacking()),
]

LOOK_AT_WORK_S = 2.5

Value = Any
SLEEP = {"SleepPrep": {"drain_timeout_secs": 30}}
READY = "ready; 1 integration checkpointed; caches dropped"


class Guest:
    """A machine that runs, and an agent in it."""

    def __init__(self, machine: VirtualMachine) -> None:
        self.machine = machine
        self.do = machine.do

    def integration(self, name: str, **keys: Value) -> None:
        self._drop_in("integrations.d", {"name": name, **keys})

    def probe(self, name: str, **keys: Value) -> None:
        self._drop_in("probes.d", {"name": name, **keys})

    def service(self) -> None:
        """An integration that leaves a trace of what it was told."""
        when = {f"{when}_cmd": f"echo {when} >> {TRACE}" for when in ("checkpoint", "restore")}
        self.integration("db", health_cmd="true", health_interval_secs=1, **when)

    def start(self, *flags: str) -> None:
        listen = (f"--listen=vsock:{PORT},peer=any", f"--listen=vsock:{PORT_OF_THE_HOST}")
        self.do("run_agent", name="agent", arguments=[*listen, "--sample-interval=1s", *flags])
        self.do("reach", port=PORT)

    def ask(self, *requests: Value) -> Value:
        """Ask on a new connection; return the last answer."""
        return self.do("ask", port=PORT, requests=requests)[-1]

    def db(self) -> Value:
        (report,) = self.ask("IntegrationStatus")["IntegrationStatusReport"]["integrations"]
        return report

    def is_checked(self) -> Value:
        return self.until(self.db, lambda report: report["status"] == "active")

    def is_checked_since(self, report: Value) -> Value:
        """Wait for a check that is newer than this report's."""
        before = report["health"]["checked_at"]
        return self.until(self.db, lambda now: now["status"] == "active" and now["health"]["checked_at"] > before)

    def worker_status(self) -> str:
        status: str = self.ask("WorkerStatus")["WorkerStatus"]["status"]
        return status

    def trace(self) -> list[str]:
        text: str = self.do("read", path=TRACE)
        return text.split()

    def log(self, message: str) -> list[Value]:
        """The agent's log lines with this message."""
        lines = map(json.loads, self.do("read", path="/run/agent.log").splitlines())
        return [line for line in lines if line["msg"] == message]

    def figure(self, path: str, name: str) -> int:
        """One number of a file in /proc that has a line for each."""
        words = (line.replace(":", " ").split() for line in self.do("read", path=path).splitlines())
        return next(int(value) for key, value, *_ in words if key == name)

    def becomes(self, status: str) -> bool:
        """Wait for a worker status, looking seldom: whoever asks keeps the machine busy."""
        deadline = time.monotonic() + PATIENCE_S
        while (seen := self.worker_status()) != status:
            assert time.monotonic() < deadline, f"still {seen}"
            threading.Event().wait(LOOK_AT_WORK_S)
        return True

    @staticmethod
    def until(look: Callable[[], Value], is_so: Callable[[Value], Value]) -> Value:
        return until(look, is_so, SETTLING_S + PATIENCE_S)

    def _drop_in(self, folder: str, content: Value) -> None:
        self.do("write", path=f"/etc/cloche/{folder}/{content['name']}.json", text=json.dumps(content))


@pytest.fixture(scope="module")
def boot() -> Iterator[Callable[..., VirtualMachine]]:
    """Make a machine that has yet to be entered, in a directory of its own that is gone in the end."""
    home = Path(tempfile.mkdtemp(prefix="virtual-machine-"))
    kernel, image = surroundings.kernel(), home / "initramfs"
    image.write_bytes(initramfs.build(INIT, surroundings.modules_in_order(kernel, MODULES)))

    def make(name: str, **options: Any) -> VirtualMachine:
        (home / name).mkdir(exist_ok=True)
        return VirtualMachine(kernel, image, home / name, **options)

    yield make
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def machine(boot: Callable[..., VirtualMachine]) -> Iterator[VirtualMachine]:
    with boot("shared") as machine:
        yield machine


@pytest.fixture
def guest(machine: VirtualMachine) -> Iterator[Guest]:
    """The shared machine with no agent in it yet; one that a test starts must have gone its way without a stumble."""
    guest = Guest(machine)
    yield guest
    try:
        assert guest.do("end", name="agent", number=signal.SIGTERM) == 0, guest.do("read", path="/run/agent.log")
        assert not guest.log("task failed")
    finally:
        guest.do("reset", paths=["/etc/cloche", TRACE, "/run/agent.log", "/run/host.sock", "/run/workspace"])


def test_it_answers_over_vsock(guest: Guest) -> None:
    guest.service()
    guest.probe("memory", cmd="cat /proc/meminfo >&2", interval_secs=1)
    guest.probe("count", cmd="echo 3", output_format="json", interval_secs=1)
    guest.start()
    assert guest.ask("Ping") == "Pong"
    hello = guest.ask({"ProtocolHello": {"host_protocol_version": 1, "min_supported_version": 1}})
    assert hello["ProtocolHelloAck"]["agent_protocol_version"] == 1
    assert guest.worker_status() in ("idle", "busy", "unknown")
    assert guest.is_checked()["health"]["healthy"] is True
    probes = guest.until(lambda: guest.ask("ProbeStatus")["ProbeStatusReport"]["probes"], lambda seen: len(seen) == 2)
    assert {probe["name"]: probe.get("output") for probe in probes} == {"memory": None, "count": 3}
    assert all(probe["healthy"] for probe in probes)


def test_only_the_host_is_served_unless_others_are_named(guest: Guest) -> None:
    guest.start()
    refused, end = guest.do("listen_to", port=PORT_OF_THE_HOST)
    assert refused == {"Error": {"message": "this user is not served here"}}
    assert end is None
    assert guest.log("guest peer refused")[0]["listener"] == f"vsock:{PORT_OF_THE_HOST}"


def test_one_connection_takes_many_requests(guest: Guest) -> None:
    guest.start()
    assert guest.do("ask", port=PORT, requests=["Ping", "Nonsense"] * 150)[::2] == ["Pong"] * 150


def test_as_many_are_served_at_once_as_there_are_places(guest: Guest) -> None:
    guest.start()
    assert guest.do("crowd", port=PORT, count=64, request="Ping") == ["Pong"] * 64
    first, second = guest.do("stay", port=PORT, count=80, request="Ping")
    assert first == ["Pong"] * 80
    # Those that have waited longest made room, and find why.
    gone = {"Error": {"message": "another peer has taken this connection's place"}}
    assert second == [gone] * 16 + ["Pong"] * 64


def test_a_peer_that_ends_its_sending_still_gets_its_answer(guest: Guest) -> None:
    guest.start()
    assert guest.do("ask_last", port=PORT, request="Ping") == ["Pong", None]


def test_a_frame_that_is_too_large_is_answered_and_is_the_end(guest: Guest) -> None:
    guest.start()
    refused, end = guest.do("send_raw", port=PORT, data=(262145).to_bytes(4, "big").hex())
    assert "262144" in refused["Error"]["message"]
    assert end is None


def allow_exec(guest: Guest) -> tuple[str, ...]:
    guest.do("write", path="/etc/cloche/policy.json", text=json.dumps({"access": {"debug_exec": True}}))
    return ("--exec", "--policy=/etc/cloche/policy.json")


def test_an_answer_as_large_as_a_frame_comes_whole(guest: Guest) -> None:
    guest.start(*allow_exec(guest))
    # The machine has few tools: the shell counts, and the agent's own frames are the limit.
    count = (
        "i=0; while [ $i -lt 4000 ]; do echo 'fifty characters of output and a newline after them'; i=$((i+1)); done"
    )
    result = guest.ask({"Exec": {"command": count, "timeout_secs": 60}})["ExecResult"]
    assert result["exit_code"] == 0
    assert len(result["stdout"]) > 100_000


def test_a_command_ends_when_the_host_hangs_up(guest: Guest) -> None:
    guest.start(*allow_exec(guest))
    command = {"Exec": {"command": f"echo $$ > {TRACE}; sleep 1000", "timeout_secs": 900}}
    pid = guest.do("ask_and_leave", port=PORT, request=command, path=TRACE).strip()
    guest.until(lambda: guest.do("exists", path=f"/proc/{pid}"), lambda exists: not exists)
    assert guest.ask("Ping") == "Pong"


def test_sleep_brings_to_the_disk_what_was_only_in_memory(guest: Guest) -> None:
    guest.service()
    guest.start()
    guest.is_checked()
    # Held open: the kernel writes a block device out when the last one closes it, whoever sleeps.
    assert guest.do("hold_file", path="/dev/vda", name="disk", read_bytes=8 << 20) == 8 << 20
    guest.do("write_held", name="disk", text="what must not be lost", offset=4096)
    on_disk = guest.machine.disk.read_bytes
    assert b"what must not be lost" not in on_disk()
    cached_kb = guest.figure("/proc/meminfo", "Buffers")
    drops = guest.figure("/proc/vmstat", "drop_pagecache")
    assert guest.ask(SLEEP) == {"SleepPrepAck": {"success": True, "detail": READY}}
    assert b"what must not be lost" in on_disk()
    assert guest.figure("/proc/vmstat", "drop_pagecache") == drops + 1
    assert cached_kb > 8000 > 1000 > guest.figure("/proc/meminfo", "Buffers")
    assert guest.trace() == ["checkpoint"]


def test_a_disk_that_hangs_refuses_the_sleep_and_holds_up_nothing_else(guest: Guest) -> None:
    guest.service()
    guest.start()
    guest.is_checked()
    guest.do("hold_file", path="/dev/vda", name="disk")
    with guest.machine.hanging_disk():
        for block in range(8):  # far apart, so that they are no one write
            guest.do("write_held", name="disk", text="waits", offset=block << 20)
        hurried = {"SleepPrep": {"drain_timeout_secs": 1}}
        refused = guest.ask(hurried)["SleepPrepAck"]
        assert refused == {"success": False, "detail": "not synced: not done in time"}
        again = guest.ask(hurried)["SleepPrepAck"]
        assert again == {"success": False, "detail": "not synced: an earlier one has not ended"}
        guest.until(guest.trace, lambda trace: trace == ["checkpoint", "restore"] * 2)
        assert guest.is_checked()["health"]["healthy"] is True
    assert guest.ask(SLEEP) == {"SleepPrepAck": {"success": True, "detail": READY}}
    assert guest.machine.disk.read_bytes().count(b"waits") == 8


def test_a_machine_that_is_stopped_meanwhile_wakes_when_it_is_told(guest: Guest) -> None:
    guest.service()
    guest.start()
    guest.is_checked()
    assert guest.ask(SLEEP)["SleepPrepAck"]["success"] is True
    asleep = guest.db()
    assert asleep["status"] == "paused"
    guest.machine.stop()
    guest.machine.go_on()
    assert guest.db() == asleep
    assert guest.ask("Wake") == {"WakeAck": {"success": True}}
    assert guest.trace() == ["checkpoint", "restore"]
    guest.is_checked_since(asleep)


def test_a_machine_that_was_suspended_wakes_by_itself(guest: Guest) -> None:
    guest.service()
    guest.start()
    guest.is_checked()
    guest.do("hold", name="old", port=PORT)
    assert guest.ask(SLEEP)["SleepPrepAck"]["success"] is True
    asleep = guest.db()
    passed = guest.do("suspend", seconds=5)
    assert passed["boottime"] - passed["monotonic"] > 2
    guest.until(guest.trace, lambda trace: trace == ["checkpoint", "restore"])
    guest.is_checked_since(asleep)
    assert guest.log("the machine was stopped")[0]["sign"].startswith("suspended for")
    assert guest.do("held", name="old", request="Ping") is None
    assert guest.ask("Wake") == {"WakeAck": {"success": True}}
    assert guest.trace() == ["checkpoint", "restore"]


def test_a_machine_that_is_suspended_without_a_word_makes_its_connections_anew(guest: Guest) -> None:
    guest.service()
    guest.do("listen", name="host", path="/run/host.sock")
    guest.start("--session-id=s-1", "--socket=/run/host.sock", "--workspace=/run/workspace")
    assert guest.do("accept", name="link", listener="host")["type"] == "register"
    checked = guest.is_checked()
    guest.do("suspend", seconds=5)
    assert guest.do("accept", name="link again", listener="host")["type"] == "register"
    guest.is_checked_since(checked)
    assert not guest.do("exists", path=TRACE)


def test_an_agent_that_was_killed_is_followed_by_the_next_at_once(guest: Guest) -> None:
    guest.start()
    guest.do("hold", name="old", port=PORT)
    assert guest.do("end", name="agent") == -signal.SIGKILL
    guest.start()
    assert guest.do("held", name="old", request="Ping") is None
    assert guest.ask("Ping") == "Pong"


def test_the_first_process_is_told_of_a_restore(guest: Guest) -> None:
    guest.start()
    told = guest.do("told")
    guest.integration("new", health_cmd="true")
    answer = guest.ask("PostRestore")["PostRestoreAck"]
    assert answer == {"success": True, "detail": "awake; pid 1 is told"}
    guest.until(lambda: guest.do("told"), lambda now: now == told + 1)
    assert guest.db()["name"] == "new"


def test_what_the_agent_may_not_do_it_says(guest: Guest) -> None:
    """As nobody: no caches dropped, no word to pid 1, no port below 1024."""
    guest.do("run_agent", name="refused", arguments=[f"--listen=vsock:{PORT}"], user=NOBODY)
    assert guest.do("wait", name="refused") == 1
    assert guest.do("read", path="/run/refused.log") == f"cannot listen on vsock:{PORT}: Permission denied\n"
    guest.do("run_agent", name="agent", arguments=["--listen=vsock:1052,peer=any"], user=NOBODY)
    guest.do("reach", port=1052)
    slept, restored = guest.do("ask", port=1052, requests=[SLEEP, "PostRestore"])
    assert slept == {"SleepPrepAck": {"success": True, "detail": "ready; caches not dropped: Permission denied"}}
    detail = "awake; pid 1 cannot be told: Operation not permitted"
    assert restored == {"PostRestoreAck": {"success": False, "detail": detail}}


def test_all_that_the_machine_does_makes_the_worker_busy(guest: Guest) -> None:
    """Also the work of what is no child of the agent's: the machine is the session's own."""
    guest.start()
    assert guest.becomes("idle")
    guest.do("start", name="work", argv=["/bin/sh", "-c", "while :; do :; done"])
    assert guest.becomes("busy")
    guest.do("end", name="work")
    assert guest.becomes("idle")


def test_the_link_tells_of_the_whole_machine_and_is_dialled_anew_after_sleep(guest: Guest) -> None:
    guest.do("listen", name="host", path="/run/host.sock")
    guest.start("--session-id=s-1", "--socket=/run/host.sock", "--metrics-interval=1s", "--workspace=/run/workspace")
    assert guest.do("accept", name="link", listener="host")["type"] == "register"
    metrics = guest.do("read_until", name="link", type="metrics")["payload"]
    machine_mb = guest.figure("/proc/meminfo", "MemTotal") / 1024
    assert metrics["memory_total_mb"] == pytest.approx(machine_mb, abs=1)
    assert guest.do("read_until", name="link", type="heartbeat")["payload"]["worker_status"] in ("idle", "busy")
    assert guest.ask(SLEEP)["SleepPrepAck"]["success"] is True
    assert guest.ask("Wake") == {"WakeAck": {"success": True}}
    assert guest.do("accept", name="link again", listener="host")["type"] == "register"
    assert guest.do("read_until", name="link again", type="heartbeat")["payload"]["pid"] > 1


def test_it_goes_on_in_another_machine_that_its_snapshot_became(boot: Callable[..., VirtualMachine]) -> None:
    with boot("snapshot") as machine:
        guest, snapshot = Guest(machine), machine.disk.with_name("snapshot")
        guest.service()
        guest.start()
        guest.is_checked()
        guest.do("hold", name="old", port=PORT)
        assert guest.ask(SLEEP) == {"SleepPrepAck": {"success": True, "detail": READY}}
        asleep = guest.db()
        machine.stop()
        machine.save(snapshot)
    for _ in range(2):  # a snapshot is not used up by a restore
        with boot("snapshot", snapshot=snapshot) as machine:
            goes_on(Guest(machine), asleep)


def goes_on(guest: Guest, asleep: Value) -> None:
    guest.machine.go_on()
    assert guest.db() == asleep
    assert guest.trace() == ["checkpoint"]
    answer = guest.ask("PostRestore")["PostRestoreAck"]
    assert answer == {"success": True, "detail": "awake; 1 integration restored; pid 1 is told"}
    guest.until(lambda: guest.do("told"), lambda told: told == 1)
    assert guest.ask("Wake") == {"WakeAck": {"success": True}}
    assert guest.trace() == ["checkpoint", "restore"]
    assert guest.do("held", name="old", request="Ping") is None
    guest.is_checked_since(asleep)
    assert guest.becomes("idle")
    assert not guest.log("task failed")


def test_a_restored_machine_whose_clock_is_set_wakes_by_itself(boot: Callable[..., VirtualMachine]) -> None:
    with boot("clock") as machine:
        guest, snapshot = Guest(machine), machine.disk.with_name("snapshot")
        guest.service()
        guest.start()
        guest.is_checked()
        started = guest.do("clocks")["boottime"]
        guest.until(lambda: guest.do("clocks")["boottime"], lambda now: now > started + SETTLING_S)
        assert guest.ask(SLEEP)["SleepPrepAck"]["success"] is True
        machine.stop()
        machine.save(snapshot)
    with boot("clock", snapshot=snapshot) as machine:
        machine.go_on()
        guest = Guest(machine)
        assert guest.db()["status"] == "paused"
        guest.do("set_clock", wall=guest.do("clocks")["wall"] + AN_HOUR_S)
        guest.until(guest.trace, lambda trace: trace == ["checkpoint", "restore"])
        assert guest.is_checked()["health"]["healthy"] is True
        assert guest.log("the machine was stopped")[0]["sign"].startswith("the clock was set forward by 3")
