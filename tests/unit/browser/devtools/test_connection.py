"""Calls and events over one WebSocket, against a server that a test plays."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from cloche.browser.devtools import connection as devtools_connection
from cloche.browser.devtools.connection import MAX_UNSENT_PONGS, Connection
from cloche.browser.devtools.errors import (
    AnswerTooLargeError,
    ConnectionGoneError,
    DevToolsError,
    HeldUpError,
    NoAnswerError,
    RefusedError,
    TargetGoneError,
)
from cloche.browser.devtools.session import TargetSession
from cloche.concurrency.tasks import spawn
from cloche.wire.websocket import FrameReader, Opcode, accept_value, encode_frame

PATIENCE_S = 5.0
MAX_BYTES = 1 << 20


class Server:
    """Chromium's side of a socket pair."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self._frames = FrameReader(from_client=True, max_bytes=1 << 20)

    async def receive(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await asyncio.get_running_loop().sock_recv(self.sock, 1 << 16)

    async def send(self, data: bytes) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def shake_hands(self) -> None:
        head = (await self.receive()).decode()
        key = next(line.split(": ")[1] for line in head.split("\r\n") if line.startswith("Sec-WebSocket-Key"))
        answer = f"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: {accept_value(key)}\r\n\r\n"
        await self.send(answer.encode() + encode_frame(Opcode.TEXT, b'{"method":"Early.bird","params":{}}'))

    async def asked(self) -> Any:
        while (message := self._frames.next_message()) is None:
            self._frames.feed(await self.receive())
        return json.loads(message.data)

    async def tell(self, **message: Any) -> None:
        await self.send(encode_frame(Opcode.TEXT, json.dumps(message).encode()))


class World:
    def __init__(self, server: Server, connection: Connection, events: list[tuple[str, str, bytes]]) -> None:
        self.server = server
        self.connection = connection
        self.events = events

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():
                await asyncio.sleep(0)

    def call(self, method: str, session_id: str = "", seconds: float = PATIENCE_S) -> "asyncio.Task[dict[str, Any]]":
        deadline = asyncio.get_running_loop().time() + seconds
        return spawn(self.connection.call(method, session_id=session_id, deadline=deadline), name=method)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    ours, theirs = socket.socketpair()
    server = Server(theirs)
    events: list[tuple[str, str, bytes]] = []

    def take(session_id: str, method: str, params: msgspec.Raw) -> None:
        if method == "Bad.event":
            raise KeyError("frame")
        events.append((session_id, method, bytes(params)))

    shaking = spawn(server.shake_hands(), name="shake")
    connection = await Connection.connect(ours, "/devtools/browser/x", "127.0.0.1:9222", take, max_bytes=MAX_BYTES)
    await shaking
    yield World(server, connection, events)
    connection.close()
    theirs.close()


async def test_a_call_gets_its_own_answer(world: World) -> None:
    first, second = world.call("A.one"), world.call("A.two", "S")
    asked = [await world.server.asked(), await world.server.asked()]
    assert [(one["method"], one.get("sessionId")) for one in asked] == [("A.one", None), ("A.two", "S")]
    await world.server.tell(id=asked[1]["id"], result={"n": 2}, sessionId="S")
    await world.server.tell(id=asked[0]["id"], result={"n": 1})
    assert (await first, await second) == ({"n": 1}, {"n": 2})


async def test_events_come_in_order_also_those_behind_the_handshake(world: World) -> None:
    for number in range(3):
        await world.server.tell(method="B.c", params={"n": number}, sessionId="S")
    last = world.call("A.barrier")
    await world.server.tell(id=(await world.server.asked())["id"], result={})
    await last
    assert [event[1] for event in world.events] == ["Early.bird", "B.c", "B.c", "B.c"]
    assert world.events[2] == ("S", "B.c", b'{"n": 1}')


async def test_a_refusal_is_told_with_its_message(world: World) -> None:
    call = world.call("A.b")
    await world.server.tell(id=(await world.server.asked())["id"], error={"code": -32000, "message": "no such frame"})
    with pytest.raises(RefusedError) as refused:
        await call
    assert (refused.value.code, refused.value.message) == (-32000, "no such frame")


async def test_no_answer_in_time_is_an_error_and_a_late_one_is_nobodys(world: World) -> None:
    call = world.call("A.b", seconds=0.02)
    number = (await world.server.asked())["id"]
    with pytest.raises(NoAnswerError):
        await call
    await world.server.tell(id=number, result={})
    after = world.call("A.c")
    await world.server.tell(id=(await world.server.asked())["id"], result={"ok": True})
    assert await after == {"ok": True}


async def test_an_answer_that_is_too_large_fails_its_call_alone(world: World) -> None:
    large, other = world.call("A.large"), world.call("A.other")
    numbers = [(await world.server.asked())["id"] for _ in range(2)]
    begin = f'{{"id":{numbers[0]},"result":"'.encode()
    size = MAX_BYTES + 1
    await world.server.send(b"\x81\x7f" + size.to_bytes(8, "big") + begin)
    rest, piece = size - len(begin), b"x" * (1 << 20)
    while rest:
        await world.server.send(piece[:rest])
        rest -= min(rest, len(piece))
    await world.server.tell(id=numbers[1], result={"ok": True})
    with pytest.raises(AnswerTooLargeError):
        await large
    assert await other == {"ok": True}


@pytest.mark.parametrize("farewell", [b"", encode_frame(Opcode.CLOSE, b"\x03\xe8"), b"\x01\x01a"])
async def test_the_end_fails_all_that_waits(world: World, farewell: bytes) -> None:
    calls = [world.call("A.b"), world.call("A.c", "S")]
    await world.server.asked()
    if farewell:
        await world.server.send(farewell)
    else:
        world.server.sock.shutdown(socket.SHUT_RDWR)
    for call in calls:
        with pytest.raises(ConnectionGoneError):
            await call
    assert world.connection.is_closed
    with pytest.raises(ConnectionGoneError):
        await world.connection.begin("A.d")


async def test_a_dialog_ends_the_waiting_but_for_what_works_beside_it(world: World) -> None:
    held, beside = world.call("Runtime.evaluate", "S"), world.connection.begin("Page.x", session_id="S", held_up=False)
    numbers = [(await world.server.asked())["id"] for _ in range(2)]
    world.connection.fail(["S"], HeldUpError("a dialog"), only_held_up=True)
    with pytest.raises(HeldUpError):
        await held
    assert not beside.done()
    await world.server.tell(id=max(numbers), result={})
    await world.server.tell(id=min(numbers), result={})
    await beside


async def test_a_session_that_has_gone_answers_nothing(world: World) -> None:
    session = TargetSession(world.connection, "S", "T")
    waiting = session.begin("A.b")
    session.gone(crashed=True)
    with pytest.raises(TargetGoneError) as gone:
        await waiting
    assert gone.value.crashed
    with pytest.raises(DevToolsError):
        await session.begin("A.c")


async def test_pings_are_answered(world: World) -> None:
    await world.server.send(encode_frame(Opcode.PING, b"beat"))
    frames = FrameReader(from_client=True, max_bytes=100)
    frames.feed(await world.server.receive())
    message = frames.next_message()
    assert message is not None
    assert message == (Opcode.PONG, b"beat")


async def test_pings_of_who_takes_nothing_in_are_not_hoarded(world: World) -> None:
    pings = encode_frame(Opcode.PING, b"x" * 125) * 4096
    for _ in range(4):
        await world.server.send(pings)
    await world.server.tell(method="A.late")
    await world.until(lambda: world.events[-1][1] == "A.late")
    assert world.connection._socket.unsent_bytes < MAX_UNSENT_PONGS + 256


async def test_an_event_that_breaks_what_takes_it_costs_nothing_else(world: World) -> None:
    call = world.call("A.call")
    await world.server.asked()
    bad = encode_frame(Opcode.TEXT, b'{"method":"Bad.event","params":{}}')
    deep = encode_frame(Opcode.TEXT, b'{"method":"A.deep","params":' + b"[" * 9_000 + b"]" * 9_000 + b"}")
    answer = encode_frame(Opcode.TEXT, b'{"id":1,"result":{"a":1}}')
    with capture_logs() as logs:
        await world.server.send(bad + deep + bad + deep + answer)
        assert await call == {"a": 1}
    assert not world.connection.is_closed
    # Each kind once: a browser could fill the log.
    assert [entry["event"] for entry in logs] == ["devtools_event_broke", "devtools_not_understood"]


async def test_a_flood_is_taken_in_slices_that_leave_time_for_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devtools_connection, "BUSY_S", 0.0)
    turns: list[int] = []

    def turn() -> None:
        turns.append(len(world.events))
        if len(world.events) < 101:
            asyncio.get_running_loop().call_soon(turn)

    turn()
    await world.server.send(encode_frame(Opcode.TEXT, b'{"method":"A.event","params":{}}') * 100)
    await world.until(lambda: len(world.events) == 101)
    steps = {later - earlier for earlier, later in pairwise(turns)}
    assert steps <= {0, 1}


async def test_a_browser_that_answers_nothing_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devtools_connection, "MAX_UNDER_WAY", 50)
    futures = [world.connection.begin("A.call") for _ in range(50)]
    assert not world.connection.is_closed
    with pytest.raises(ConnectionGoneError):
        await world.connection.begin("A.call")
    assert world.connection.is_closed
    assert all(future.done() for future in futures)


async def test_what_had_come_of_a_message_goes_with_the_connection(world: World) -> None:
    whole = encode_frame(Opcode.TEXT, b"x" * 500_000)
    await world.server.send(whole[:400_000])
    await world.until(lambda: len(world.connection._reader._pending) > 300_000)
    world.connection.close()
    assert not world.connection._reader._pending


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 403 No\r\n\r\n", b"HTTP/1.1 101 Yes\r\nSec-WebSocket-Accept: wrong\r\n\r\n", b"x" * 20_000]
)
async def test_whoever_does_not_shake_hands_is_refused(answer: bytes) -> None:
    ours, theirs = socket.socketpair()
    server = Server(theirs)
    await server.send(answer)
    with pytest.raises(ConnectionGoneError):
        await Connection.connect(ours, "/", "h", lambda *_: None)
    theirs.close()
