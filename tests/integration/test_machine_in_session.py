"""The machine API through all of it: a real daemon, a real sandbox and the real agent, with a small browser."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cloche.concurrency.tasks import spawn
from cloche.testing.daemon import DaemonProcess


class Machine:
    """One session, asked over HTTP by who made it."""

    def __init__(self, daemon: DaemonProcess, session: dict[str, Any], client: httpx2.AsyncClient) -> None:
        self.daemon, self.session, self.client = daemon, session, client
        self.path = f"/v1/sessions/{session['id']}"

    async def post(self, path: str, body: Any = None) -> httpx2.Response:
        return await self.client.post(self.path + path, json=body)

    async def get(self, path: str) -> httpx2.Response:
        return await self.client.get(self.path + path)

    async def sh(self, text: str, **options: Any) -> dict[str, Any]:
        answer = await self.post("/process/exec", {"command": "sh", "args": ["-c", text], **options})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def spawn(self, text: str, **options: Any) -> str:
        answer = await self.post("/process/spawn", {"command": "sh", "args": ["-c", text], **options})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["process_id"])

    def socket(self, path: str) -> str:
        return self.daemon.base_url.replace("http", "ws", 1) + self.path + path

    async def events(self) -> list[dict[str, Any]]:
        """What has happened so far; the session must have ended."""
        text = (await self.get("/events")).text
        return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


@pytest.fixture
async def machine(stub_daemon: DaemonProcess) -> AsyncIterator[Machine]:
    session = await stub_daemon.create_session(machine=True)
    headers = {"x-api-key": stub_daemon.key}
    async with httpx2.AsyncClient(
        base_url=stub_daemon.base_url, headers=headers, trust_env=False, timeout=20
    ) as client:
        yield Machine(stub_daemon, session, client)


def text_of(told: dict[str, Any], name: str = "stdout_b64") -> str:
    return base64.b64decode(told[name]).decode()


async def test_programs_run_and_what_they_do_is_told(machine: Machine) -> None:
    told = await machine.sh("cat; echo out; echo err >&2; exit 3", stdin_b64=base64.b64encode(b"in\n").decode())
    assert (told["exit_code"], text_of(told), text_of(told, "stderr_b64")) == (3, "in\nout\n", "err\n")
    assert (await machine.sh("kill -9 $$"))["signal"] == 9
    assert (await machine.sh("sleep 30", timeout_sec=0.1))["timed_out"] is True
    cut = await machine.sh("head -c 5000000 /dev/zero", max_output_bytes=1000)
    assert (len(base64.b64decode(cut["stdout_b64"])), cut["stdout_truncated"]) == (1000, True)
    whole = await machine.sh("head -c 8000000 /dev/zero", max_output_bytes=8 << 20)
    assert len(base64.b64decode(whole["stdout_b64"])) == 8_000_000

    for body, reason in (
        ({"command": "no-such-program"}, "command_not_found"),
        ({"command": "/etc/passwd"}, "not_executable"),
        ({"command": "true", "as_root": True}, "no_such_user"),
        ({"command": "true", "as_user": "nobody-at-all"}, "no_such_user"),
    ):
        answer = await machine.post("/process/exec", body)
        assert (answer.status_code, answer.json()["reason"]) == (400, reason), answer.text

    await machine.daemon.request("DELETE", machine.path)
    notes = [event["data"] for event in await machine.events() if event["type"] == "machine.process"]
    assert len(notes) == 5
    assert {note["action"] for note in notes} == {"exec"}
    assert "sleep" not in json.dumps(notes)


async def test_a_program_is_started_read_written_to_and_killed(machine: Machine) -> None:
    id_ = await machine.spawn("while read line; do echo got $line; done; sleep 30")
    assert (await machine.post(f"/process/{id_}/stdin", {"data_b64": "YQpiCg=="})).json() == {"written_bytes": 4}
    async with machine.client.stream("GET", f"{machine.path}/process/{id_}/stdout/stream") as answer:
        read = b""
        async with asyncio.timeout(5):
            async for event in httpx2.EventSource(answer):
                read += base64.b64decode(json.loads(event.data)["data_b64"])
                if read == b"got a\ngot b\n":
                    break
    assert event.id == "12"
    status = (await machine.get(f"/process/{id_}/status")).json()
    assert (status["state"], status["command"], status["output_bytes"]) == ("running", "sh", 12)
    assert [each["process_id"] for each in (await machine.get("/process")).json()["processes"]] == [id_]
    parts = (await machine.get("/processes")).json()
    assert {f"process:{id_}", "agent", "browser"} <= {part["name"] for part in parts["parts"]}
    assert (await machine.get("/health?fresh=true")).json()["programs"] == 1

    refused = await machine.post(f"/process/{id_}/resize", {"rows": 2, "cols": 2})
    assert (refused.status_code, refused.json()["reason"]) == (409, "not_a_terminal")
    assert (await machine.post(f"/process/{id_}/kill", {"signal": "KILL"})).json() == {"ok": True}
    rest = (await machine.get(f"/process/{id_}/stdout/stream?offset=6")).text
    assert base64.b64encode(b"got b\n").decode() in rest
    assert '"event":"exit"' in rest
    refused = await machine.post(f"/process/{id_}/stdin", {"data_b64": ""})
    assert (refused.status_code, refused.json()["reason"]) == (409, "process_exited")
    unknown = "00000000-0000-4000-8000-000000000000"
    assert (await machine.get(f"/process/{unknown}/status")).status_code == 404
    assert (await machine.get(f"/process/{unknown}/stdout/stream")).status_code == 404


async def test_a_terminal_is_attached_to_through_the_door(machine: Machine) -> None:
    id_ = await machine.spawn("stty size; read line; echo said $line", allocate_tty=True, rows=7, cols=42)
    headers = {"x-api-key": machine.daemon.key}
    seen = b""
    async with connect(machine.socket(f"/process/{id_}/attach"), proxy=None, additional_headers=headers) as client:
        with pytest.raises(ConnectionClosed):
            async with asyncio.timeout(5):
                while True:
                    message = await client.recv()
                    if isinstance(message, bytes):
                        seen += message
                    if seen.endswith(b"7 42\r\n"):
                        await client.send(b"hallo\n")
    assert b"said hallo" in seen
    with pytest.raises(InvalidStatus) as refused:
        async with connect(
            machine.socket("/process/00000000-0000-4000-8000-000000000000/attach"),
            proxy=None,
            additional_headers=headers,
        ):
            raise AssertionError
    assert refused.value.response.status_code == 404


async def test_a_client_that_leaves_ends_a_program_only_if_it_asked_for_that(machine: Machine) -> None:
    for kills in (True, False):
        body = {"command": "sleep", "args": ["20"], "kill_on_disconnect": kills}
        asking = spawn(machine.post("/process/exec", body), name="exec")
        await until(machine, running=1)
        asking.cancel()
        await asyncio.wait({asking})
        if kills:
            await until(machine, running=0)
    found = (await machine.get("/process")).json()["processes"]
    assert [each["state"] for each in found if each["state"] == "running"] == ["running"]


async def test_a_browser_is_stopped_and_started_and_its_clients_are_told(machine: Machine) -> None:
    async with connect(machine.session["connect_url"], proxy=None) as client:
        stopped = await machine.post("/browser/stop")
        assert (stopped.status_code, stopped.json()["state"]) == (200, "stopped"), stopped.text
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(client.recv(), 5)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4409, "browser_stopped")
    again = await machine.post("/browser/stop")
    assert (again.status_code, again.json()["reason"]) == (409, "browser_stopped")
    for refused in (await machine.get("/json/version"), await machine.get("/json/list")):
        assert (refused.status_code, refused.json()["reason"]) == (409, "browser_stopped")
    with pytest.raises(InvalidStatus) as dialled:
        async with connect(machine.session["connect_url"], proxy=None):
            raise AssertionError
    assert dialled.value.response.status_code == 409
    session = (await machine.get("")).json()
    assert session["status"] == "ready"

    started = await machine.post("/browser/start")
    assert started.status_code == 200, started.text
    assert (await machine.get("/json/version")).status_code == 200
    async with connect(machine.session["connect_url"], proxy=None) as client:
        restarted = await machine.post("/browser/restart", {"flags": ["--mark=second"]})
        assert restarted.status_code == 200, restarted.text
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(client.recv(), 5)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1012, "browser_restarting")
    await machine.daemon.request("DELETE", machine.path)
    told = [event["type"] for event in await machine.events() if event["type"].startswith("browser.")]
    assert told == [
        "browser.ready",
        "browser.exited",
        "browser.stopped",
        "browser.ready",
        "browser.exited",
        "browser.restarting",
        "browser.ready",
    ]


async def test_dials_during_a_restart_wait_and_never_get_a_dead_browsers_address(machine: Machine) -> None:
    async def ask() -> list[int]:
        answers = []
        while not restarting.done():
            answers.append((await machine.get("/json/version")).status_code)
        return answers

    restarting = spawn(machine.post("/browser/restart"), name="restart")
    asking = [spawn(ask(), name="ask") for _ in range(4)]
    restarted = await restarting
    assert restarted.status_code == 200, restarted.text
    assert {status for each in asking for status in await each} <= {200}


async def test_logs_of_the_sessions_parts_are_read(machine: Machine) -> None:
    for source in ("supervisor", "browser", "agent"):
        answer = await machine.get(f"/logs/stream?source={source}&follow=false")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert (await machine.get("/logs/stream?source=path&path=/workspace/none.log")).status_code == 404
    assert (await machine.sh("printf 'one\\ntwo\\n' > /workspace/some.log"))["exit_code"] == 0
    told = (await machine.get("/logs/stream?source=path&path=/workspace/some.log&follow=false")).text
    assert [json.loads(line[6:])["message"] for line in told.splitlines() if line.startswith("data: ")] == [
        "one",
        "two",
    ]


async def until(machine: Machine, *, running: int) -> None:
    async with asyncio.timeout(5):
        while True:
            found = (await machine.get("/process")).json()["processes"]
            if sum(each["state"] == "running" for each in found) == running:
                return
