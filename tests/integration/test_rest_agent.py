"""A session's agent over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from cloche.client.aio import Client
from cloche.client.sync import SyncClient
from cloche.concurrency.tasks import spawn
from cloche.errors import AgentError, BusyError, ClocheError, DeadlineError, DeniedError, GoneError, InvalidError
from cloche.sessions.exec_request import MAX_ARGV_BYTES
from cloche.testing.api import RunningApi, running_api
from cloche.testing.guest_answers import HEALTH, METRICS
from cloche.wire.guest import MAX_ARGUMENTS

WHEN = {"observed_at", "age_s"}


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


@pytest.mark.parametrize(("path", "said"), [("health", HEALTH), ("metrics", METRICS)])
async def test_a_reading_is_told_with_its_time_and_its_age(api: RunningApi, path: str, said: dict[str, Any]) -> None:
    session_id = await api.session_id()
    async with api.http(api.user_key) as client:
        last = (await client.get(f"/v1/sessions/{session_id}/{path}")).json()
        fresh = (await client.get(f"/v1/sessions/{session_id}/{path}?fresh=true")).json()

    told = {name: value for name, value in said.items() if name != "checks"}  # between agent and daemon alone
    assert set(last) == set(told) | WHEN
    assert told.items() <= last.items()
    assert datetime.fromisoformat(last["observed_at"]).utcoffset() is not None
    assert (last["age_s"], fresh["age_s"]) == (2.5, 0.0)
    assert api.manager.session_agent.fresh == [False, True]


async def test_an_agents_status_is_told_in_the_documented_shape(api: RunningApi) -> None:
    session_id = await api.session_id()
    async with api.http(api.user_key) as client:
        status = (await client.get(f"/v1/sessions/{session_id}/agent")).json()

    checked = {"checked_at": "2026-01-01T00:00:00Z"}
    integration = {key: status["integrations"][0].pop(key) for key in ("name", "healthy", "detail", "checked_at")}
    assert integration == {"name": "search", "healthy": False, "detail": "no index"} | checked
    assert status.pop("integrations")[0]["status"].startswith("error")
    assert status == {
        "session_id": session_id,
        "worker_status": "busy",
        "last_busy_at": "2026-01-01T00:00:00Z",
        "health_summary": {"total": 2, "healthy": 1, "summary": "1/2 ok (search)"},
        "probes": [{"name": "disk", "healthy": True, "detail": "ok", "output": None} | checked],
    }


async def test_a_ping_tells_how_long_it_took(api: RunningApi) -> None:
    session_id = await api.session_id()
    async with api.http(api.user_key) as client:
        answer = await client.get(f"/v1/sessions/{session_id}/agent/ping")
    assert answer.json() == {"pong": True, "round_trip_ms": 1.2}


async def test_a_program_is_run_and_its_words_come_back(api: RunningApi) -> None:
    session_id = await api.session_id()
    async with api.http(api.user_key) as client:
        path = f"/v1/sessions/{session_id}/agent/exec"
        by_argv = await client.post(path, json={"argv": ["ls", "a b"], "stdin": "é", "timeout_s": 3600})
        by_text = await client.post(path, json={"command": "ls | wc"})

    assert by_argv.json() == {"exit_code": 0, "stdout": "ls\na b", "stderr": "é"}
    assert by_text.json() == {"exit_code": 0, "stdout": "ls | wc", "stderr": ""}
    ((principal, first), (_, second)) = api.manager.session_agent.executed
    assert (principal.name, first.argv, first.command, first.timeout_s) == ("alice", ("ls", "a b"), None, 3600)
    assert (second.argv, second.command, second.stdin, second.timeout_s) == (None, "ls | wc", None, 30)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "argv"),
        ({"argv": ["a"], "command": "a"}, "argv"),
        ({"argv": []}, "argv"),
        ({"argv": [""]}, "argv"),
        ({"argv": "ls"}, "argv"),
        ({"argv": ["a", 1]}, "argv.1"),
        ({"argv": ["a\0"]}, "argv"),
        ({"argv": ["a"] * (MAX_ARGUMENTS + 1)}, "argv"),
        ({"argv": ["a" * (MAX_ARGV_BYTES + 1)]}, "argv"),
        ({"command": ""}, "command"),
        ({"command": "a" * (MAX_ARGV_BYTES + 1)}, "command"),
        ({"argv": ["a"], "stdin": "a" * (MAX_ARGV_BYTES + 1)}, "stdin"),
        ({"argv": ["a"], "timeout_s": 0}, "timeout_s"),
        ({"argv": ["a"], "timeout_s": 3601}, "timeout_s"),
        ({"argv": ["a"], "timeout_s": 1.5}, "timeout_s"),
        ({"argv": ["a"], "shell": True}, "shell"),
    ],
)
async def test_what_cannot_be_run_is_refused_by_its_field(api: RunningApi, body: dict[str, Any], field: str) -> None:
    session_id = await api.session_id()
    async with api.http(api.user_key) as client:
        answer = await client.post(f"/v1/sessions/{session_id}/agent/exec", json=body)

    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "invalid_request", field)
    assert api.manager.session_agent.executed == []


@pytest.mark.parametrize(
    ("error", "status", "code", "reason"),
    [
        (AgentError("nonsense"), 502, "agent_failed", None),
        (DeadlineError("too late"), 504, "deadline_exceeded", None),
        (DeniedError("off", reason="exec_off"), 403, "denied", "exec_off"),
        (BusyError("four run"), 429, "busy", None),
        (GoneError("over", reason="idle_timeout"), 410, "session_gone", "idle_timeout"),
    ],
)
async def test_what_goes_wrong_with_an_agent_has_its_own_code(
    api: RunningApi, error: ClocheError, status: int, code: str, reason: str | None
) -> None:
    session_id = await api.session_id()
    api.manager.session_agent.error = error
    async with api.http(api.user_key) as client:
        for path in ("health", "metrics", "agent", "agent/ping"):
            answer = await client.get(f"/v1/sessions/{session_id}/{path}")
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        answer = await client.post(f"/v1/sessions/{session_id}/agent/exec", json={"argv": ["ls"]})
    assert (answer.status_code, answer.json()["code"], answer.json().get("reason")) == (status, code, reason)


async def test_who_hangs_up_ends_the_program(api: RunningApi) -> None:
    session_id = await api.session_id()
    agent = api.manager.session_agent
    agent.may_execute.clear()
    body = b'{"argv":["sleep"]}'
    head = (
        f"POST /v1/sessions/{session_id}/agent/exec HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {api.user_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    _, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(head.encode() + body)
    await asyncio.wait_for(agent.executing.wait(), 5)
    assert not agent.given_up.is_set()
    writer.transport.abort()
    await asyncio.wait_for(agent.given_up.wait(), 5)


async def test_a_program_outlives_a_quiet_client(api: RunningApi) -> None:
    session_id = await api.session_id()
    agent = api.manager.session_agent
    agent.may_execute.clear()
    async with api.http(api.user_key) as client:
        asking = spawn(client.post(f"/v1/sessions/{session_id}/agent/exec", json={"argv": ["ls"]}), name="ask")
        await asyncio.wait_for(agent.executing.wait(), 5)
        agent.may_execute.set()
        assert (await asking).json()["exit_code"] == 0
    assert not agent.given_up.is_set()


async def test_a_session_says_whether_programs_may_be_run_in_it(api: RunningApi) -> None:
    assert (await api.session())["machine"] is False
    assert (await api.session({"machine": True}))["machine"] is True
    assert [request.machine for request in api.manager.requests] == [False, True]
    async with api.http(api.user_key) as client:
        assert (await client.post("/v1/sessions", json={"machine": "yes"})).status_code == 400


async def test_the_client_asks_an_agent_everything(api: RunningApi) -> None:
    async with Client(api.url, api.user_key) as client:
        made = await client.sessions.create(machine=True)
        assert made.machine
        health, fresh = await client.sessions.health(made.id), await client.sessions.health(made.id, fresh=True)
        assert (health.status, health.age_s, fresh.age_s) == ("healthy", 2.5, 0.0)
        assert (await client.sessions.metrics(made.id, fresh=True)).open_files == METRICS["open_files"]
        status = await client.sessions.agent_status(made.id)
        assert (status.session_id, status.worker_status, status.health_summary.summary) == (
            made.id,
            "busy",
            "1/2 ok (search)",
        )
        assert [row.name for row in (*status.probes, *status.integrations)] == ["disk", "search"]
        assert (await client.sessions.agent_ping(made.id)).round_trip_ms == 1.2
        assert (await client.sessions.agent_exec(made.id, ["ls", "-l"], stdin="in")).stdout == "ls\n-l"
        assert (await client.sessions.agent_exec(made.id, command="ls")).stdout == "ls"
        with pytest.raises(InvalidError):
            await client.sessions.agent_exec(made.id)
        api.manager.session_agent.error = DeniedError("off", reason="exec_off")
        with pytest.raises(DeniedError) as denied:
            await client.sessions.agent_exec(made.id, ["ls"])
        assert denied.value.fields["reason"] == "exec_off"


async def test_the_synchronous_client_asks_the_same(api: RunningApi) -> None:
    def use() -> None:
        with SyncClient(api.url, api.user_key) as client:
            made = client.sessions.create(machine=True)
            assert client.sessions.health(made.id).browser_alive
            assert client.sessions.metrics(made.id).goroutines == METRICS["goroutines"]
            assert client.sessions.agent_status(made.id).last_busy_at == "2026-01-01T00:00:00Z"
            assert client.sessions.agent_ping(made.id).pong
            assert client.sessions.agent_exec(made.id, ["ls"], timeout_s=1).exit_code == 0

    await asyncio.to_thread(use)
