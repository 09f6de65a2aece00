"""A program's WebSocket through the door: who may, what passes, and how it ends. The agent's end is the test's."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cloche.api.auth import revocation
from cloche.concurrency.tasks import spawn
from cloche.sessions.principal import Role
from cloche.testing.api import RunningApi, running_api
from cloche.wire.http_head import RequestHead, parse_head
from cloche.wire.websocket import Opcode, accept_value, encode_close, encode_frame

PROCESS = str(UUID(int=9, version=4))


@pytest.fixture
async def api() -> AsyncIterator[RunningApi]:
    async with running_api() as running:
        yield running


@pytest.fixture
async def url(api: RunningApi) -> str:
    session = await api.session({"machine": True})
    return f"ws://127.0.0.1:{api.port}/v1/sessions/{session['id']}/process/{PROCESS}/attach"


def dial(url: str, key: str | None, **options: Any) -> connect:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return connect(url, proxy=None, ping_interval=None, additional_headers=headers, **options)


async def refused(url: str, key: str | None, **options: Any) -> tuple[int, bytes]:
    with pytest.raises(InvalidStatus) as raised:
        async with dial(url, key, **options):
            raise AssertionError("the door let it in")
    return raised.value.response.status_code, bytes(raised.value.response.body or b"")


class Agent:
    """The agent's end of one stream."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.received = b""

    async def head(self) -> RequestHead:
        while (found := parse_head(self.received)) is None:
            self.received += await self.receive()
        return found

    async def receive(self) -> bytes:
        async with asyncio.timeout(5):
            return await asyncio.get_running_loop().sock_recv(self.connection, 65_536)

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.connection, data)


@asynccontextmanager
async def agent_of(api: RunningApi) -> AsyncIterator[Agent]:
    async with asyncio.timeout(5):
        connection = await api.manager.session_machine.dialled.get()
    with connection:
        yield Agent(connection)


@asynccontextmanager
async def attached(api: RunningApi, url: str, rest: bytes = b"", **options: Any) -> AsyncIterator[Any]:
    """A client that is through, and the agent it is through to."""
    opening = spawn(_open(url, api.user_key, options), name="client")
    try:
        async with agent_of(api) as agent:
            await agent.head()
            words = "HTTP/1.1 101 Whatever\r\nSet-Cookie: x=y\r\nSec-WebSocket-Accept: nonsense\r\n\r\n"
            await agent.send(words.encode() + rest)
            client = await opening
            try:
                yield client, agent
            finally:
                agent.connection.close()
                await client.close()
    finally:
        opening.cancel()
        await asyncio.wait({opening})


async def _open(url: str, key: str, options: dict[str, Any]) -> ClientConnection:
    return await dial(url, key, **options)


async def close_of(client: ClientConnection) -> tuple[int, str]:
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionClosed) as raised:
            while True:
                await client.recv()
    frame = raised.value.rcvd
    return (frame.code, frame.reason) if frame else (1006, "")


async def test_bytes_pass_both_ways_and_nothing_of_the_agents_head_does(api: RunningApi, url: str) -> None:
    async with attached(api, url, encode_frame(Opcode.BINARY, b"$ ")) as (client, agent):
        assert await client.recv() == b"$ ", "what came behind the head"
        fields = client.response.headers
        assert fields["Sec-WebSocket-Accept"] == accept_value(client.request.headers["Sec-WebSocket-Key"])
        assert "Set-Cookie" not in fields
        await client.send(b"ls\n")
        assert len(await agent.receive()) == 2 + 4 + 3, "a masked frame, as it was sent"
        await agent.send(encode_frame(Opcode.BINARY, b"x" * 70_000))
        assert await client.recv() == b"x" * 70_000


async def test_the_agent_sees_only_what_the_handshake_needs(api: RunningApi, url: str) -> None:
    origin = f"http://127.0.0.1:{api.port}"
    opening = spawn(refused(f"{url}?token=abc", api.user_key, origin=origin, subprotocols=["tty"]), name="client")
    async with agent_of(api) as agent:
        head = await agent.head()
        assert (head.method, head.path, head.query) == ("GET", f"/process/{PROCESS}/attach", {})
        assert set(head.fields) == {
            "host", "connection", "upgrade", "sec-websocket-version", "sec-websocket-key"
        }  # fmt: skip
    await opening


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (
            b'HTTP/1.1 404 N\r\nContent-Length: 41\r\n\r\n{"code":"no_such_process","message":"no"}\n',
            404,
            b"no_such_process",
        ),
        (
            b'HTTP/1.1 409 C\r\nContent-Length: 40\r\n\r\n{"code":"process_exited","message":"no"}\n',
            409,
            b"process_exited",
        ),
        (b"HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\n{}", 502, b"agent_failed"),
        (b"HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\n{}", 502, b"agent_failed"),
        (b"HTTP/1.1 404 N\r\nContent-Length: 99999999\r\n\r\n", 502, b"agent_failed"),
        (b"HTTP/1.1 404 N\r\n\r\n", 502, b"agent_failed"),
        (b"nonsense\r\n\r\n", 502, b"agent_failed"),
        (b"", 502, b"agent_failed"),
    ],
)
async def test_what_the_agent_refuses_is_a_problem_before_the_upgrade(
    api: RunningApi, url: str, answer: bytes, status: int, words: bytes
) -> None:
    opening = spawn(refused(url, api.user_key), name="client")
    async with agent_of(api) as agent:
        await agent.head()
        await agent.send(answer)
    told, body = await opening
    assert (told, words in body) == (status, True), body


