"""What the agent of a real session says of it, and what it runs in a real sandbox."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from cloche.concurrency.tasks import spawn
from cloche.sandbox.namespace import places
from cloche.testing.cdp import CdpClient, CdpClosedError
from cloche.testing.daemon import DaemonProcess
from cloche.testing.http import Answer

Json = dict[str, Any]

LOOK_AROUND = """
import json, os, socket
facts = {
    "uid": os.getuid(),
    "host": os.uname().nodename,
    "root": os.listdir("/"),
    "network": [name for _, name in socket.if_nameindex()],
    "environ": dict(os.environ),
    "processes": [int(name) for name in os.listdir("/proc") if name.isdigit()],
}
print(json.dumps(facts))
"""
ECHO = "import sys; sys.stdout.write(sys.stdin.read().upper()); sys.stderr.write(repr(sys.argv[1:])); sys.exit(7)"
UNTIL_TOLD = """
import os, sys, time
open(sys.argv[1] + ".here", "w").close()
while not os.path.exists(sys.argv[1]):
    time.sleep(0.02)
print("lived")
"""
IS_THERE = "import os, sys; sys.exit(0 if os.path.exists(sys.argv[1]) else 1)"
TOUCH = "import sys; open(sys.argv[1], 'w').close()"
HOW_MANY = """
import os, sys
def words(pid):
    try:
        return open(f"/proc/{pid}/cmdline", "rb").read().split(b"\\0")
    except OSError:
        return []
