"""Programs, parts, logs and the browser of a session over real HTTP, with a machine in memory behind it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx2
import pytest

from cloche.concurrency.tasks import spawn
from cloche.errors import BusyError, ClocheError, ConflictError, DeniedError, GoneError, InvalidError, NotFoundError
from cloche.sessions.interface import MachineRequest
from cloche.sessions.model import EndReason, EventType
from cloche.sessions.principal import Role
from cloche.testing.api import RunningApi, running_api
from cloche.testing.machine import Scripted
from cloche.wire.machine import MAX_OUTPUT_BYTES

PID = str(UUID(int=7, version=4))
RAN = {
    "process_id": PID,
    "exit_code": 0,
    "signal": None,
    "timed_out": False,
    "stdout_b64": "aGk=",
    "stderr_b64": "",
    "stdout_truncated": False,
    "stderr_truncated": False,
    "duration_ms": 3.5,
}
STATUS = {
    "process_id": PID,
    "pid": 12,
    "command": "sleep",
    "args": ["9"],
    "args_count": 1,
    "state": "running",
    "exit_code": None,
    "signal": None,
    "timed_out": False,
    "cpu_pct": 0.0,
    "cpu_seconds": 0.01,
    "mem_bytes": 4096,
    "started_at": "2026-01-01T00:00:00.123Z",
    "exited_at": None,
    "tty": False,
    "output_bytes": 0,
    "output_kept_from": 0,
}
STARTED = {
    "browser": {"product": "Chrome/156", "revision": "@1", "pid": 9},
    "stop_ms": 1.5,
    "start_ms": 2.5,
    "total_ms": 4.5,
    "restored_tabs": 2,
}
STREAM = f"GET /process/{PID}/stdout/stream"


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


@pytest.fixture
async def path(api: RunningApi) -> str:
    """The address of a session that was made with `machine`."""
    return f"/v1/sessions/{(await api.session({'machine': True}))['id']}"


async def post(api: RunningApi, path: str, body: Any = None, **options: Any) -> httpx2.Response:
    async with api.http(api.user_key) as client:
        return await client.post(path, json=body, **options)


def last(api: RunningApi) -> MachineRequest:
    return api.manager.session_machine.received[-1].request


async def test_a_program_is_run_and_its_words_come_back(api: RunningApi, path: str) -> None:
    machine = api.manager.session_machine
    machine.payloads["POST /process/exec"] = RAN | {"owner": "of nothing"}
    body = {
        "command": "cat",
        "args": ["-"],
        "cwd": "/workspace",
        "env": {"A": "b"},
        "stdin_b64": "aGk=",
        "timeout_sec": 5,
    }
    answer = await post(api, f"{path}/process/exec", body)

    assert (answer.status_code, answer.json()) == (200, RAN)
    assert last(api).fields == body | {"as_root": False, "max_output_bytes": 1 << 20, "kill_on_disconnect": False}
    noted = {"by": "alice", "action": "exec", "process_id": PID, "exit_code": 0}
    assert machine.notes == [(EventType.MACHINE_PROCESS, noted)], "never what was run"


NO_PROGRAMS: list[tuple[dict[str, Any], str]] = [
    ({}, "command"),
    ({"command": ""}, "command"),
    ({"command": "a\0"}, "command"),
    ({"command": 3}, "command"),
    ({"command": "a", "args": "b"}, "args"),
    ({"command": "a", "args": [1]}, "args.0"),
    ({"command": "a", "args": ["\0"]}, "args.0"),
    ({"command": "a", "args": ["x"] * 1025}, "args"),
    ({"command": "a", "cwd": "rel"}, "cwd"),
    ({"command": "a", "env": {"": "x"}}, "env..[key]"),
    ({"command": "a", "env": {"A=B": "x"}}, "env.A=B.[key]"),
    ({"command": "a", "env": {"A": 1}}, "env.A"),
    ({"command": "a", "timeout_sec": 0}, "timeout_sec"),
    ({"command": "a", "timeout_sec": 3601}, "timeout_sec"),
    ({"command": "a", "timeout_sec": "5"}, "timeout_sec"),
    ({"command": "a", "stdin_b64": "%%"}, "stdin_b64"),
    ({"command": "a", "max_output_bytes": MAX_OUTPUT_BYTES + 1}, "max_output_bytes"),
    ({"command": "a", "max_output_bytes": -1}, "max_output_bytes"),
    ({"command": "a", "kill_on_disconnect": "no"}, "kill_on_disconnect"),
    ({"command": "a", "shell": True}, "shell"),
]


async def test_a_program_that_cannot_be_is_refused_by_its_field(api: RunningApi, path: str) -> None:
    async with api.http(api.user_key) as client:
        for body, field in NO_PROGRAMS:
            answer = await client.post(f"{path}/process/exec", json=body)
            told = (answer.status_code, answer.json()["code"], answer.json()["field"])
            assert told == (400, "invalid_request", field), body
    assert api.manager.session_machine.received == []


OUTSIDE: list[tuple[str, dict[str, Any]]] = [
    ("spawn", {"command": "a", "allocate_tty": True, "rows": 0, "cols": 80}),
    ("spawn", {"command": "a", "allocate_tty": True, "rows": 24, "cols": 65536}),
    ("spawn", {"command": "a", "stdin_b64": "aGk="}),
    (f"{PID}/resize", {"rows": 0, "cols": 1}),
    (f"{PID}/resize", {"rows": 1, "cols": 65536}),
    (f"{PID}/resize", {"rows": 1}),
    (f"{PID}/kill", {"signal": "SIGTERM"}),
    (f"{PID}/kill", {"signal": "SEGV"}),
    (f"{PID}/kill", {"signal": 9}),
    (f"{PID}/stdin", {"data_b64": "not base64!"}),
    (f"{PID}/stdin", {}),
]


async def test_sizes_signals_and_input_outside_their_lists_are_a_400(api: RunningApi, path: str) -> None:
    async with api.http(api.user_key) as client:
        for what, body in OUTSIDE:
            answer = await client.post(f"{path}/process/{what}", json=body)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), (what, body)
    assert api.manager.session_machine.received == []


async def test_a_program_is_started_looked_at_written_to_resized_and_killed(api: RunningApi, path: str) -> None:
    machine = api.manager.session_machine
    one = f"/process/{PID}"
    machine.payloads = {
        "POST /process/spawn": {"process_id": PID, "pid": 12, "started_at": "2026-01-01T00:00:00Z"},
        "GET /process": {"processes": [STATUS]},
        f"GET {one}/status": STATUS,
        f"POST {one}/stdin": {"written_bytes": 2},
        f"POST {one}/kill": {"ok": True},
        f"POST {one}/resize": {"ok": True},
    }
    async with api.http(api.user_key) as client:
        spawned = await client.post(f"{path}/process/spawn", json={"command": "sh", "allocate_tty": True, "rows": 2})
        assert (spawned.status_code, spawned.json()["process_id"]) == (200, PID)
        assert last(api).fields == {
            "command": "sh", "args": [], "env": {}, "as_root": False, "allocate_tty": True, "rows": 2
        }  # fmt: skip
        status = STATUS | {"started_at": "2026-01-01T00:00:00.123000Z"}
        assert (await client.get(f"{path}/process")).json() == {"processes": [status]}
        assert (await client.get(f"{path}{one}/status")).json() == status
        stdin = await client.post(f"{path}{one}/stdin", json={"data_b64": "aGk=", "eof": True})
        assert stdin.json() == {"written_bytes": 2}
        assert (await client.post(f"{path}{one}/kill", json={"signal": "TERM"})).json() == {"ok": True}
        assert (await client.post(f"{path}{one}/resize", json={"rows": 65535, "cols": 1})).json() == {"ok": True}
    assert [data for _, data in machine.notes] == [
        {"by": "alice", "action": "spawn", "process_id": PID},
        {"by": "alice", "action": "kill", "process_id": PID},
    ]


async def test_an_id_of_another_form_is_no_process(api: RunningApi, path: str) -> None:
    async with api.http(api.user_key) as client:
        for id_ in ["x", PID.upper().replace("0", "A"), PID + "0", "..", "%2e%2e", PID.replace("-", "")]:
            assert (await client.get(f"{path}/process/{id_}/status")).status_code == 404
            assert (await client.post(f"{path}/process/{id_}/kill", json={"signal": "TERM"})).status_code == 404
    assert api.manager.session_machine.received == []


MISTOLD: list[dict[str, Any]] = [
    {},
    {"process_id": "x"},
    RAN | {"exit_code": "0"},
    RAN | {"exit_code": True},
    RAN | {"stdout_b64": "<b>"},
    RAN | {"stdout_b64": None},
    RAN | {"duration_ms": -1},
    RAN | {"timed_out": 1},
    {key: value for key, value in RAN.items() if key != "signal"},
]


async def test_an_agents_answer_of_another_shape_is_its_fault_and_not_told_on(api: RunningApi, path: str) -> None:
    machine = api.manager.session_machine
    async with api.http(api.user_key) as client:
        for told in MISTOLD:
            machine.payloads["POST /process/exec"] = told
            answer = await client.post(f"{path}/process/exec", json={"command": "ls"})
            assert (answer.status_code, answer.json()["code"]) == (502, "agent_failed"), told
    assert machine.notes[0][1] == {"by": "alice", "action": "exec", "exit_code": None}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidError("no such command", reason="command_not_found", field="command"), 400),
        (NotFoundError("gone", reason="no_such_process"), 404),
        (ConflictError("it has ended", reason="process_exited"), 409),
        (BusyError("too many"), 429),
        (GoneError("over", reason="idle_timeout"), 410),
    ],
)
async def test_what_the_agent_refuses_is_a_problem(api: RunningApi, path: str, error: ClocheError, status: int) -> None:
    machine = api.manager.session_machine
    machine.errors = {"POST /process/exec": error, f"GET /process/{PID}/status": error, STREAM: error}
    async with api.http(api.user_key) as client:
        answers = [
            await client.post(f"{path}/process/exec", json={"command": "ls"}),
            await client.get(f"{path}/process/{PID}/status"),
            await client.get(f"{path}/process/{PID}/stdout/stream"),
        ]
    for answer in answers:
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert answer.json().get("reason") == error.fields.get("reason")
    assert machine.notes == []


async def test_a_session_without_machine_and_a_key_without_the_scope_are_told_apart(api: RunningApi, path: str) -> None:
    _, plain_key = await api.keys.create(principal="alice", role=Role.USER)
    plain = f"/v1/sessions/{await api.session_id()}"
    machine = api.manager.session_machine
    machine.payloads["GET /processes"] = {"parts": [], "processes": []}
    machine.payloads["POST /browser/restart"] = STARTED
    for address, key, reason in ((plain, api.user_key, "machine_off"), (path, plain_key, "machine_not_allowed")):
        async with api.http(key) as client:
            refused = [
                await client.post(f"{address}/process/exec", json={"command": "ls"}),
                await client.get(f"{address}/process"),
                await client.get(f"{address}/logs/stream?source=path&path=/workspace/x"),
                await client.post(f"{address}/browser/restart", json={"flags": []}),
                await client.post(f"{address}/browser/restart", json={"fresh_profile": True}),
            ]
            assert [(answer.status_code, answer.json()["reason"]) for answer in refused] == [(403, reason)] * 5
            assert (await client.get(f"{address}/processes")).status_code == 200
            body = {"start_url": "https://a.test/", "flags": None, "restore_tabs": False}
            assert (await client.post(f"{address}/browser/restart", json=body)).status_code == 200


async def leave_exec(api: RunningApi, path: str, **options: Any) -> None:
    """Ask for a program and hang up once the machine has it."""
    body = json.dumps({"command": "sleep", **options}).encode()
    head = (
        f"POST {path}/process/exec HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {api.user_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    _, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(head.encode() + body)
    await asyncio.wait_for(api.manager.session_machine.asking.wait(), 5)
    writer.transport.abort()


async def test_who_hangs_up_ends_a_program_only_if_it_asked_for_that(api: RunningApi, path: str) -> None:
    machine = api.manager.session_machine
    machine.payloads["POST /process/exec"] = RAN
    machine.may_answer.clear()
    await leave_exec(api, path, kill_on_disconnect=True)
    await asyncio.wait_for(machine.given_up.wait(), 5)
    async with asyncio.timeout(5):
        while not machine.notes:
            await asyncio.sleep(0)
    assert machine.notes.pop()[1] == {"by": "alice", "action": "exec", "exit_code": None}, "it ran, though nobody knows"

    machine.given_up.clear()
    machine.asking.clear()
    await leave_exec(api, path)
    async with api.http(api.user_key) as client:
        assert (await client.get("/healthz")).status_code == 200, "the server has heard of the end by now"
    assert not machine.given_up.is_set()
    machine.may_answer.set()
    async with asyncio.timeout(5):
        while not machine.notes:
            await asyncio.sleep(0)


# --- streams --------------------------------------------------------------------------------------------------------


async def test_output_is_passed_on_as_it_stands_with_headers_of_ours(api: RunningApi, path: str) -> None:
    pieces = [b'id: 2\ndata: {"stream":"stdout","data_b64":"aGk="}\n\n', b'data: {"event":"exit"}\n\n']
    api.manager.session_machine.streams[STREAM] = Scripted(pieces)
    async with api.http(api.user_key) as client:
        answer = await client.get(f"{path}/process/{PID}/stdout/stream?offset=7&follow=false")
    assert answer.content == b"".join(pieces)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert last(api).query == {"offset": 7, "follow": False}


async def test_the_last_event_id_wins_over_the_offset_and_must_be_one(api: RunningApi, path: str) -> None:
    api.manager.session_machine.streams[STREAM] = Scripted([])
    address = f"{path}/process/{PID}/stdout/stream"
    async with api.http(api.user_key) as client:
        await client.get(f"{address}?offset=7", headers={"Last-Event-ID": "12"})
        assert last(api).query == {"offset": 12, "follow": True}
        for wrong in ("x", "-1", "1.5", "9" * 20, "1\u00b2"):
            answer = await client.get(address, headers={"Last-Event-ID": wrong.encode("latin-1")})
            assert answer.status_code == 400, wrong
        for wrong in ("-1", "x", str(1 << 60)):
            assert (await client.get(f"{address}?offset={wrong}")).status_code == 400


async def test_a_stream_that_breaks_off_between_events_ends_with_the_reason(api: RunningApi, path: str) -> None:
    machine = api.manager.session_machine
    machine.streams[STREAM] = Scripted([b"data: 1\n\n"], breaks_off=True)
    async with api.http(api.user_key) as client:
        answer = await client.get(f"{path}/process/{PID}/stdout/stream")
        first, second, rest = answer.text.split("\n\n")
        assert (first, rest) == ("data: 1", "")
        told = json.loads(second.removeprefix("data: "))
        assert (told["event"], told["code"]) == ("error", "agent_failed")

        machine.streams[STREAM] = Scripted([b"data: 1\n\nda"], breaks_off=True)
        received = b""
        with pytest.raises(httpx2.RemoteProtocolError):
            async with client.stream("GET", f"{path}/process/{PID}/stdout/stream") as cut:
                async for piece in cut.aiter_raw():
                    received += piece
        assert received == b"data: 1\n\nda", "nothing is put into the middle of an event, and that is no end"


async def test_a_reader_that_takes_nothing_is_given_up(
    api: RunningApi, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloche.api.taking.TAKING_S", 0.2)
    machine = api.manager.session_machine
    machine.streams[STREAM] = Scripted([b"data: 1\n\n".ljust(1 << 20)] * 64, hangs=True)
    async with stalled(api, path):
        await asyncio.wait_for(machine.closed.wait(), 5)
    assert machine.open_now == 0


@asynccontextmanager
async def stalled(api: RunningApi, path: str) -> AsyncIterator[None]:
    """A client that asks for a stream and reads none of it."""
    _, writer = await asyncio.open_connection("127.0.0.1", api.port, limit=1)
    address = f"{path}/process/{PID}/stdout/stream"
    writer.write(f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{api.port}\r\nX-API-Key: {api.user_key}\r\n\r\n".encode())
    yield
    writer.transport.abort()


async def test_a_stream_whose_reader_leaves_is_left(api: RunningApi, path: str) -> None:
    machine = api.manager.session_machine
    machine.streams[STREAM] = Scripted([b"data: 1\n\n"], hangs=True)
    async with api.http(api.user_key) as client:
        for _ in range(3):
            machine.closed.clear()
            async with client.stream("GET", f"{path}/process/{PID}/stdout/stream") as answer:
                async with asyncio.timeout(5):
                    assert await anext(aiter(answer.aiter_raw())) == b"data: 1\n\n"
            await asyncio.wait_for(machine.closed.wait(), 5)
    assert machine.open_now == 0


async def test_streams_end_in_order_when_the_server_stops() -> None:
    async with running_api() as api:
        path = f"/v1/sessions/{(await api.session({'machine': True}))['id']}"
        api.manager.session_machine.streams[STREAM] = Scripted([b"data: 1\n\n"], hangs=True)
        begun = asyncio.Event()

        async def read() -> bytes:
            received = b""
            async with (
                api.http(api.user_key) as client,
                client.stream("GET", f"{path}/process/{PID}/stdout/stream") as answer,
            ):
                async for piece in answer.aiter_raw():
                    received += piece
                    begun.set()
            return received

        reading = spawn(read(), name="read")
        await asyncio.wait_for(begun.wait(), 5)
    told = await asyncio.wait_for(reading, 5)
    assert told.startswith(b'data: 1\n\ndata: {"event":"error","code":"busy"')
    assert told.endswith(b"\n\n")


async def test_logs_are_asked_for_as_they_were(api: RunningApi, path: str) -> None:
    machine = api.manager.session_machine
    machine.streams["GET /logs/stream"] = Scripted([b"data: {}\n\n"])
    async with api.http(api.user_key) as client:
        query = {"source": "path", "path": "/workspace/a b.log", "tail": 5, "follow": "false", "after": "1-2-3-4"}
        assert (await client.get(f"{path}/logs/stream", params=query)).text == "data: {}\n\n"
        assert last(api).query == {
            "source": "path", "path": "/workspace/a b.log", "tail": 5, "follow": False, "after": "1-2-3-4"
        }  # fmt: skip
        headers = {"Last-Event-ID": "9-9-9-9"}
        await client.get(f"{path}/logs/stream?source=agent&after=1-1-1-1", headers=headers)
        assert last(api).query == {"source": "agent", "follow": True, "after": "9-9-9-9"}


NO_LOGS = [
    "",
    "source=kernel",
    "source=path",
    "source=agent&path=/workspace/x",
    "source=agent&tail=-1",
    "source=agent&tail=x",
    "source=agent&follow=maybe",
    "source=agent&after=a%20b",
    "source=agent&after=" + "1" * 200,
    "source=path&path=" + "x" * 5000,
]


async def test_a_log_that_cannot_be_is_a_400(api: RunningApi, path: str) -> None:
    async with api.http(api.user_key) as client:
        for query in NO_LOGS:
            assert (await client.get(f"{path}/logs/stream?{query}")).status_code == 400, query
    assert api.manager.session_machine.received == []


# --- parts and the browser ------------------------------------------------------------------------------------------


async def test_the_parts_and_processes_of_a_session_are_told(api: RunningApi, path: str) -> None:
    part = {
        "name": f"process:{PID}",
        "state": "running",
        "pid": 4,
        "started_at": "2026-01-01T00:00:00Z",
        "restarts": 0,
        "reason": "",
        "changed_at": None,
    }
    row = {"pid": 4, "ppid": 1, "name": "sh", "state": "S", "cpu_seconds": 0.5, "memory_mb": 1.25, "part": part["name"]}
    api.manager.session_machine.payloads["GET /processes"] = {"parts": [part], "processes": [row, row | {"part": None}]}
    async with api.http(api.user_key) as client:
        told = (await client.get(f"{path}/processes")).json()
    assert told == {"parts": [part], "processes": [row, row | {"part": None}]}


async def test_a_browser_is_stopped_started_and_restarted(api: RunningApi, path: str) -> None:
    machine = api.manager.session_machine
    machine.payloads = {
        "POST /browser/stop": {"state": "stopped", "stop_ms": 1.5},
        "POST /browser/start": STARTED,
        "POST /browser/restart": STARTED,
    }
    assert (await post(api, f"{path}/browser/stop")).json() == {"state": "stopped", "stop_ms": 1.5}
    assert (await post(api, f"{path}/browser/start")).json() == STARTED
    assert last(api).fields == {}
    assert (await post(api, f"{path}/browser/start", {"start_url": "about:blank"})).status_code == 200
    assert last(api).fields == {"start_url": "about:blank"}
    body = {
        "flags": ["--a=b", "--c"],
        "extensions": [],
        "policies": {"HomepageLocation": "https://a.test"},
        "profile": "/workspace/p",
        "restore_tabs": False,
    }
    assert (await post(api, f"{path}/browser/restart", body)).json() == STARTED
    assert last(api).fields == body | {"fresh_profile": False}


NO_RESTARTS: list[Any] = [
    {"flags": "--a"},
    {"flags": ["a"]},
    {"flags": ["--a\0"]},
    {"flags": ["--a"] * 257},
    {"extensions": [""]},
    {"policies": []},
    {"profile": 1},
    {"fresh_profile": "yes"},
    {"start_url": "file:///etc/passwd"},
    {"start_url": "javascript:alert(1)"},
    {"restart": True},
    [],
]


async def test_a_restart_that_cannot_be_is_a_400_and_nothing_is_stopped(api: RunningApi, path: str) -> None:
    async with api.http(api.user_key) as client:
        for body in NO_RESTARTS:
            assert (await client.post(f"{path}/browser/restart", json=body)).status_code == 400, body
    assert api.manager.session_machine.received == []


async def test_a_restart_that_failed_tells_its_phase_and_whether_it_was_rolled_back(api: RunningApi, path: str) -> None:
    api.manager.session_machine.errors["POST /browser/restart"] = ConflictError(
        "it did not start", reason="restart_failed", phase="start", rolled_back=True
    )
    problem = (await post(api, f"{path}/browser/restart")).json()
    assert {"code": "conflict", "reason": "restart_failed", "phase": "start", "rolled_back": True}.items() <= (
        problem.items()
    )


async def test_an_ended_session_is_gone_on_every_route(api: RunningApi) -> None:
    session_id = (await api.session({"machine": True}))["id"]
    await api.manager.end(session_id, EndReason.IDLE_TIMEOUT)
    assert (await post(api, f"/v1/sessions/{session_id}/process/exec", {"command": "ls"})).status_code == 410
    async with api.http(api.user_key) as client:
        assert (await client.get(f"/v1/sessions/{session_id}/processes")).status_code == 410


async def test_a_denial_of_the_agents_own_keeps_its_reason(api: RunningApi, path: str) -> None:
    api.manager.session_machine.errors["GET /process"] = DeniedError("no", reason="not_permitted")
    async with api.http(api.user_key) as client:
        answer = await client.get(f"{path}/process")
    assert (answer.status_code, answer.json()["reason"]) == (403, "not_permitted")