async def test_only_a_key_that_may_opens_it(api: RunningApi, url: str) -> None:
    session = await api.session({"machine": True})
    token = session["connect_url"].rpartition("=")[2]
    own = url.replace(url.split("/")[5], session["id"])
    assert (await refused(f"{own}?token={token}", None))[0] == 401, "a connect link drives a browser, and no more"
    assert (await refused(url, None))[0] == 401
    assert (await refused(url, "ck_wrong"))[0] == 401
    assert (await refused(url, api.other_key))[0] == 404
    _, plain_key = await api.keys.create(principal="alice", role=Role.USER)
    status, body = await refused(url, plain_key)
    assert (status, b"machine_not_allowed" in body) == (403, True)
    without = url.replace(url.split("/")[5], await api.session_id())
    status, body = await refused(without, api.user_key)
    assert (status, b"machine_off" in body) == (403, True)
    assert (await refused(url, api.user_key, origin="https://evil.test"))[0] == 403
    assert (await refused(url.replace(PROCESS, "x"), api.user_key))[0] == 404
    assert (await refused(url.replace(PROCESS, PROCESS.upper()[:-1] + "A"), api.user_key))[0] == 404
    assert api.manager.session_machine.dialled.empty()


async def test_the_agents_own_close_is_passed_on(api: RunningApi, url: str) -> None:
    async with attached(api, url) as (client, agent):
        await agent.send(encode_close(1000, "exit 0"))
        closing = spawn(close_of(client), name="close")
        await agent.receive()
        agent.connection.close()
        assert await closing == (1000, "exit 0")


async def test_an_agent_that_goes_without_a_word_is_told_as_its_failure(api: RunningApi, url: str) -> None:
    async with attached(api, url) as (client, agent):
        agent.connection.close()
        assert await close_of(client) == (1011, "agent_failed")


async def test_the_sessions_end_is_told_with_its_reason_and_the_place_given_back(api: RunningApi, url: str) -> None:
    machine = api.manager.session_machine
    async with attached(api, url) as (client, _):
        machine.tunnels[0].ended.set_result("idle_timeout")
        assert await close_of(client) == (4408, "idle_timeout")
    async with asyncio.timeout(5):
        while machine.tunnels:
            await asyncio.sleep(0)


async def test_a_key_that_is_revoked_ends_what_it_has_opened(
    api: RunningApi, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocation, "LOOK_EVERY_S", 0.02)
    async with attached(api, url) as (client, _):
        for record in (await api.keys.list()).keys:
            await api.keys.revoke(record.id)
        assert await close_of(client) == (4401, "key_revoked")


async def test_a_session_that_ends_during_the_handshake_is_gone(api: RunningApi, url: str) -> None:
    opening = spawn(refused(url, api.user_key), name="client")
    async with agent_of(api) as agent:
        await agent.head()
        api.manager.session_machine.tunnels[0].ended.set_result("idle_timeout")
    status, body = await asyncio.wait_for(opening, 5)
    assert (status, b"idle_timeout" in body) == (410, True)


async def test_a_client_that_leaves_ends_the_agents_stream(api: RunningApi, url: str) -> None:
    async with attached(api, url) as (client, agent):
        client.transport.abort()
        with contextlib.suppress(ConnectionError):
            while await agent.receive():
                pass
    async with asyncio.timeout(5):
        while api.manager.session_machine.tunnels:
            await asyncio.sleep(0)


async def test_the_servers_stop_is_told() -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with running_api() as api:
            session = await api.session({"machine": True})
            url = f"ws://127.0.0.1:{api.port}/v1/sessions/{session['id']}/process/{PROCESS}/attach"
            client, _ = await stack.enter_async_context(attached(api, url))
            closing = spawn(close_of(client), name="close")
        assert await closing == (1001, "server_stopping")