print(sum(sys.argv[1].encode() in words(p) for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()))
"""


async def get(daemon: DaemonProcess, session: Json, path: str) -> Json:
    answer = await daemon.request("GET", f"/v1/sessions/{session['id']}{path}")
    assert answer.status == 200, answer.body
    value: Json = answer.json
    return value


async def run(daemon: DaemonProcess, session: Json, program: str, *arguments: str, **more: Any) -> Json:
    """Run a Python program in the sandbox, with the interpreter that runs the agent there."""
    answer = await execute(daemon, session, {"argv": [places.PYTHON, "-c", program, *arguments], **more})
    assert answer.status == 200, answer.body
    result: Json = answer.json
    return result


async def execute(daemon: DaemonProcess, session: Json, body: Mapping[str, object]) -> Answer:
    return await daemon.request("POST", f"/v1/sessions/{session['id']}/agent/exec", body)


async def until_it_runs(daemon: DaemonProcess, session: Json, mark: str) -> None:
    """Wait until `UNTIL_TOLD` waits for the file `mark`."""
    async with asyncio.timeout(10):
        while (await run(daemon, session, IS_THERE, f"{mark}.here"))["exit_code"]:
            pass


@pytest.fixture
async def machine(shared_daemon: DaemonProcess) -> Json:
    """A session in which programs may be run."""
    return await shared_daemon.create_session(machine=True)


# --- what it says --------------------------------------------------------------------------------------------------


async def test_a_sessions_health_is_real_and_the_last_one_is_kept(shared_daemon: DaemonProcess, session: Json) -> None:
    fresh = await get(shared_daemon, session, "/health?fresh=true")
    last = await get(shared_daemon, session, "/health")

    assert (fresh["status"], fresh["browser_alive"], fresh["restarts"], fresh["age_s"]) == ("healthy", True, 0, 0)
    assert fresh["memory_mb"] > 10 and fresh["processes"] > 2 and fresh["cpu_seconds"] > 0
    assert 1 < fresh["pid"] < fresh["browser_pid"]
    assert last["observed_at"] >= fresh["observed_at"]
    if last["observed_at"] == fresh["observed_at"]:  # no heartbeat has come between them
        assert last["age_s"] > 0
        assert last | {"age_s": 0} == fresh


async def test_heartbeats_replace_the_last_health_without_asking(shared_daemon: DaemonProcess, session: Json) -> None:
    asked = await get(shared_daemon, session, "/health?fresh=true")
    async with asyncio.timeout(10):  # one comes every five seconds
        while (last := await get(shared_daemon, session, "/health"))["observed_at"] == asked["observed_at"]:
            pass
    assert last["uptime_seconds"] > asked["uptime_seconds"]


async def test_a_sessions_figures_are_real_and_summed_up_for_the_operator(
    shared_daemon: DaemonProcess, session: Json
) -> None:
    figures = await get(shared_daemon, session, "/metrics?fresh=true")
    assert figures["memory_total_mb"] * 2**20 == session["budget"]["memory_bytes"]
    assert figures["disk_total_mb"] * 2**20 == session["budget"]["disk_bytes"]
    assert 10 < figures["memory_used_mb"] < figures["memory_total_mb"]
    assert figures["open_files"] > 10
    exported = (await shared_daemon.request("GET", "/metrics")).body.decode()
    series = dict(line.rpartition(" ")[::2] for line in exported.splitlines() if not line.startswith("#"))

    assert float(series['cloche_session_memory_bytes{aggregate="sum"}']) > 10 << 20
    assert float(series['cloche_session_open_files{aggregate="max"}']) > 10
    assert session["id"] not in exported


async def test_an_agent_answers_a_ping_and_has_no_checks_of_its_own(
    shared_daemon: DaemonProcess, session: Json
) -> None:
    assert (await get(shared_daemon, session, "/agent/ping"))["pong"] is True
    status = await get(shared_daemon, session, "/agent")

    assert status["session_id"] == session["id"]
    assert status["health_summary"] == {"total": 0, "healthy": 0, "summary": "-"}
    assert (status["probes"], status["integrations"]) == ([], [])


async def test_a_session_is_at_work_while_a_client_is_attached(shared_daemon: DaemonProcess, cdp: Any) -> None:
    session = await idle_session(shared_daemon)
    await cdp(session["connect_url"])
    async with asyncio.timeout(5):
        while (status := await get(shared_daemon, session, "/agent"))["worker_status"] != "busy":
            pass

    assert status["last_busy_at"] is not None
    assert (await get(shared_daemon, session, "/health?fresh=true"))["worker_status"] == "busy"


async def idle_session(daemon: DaemonProcess) -> Json:
    """A session that is not busy with its own start, as one may be on a slow machine."""
    for _ in range(3):
        session = await daemon.create_session()
        if (await get(daemon, session, "/agent"))["worker_status"] == "idle":
            return session
    raise AssertionError("every session is busy with its own start")


# --- what it runs --------------------------------------------------------------------------------------------------


async def test_a_program_runs_inside_the_walls(shared_daemon: DaemonProcess, machine: Json) -> None:
    result = await run(shared_daemon, machine, LOOK_AROUND)
    seen = json.loads(result["stdout"])

    assert (result["exit_code"], result["stderr"]) == (0, "")
    assert (seen["uid"], seen["host"], seen["network"]) == (places.UID, places.HOSTNAME, ["lo"])
    assert "root" not in seen["root"] and "home" not in seen["root"]
    assert set(seen["environ"]) == {"PATH", "HOME", "LANG"}
    assert len(seen["processes"]) < 30, "it sees its own sandbox and not the host"


async def test_a_programs_arguments_input_and_end_are_its_own(shared_daemon: DaemonProcess, machine: Json) -> None:
    result = await run(shared_daemon, machine, ECHO, "a b", "$(id)", "'", stdin="é in\n")
    assert result == {"exit_code": 7, "stdout": "É IN\n", "stderr": repr(["a b", "$(id)", "'"])}


async def test_what_cannot_be_started_and_what_takes_too_long_is_told(
    shared_daemon: DaemonProcess, machine: Json
) -> None:
    missing = (await execute(shared_daemon, machine, {"argv": ["no-such-program"]})).json
    slow = await run(shared_daemon, machine, "import time; time.sleep(600)", timeout_s=1)

    assert (missing["exit_code"], slow["exit_code"]) == (-1, -1)
    assert "could not be started" in missing["stderr"] and "killed" in slow["stderr"]


@pytest.mark.promise("exec-is-off-unless-asked-for")
async def test_nothing_runs_in_a_session_that_was_not_made_for_it(
    shared_daemon: DaemonProcess, session: Json, events: Any
) -> None:
    assert session["machine"] is False
    answer = await execute(shared_daemon, session, {"argv": [places.PYTHON, "-c", "0"]})
    assert (answer.status, answer.json["code"], answer.json["reason"]) == (403, "denied", "exec_off")
    assert not [one for one in await events.until(session, bool) if one["type"] == "agent.exec"]


@pytest.mark.promise("exec-is-off-unless-asked-for")
async def test_only_an_admins_key_makes_a_session_for_programs(shared_daemon: DaemonProcess, machine: Json) -> None:
    assert machine["machine"] is True
    key = (await shared_daemon.request("POST", "/v1/keys", {"principal": "ann"})).json
    refused = await shared_daemon.request("POST", "/v1/sessions", {"machine": True}, key=key["secret"])
    foreign = await shared_daemon.request(
        "POST", f"/v1/sessions/{machine['id']}/agent/exec", {"argv": ["x"]}, key=key["secret"]
    )
    await shared_daemon.request("DELETE", f"/v1/keys/{key['id']}")

    assert (refused.status, refused.json["code"], refused.json["reason"]) == (403, "denied", "machine_not_allowed")
    assert foreign.status == 404


async def test_what_ran_leaves_who_and_how_and_nothing_of_what(
    shared_daemon: DaemonProcess, machine: Json, events: Any
) -> None:
    await run(shared_daemon, machine, "print('out-of-it')", "with-a-secret", stdin="read-this")
    data = await events.wait(machine, "agent.exec")

    assert data == {"by": "admin", "exit_code": 0}
    for word in ("out-of-it", "with-a-secret", "read-this"):
        assert word not in shared_daemon.log_tail(1000)


async def test_a_browser_that_restarts_leaves_a_running_program_alone(
    shared_daemon: DaemonProcess, machine: Json, cdp: Any, events: Any
) -> None:
    mark = "/tmp/let-it-go"
    running = spawn(run(shared_daemon, machine, UNTIL_TOLD, mark), name="run")
    await until_it_runs(shared_daemon, machine, mark)
    client: CdpClient = await cdp(machine["connect_url"])
    with contextlib.suppress(CdpClosedError):
        await client.send("Browser.crash")
    await events.wait(machine, "browser.ready", lambda data: data["restarts"] == 1)
    assert not running.done()
    await run(shared_daemon, machine, TOUCH, mark)

    assert (await running) == {"exit_code": 0, "stdout": "lived\n", "stderr": ""}


async def test_a_client_that_hangs_up_ends_its_program(shared_daemon: DaemonProcess, machine: Json) -> None:
    mark = "/tmp/nobody-waits"
    url = urlsplit(shared_daemon.base_url)
    _, writer = await asyncio.open_connection(url.hostname, url.port)
    body = json.dumps({"argv": [places.PYTHON, "-c", UNTIL_TOLD, mark], "timeout_s": 600})
    head = (
        f"POST /v1/sessions/{machine['id']}/agent/exec HTTP/1.1\r\nHost: localhost\r\n"
        f"X-API-Key: {shared_daemon.key}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write((head + body).encode())
    await until_it_runs(shared_daemon, machine, mark)
    writer.transport.abort()
    async with asyncio.timeout(5):
        while (await run(shared_daemon, machine, HOW_MANY, mark))["stdout"] != "0\n":
            pass


async def test_the_next_daemon_runs_programs_where_the_last_one_did_and_nowhere_else(
    daemon: DaemonProcess,
) -> None:
    made, plain = await daemon.create_session(machine=True), await daemon.create_session()
    await daemon.kill9()
    await daemon.restart()

    assert (await get(daemon, made, ""))["machine"] is True
    assert (await run(daemon, made, ECHO, stdin="x"))["stdout"] == "X"
    assert (await execute(daemon, plain, {"argv": [places.PYTHON, "-c", "0"]})).status == 403
    assert (await get(daemon, plain, "/health"))["status"] == "healthy"
