"""A session as a machine, over a guest socket on which a driven agent answers as a test tells it to."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from cloche.concurrency.tasks import spawn
from cloche.errors import (
    AgentError,
    BusyError,
    ConflictError,
    DeadlineError,
    DeniedError,
    GoneError,
    InvalidError,
    NotFoundError,
    StorageFullError,
)
from cloche.sessions import machine_api as module
from cloche.sessions.interface import MachineRequest
from cloche.sessions.model import EventType, Session
from cloche.sessions.principal import Principal, Scope
from cloche.testing.agent import FakeAgent
from cloche.testing.session_world import ADMIN, ANN, BOB, World

SCOPED = Principal(ANN.name, ANN.role, frozenset({Scope.MACHINE}))
GET = MachineRequest(method="GET", path="/process")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

Serve = Callable[[socket.socket], Awaitable[None]]


class Script:
    """Answers every request alike, and keeps what it was asked."""

    def __init__(self, agent: FakeAgent, answer: bytes, *, then: Awaitable[object] | None = None) -> None:
        self.requests: list[bytes] = []
        self.heard = asyncio.Event()
        self._answer, self._then = answer, then
        agent.serve_http = self._serve

    async def _serve(self, connection: socket.socket) -> None:
        loop, request = asyncio.get_running_loop(), b""
        while b"\r\n\r\n" not in request:
            request += await loop.sock_recv(connection, 65_536)
        self.requests.append(request)
        self.heard.set()
        with contextlib.suppress(OSError):
            await loop.sock_sendall(connection, self._answer)
            if self._then is not None:
                await self._then


def answer(value: Any, status: int = 200) -> bytes:
    body = json.dumps(value).encode()
    return b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


async def made(world: World, **request: Any) -> Session:
    return await world.ready(SCOPED, machine=True, **request)


async def test_a_question_is_asked_and_its_answer_read(world: World) -> None:
    session = await made(world)
    script = Script(world.agent(session), answer({"processes": []}))
    machine = await world.manager.machine(SCOPED, session.id)

    query: dict[str, str | bytes | int] = {"path": b"/workspace/\xff &=", "offset": 3, "follow": True, "name": "é"}
    request = MachineRequest(method="POST", path="/process/exec", query=query, fields={"command": "ls"})
    assert await machine.ask(request) == {"processes": []}
    head, _, body = script.requests[0].partition(b"\r\n\r\n")
    line = head.split(b"\r\n")[0]
    assert line == b"POST /process/exec?path=/workspace/%FF%20%26%3D&offset=3&follow=true&name=%C3%A9 HTTP/1.1"
    assert json.loads(body) == {"command": "ls"}


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFoundError), (409, ConflictError), (507, StorageFullError), (500, AgentError)]
)
async def test_what_the_agent_refuses_is_an_error_with_its_code(
    world: World, status: int, kind: type[Exception]
) -> None:
    session = await made(world)
    Script(world.agent(session), answer({"code": "no_such_process", "message": "there is none"}, status))
    machine = await world.manager.machine(SCOPED, session.id)
    with pytest.raises(kind) as refused:
        await machine.ask(GET)
    assert getattr(refused.value, "fields", {})["reason"] == "no_such_process"


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", answer([1]), b"nonsense\r\n\r\n", answer({}, 302), b""]
)
async def test_an_answer_that_is_none_is_the_agents_fault(world: World, said: bytes) -> None:
    session = await made(world)
    Script(world.agent(session), said)
    machine = await world.manager.machine(SCOPED, session.id)
    with pytest.raises(AgentError):
        await machine.ask(GET)


async def test_an_agent_that_never_answers_is_not_waited_for(world: World) -> None:
    session = await made(world)
    Script(world.agent(session), b"", then=asyncio.get_running_loop().create_future())
    machine = await world.manager.machine(SCOPED, session.id)
    with pytest.raises(DeadlineError):
        await machine.ask(GET, timeout_s=0.05)


async def test_a_request_larger_than_an_agent_takes_is_not_sent(world: World) -> None:
    session = await made(world)
    machine = await world.manager.machine(SCOPED, session.id)
    with pytest.raises(InvalidError):
        await machine.ask(MachineRequest(method="POST", path="/x", fields={"a": "x" * 2_000_000}))
    with pytest.raises(InvalidError):
        await machine.ask(MachineRequest(method="GET", path="/x", query={"path": b"\xff" * 10_000}))


async def test_an_answer_that_grows_too_large_is_not_held(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await made(world)
    machine = await world.manager.machine(SCOPED, session.id)
    Script(world.agent(session), answer({"a": "x" * 5000}))
    monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 4000)
    with pytest.raises(AgentError, match="too large"):
        await machine.ask(GET)
    monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 9000)
    monkeypatch.setattr(module, "MAX_HELD_BYTES", 4000)
    with pytest.raises(BusyError):
        await machine.ask(GET)
    monkeypatch.setattr(module, "MAX_HELD_BYTES", 6000)
    assert await machine.ask(GET) == {"a": "x" * 5000}, "what was held before is held no more"


async def test_an_answer_is_read_as_it_comes_by_whichever_task(world: World) -> None:
    session = await made(world)
    never = asyncio.get_running_loop().create_future()
    Script(world.agent(session), CHUNKED + b"2\r\nab\r\n", then=never)
    machine = await world.manager.machine(SCOPED, session.id)
    async with machine.open(GET) as opened:
        assert (opened.status, opened.length) == (200, None)

        async def read() -> bytes:
            return await anext(aiter(opened.body))

        assert await spawn(read(), name="read") == b"ab"


async def test_everything_under_way_ends_with_the_session_and_says_why(world: World) -> None:
    session = await made(world)
    agent = world.agent(session)
    machine = await world.manager.machine(SCOPED, session.id)
    loop = asyncio.get_running_loop()
    asked = Script(agent, b"", then=loop.create_future())
    asking = spawn(machine.ask(GET), name="ask")
    await asyncio.wait_for(asked.heard.wait(), 5)
    Script(agent, CHUNKED + b"1\r\na\r\n", then=loop.create_future())
    async with machine.tunnel() as tunnel:
        with pytest.raises(GoneError) as gone:
            async with machine.open(GET) as opened:
                assert await anext(aiter(opened.body)) == b"a"
                await world.manager.close(ANN, session.id)
                await anext(aiter(opened.body))
        assert await asyncio.wait_for(tunnel.ended, 5) == "closed_by_user"
        with pytest.raises(GoneError):
            await tunnel.dial()
    assert gone.value.fields["reason"] == "closed_by_user"
    with pytest.raises(GoneError):
        await asking
    with pytest.raises(GoneError):
        await machine.ask(GET)


async def test_an_upload_ends_with_the_session_too(world: World) -> None:
    session = await made(world)
    script = Script(world.agent(session), b"", then=asyncio.get_running_loop().create_future())
    machine = await world.manager.machine(SCOPED, session.id)

    async def endless() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.Event().wait()

    async def upload() -> None:
        async with machine.open(MachineRequest(method="PUT", path="/fs/write_file"), endless()):
            raise AssertionError

    uploading = spawn(upload(), name="upload")
    await asyncio.wait_for(script.heard.wait(), 5)
    await world.manager.close(ANN, session.id)
    with pytest.raises(GoneError):
        await asyncio.wait_for(uploading, 5)


async def test_no_more_than_so_many_are_under_way_and_places_come_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_EXCHANGES", 2)
    session = await made(world)
    Script(world.agent(session), answer({}))
    machine = await world.manager.machine(SCOPED, session.id)
    async with machine.tunnel(), machine.open(GET):
        with pytest.raises(BusyError):
            await machine.ask(GET)
        with pytest.raises(BusyError):
            async with machine.tunnel():
                pass
    assert await machine.ask(GET) == {}


async def test_a_request_is_use_of_the_session_for_as_long_as_it_lasts(world: World) -> None:
    session = await made(world, idle_timeout_s=60)
    Script(world.agent(session), CHUNKED + b"1\r\na\r\n", then=asyncio.get_running_loop().create_future())
    machine = await world.manager.machine(SCOPED, session.id)
    async with machine.open(GET):
        world.clock.advance(600)
        await world.agent(session).told("activity", {"clients": 0, "actions": 1})
        assert (await world.manager.get(ANN, session.id)).status == "ready"
    await world.agent(session).told("activity", {"clients": 0, "actions": 0})


async def test_notes_become_events(world: World) -> None:
    session = await made(world)
    machine = await world.manager.machine(SCOPED, session.id)
    machine.note(EventType.MACHINE_PROCESS, {"by": "ann", "action": "exec", "exit_code": 0})
    event = await world.told(session.id, EventType.MACHINE_PROCESS)
    assert event.data == {"by": "ann", "action": "exec", "exit_code": 0}


async def test_who_may_have_a_machine_is_checked(world: World) -> None:
    session, plain = await made(world), await world.ready(SCOPED)
    for principal, id_, reason in (
        (ANN, session.id, "machine_not_allowed"),
        (SCOPED, plain.id, "machine_off"),
        (ADMIN, plain.id, "machine_off"),
    ):
        with pytest.raises(DeniedError) as denied:
            await world.manager.machine(principal, id_)
        assert denied.value.fields["reason"] == reason
        await world.manager.machine(principal, id_, whole=False)
    with pytest.raises(NotFoundError):
        await world.manager.machine(BOB, session.id)
    with pytest.raises(DeniedError) as denied:
        await world.ready(ANN, machine=True)
    assert denied.value.fields["reason"] == "machine_not_allowed"
