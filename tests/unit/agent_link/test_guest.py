"""One question to an agent, whatever it answers."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloche.agent_link.dial import dial_unix
from cloche.agent_link.guest import HELLO, HUNG_UP, ask, ask_each
from cloche.concurrency.tasks import spawn
from cloche.errors import AgentError, DeadlineError, TooLargeError
from cloche.testing.guest_peer import SILENCE, GuestPeer, answer_from, frame
from cloche.wire.guest import Tagged, Verb

MAX_FRAME = 262144
PING = Tagged(Verb.PING)
MISMATCH = {
    "ProtocolMismatch": {
        "host_protocol_version": 0,
        "agent_protocol_version": 1,
        "required_action": "upgrade_host",
        "message": "say hello first",
    }
}
HELLO_ACK = {"ProtocolHelloAck": {"agent_protocol_version": 1, "min_supported_version": 1, "capabilities": []}}

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    stream, agent = socket.socketpair()
    stream.setblocking(False)
    agent.setblocking(False)
    with stream, agent:
        yield stream, agent


async def answered(pair: Pair, answer: bytes, *, hang_up: bool = True) -> Tagged:
    stream, agent = pair
    asking = spawn(ask(stream, PING, timeout_s=5 if hang_up else 0.05), name="ask")
    loop = asyncio.get_running_loop()
    assert await loop.sock_recv(agent, 4096) == b'\x00\x00\x00\x06"Ping"'
    with contextlib.suppress(OSError):  # it may have heard enough
        await loop.sock_sendall(agent, answer)
    if hang_up:
        agent.close()
    return await asking


async def test_an_answer_comes_back_and_the_stream_is_closed(pair: Pair) -> None:
    assert await answered(pair, frame("Pong")) == ("Pong", {})
    assert pair[0].fileno() == -1


async def test_fields_go_out_as_the_published_protocol_writes_them(pair: Pair) -> None:
    stream, agent = pair
    asking = spawn(ask(stream, Tagged(Verb.SLEEP_PREP, {"drain_timeout_secs": 30}), timeout_s=5), name="ask")
    sent = await asyncio.get_running_loop().sock_recv(agent, 4096)
    assert sent == struct.pack(">I", 39) + b'{"SleepPrep":{"drain_timeout_secs":30}}'
    agent.send(frame({"SleepPrepAck": {"success": True, "detail": None}}))
    assert await asking == ("SleepPrepAck", {"success": True, "detail": None})


async def test_a_refusal_is_an_answer_too(pair: Pair) -> None:
    assert await answered(pair, frame({"Error": {"message": "no"}})) == ("Error", {"message": "no"})


async def test_what_follows_the_answer_is_nobodys(pair: Pair) -> None:
    assert await answered(pair, frame("Pong") + frame("Wake") + b"\xff\xff") == ("Pong", {})


async def test_an_answer_of_the_greatest_size_passes(pair: Pair) -> None:
    text = "x" * (MAX_FRAME - len('{"Error":{"message":""}}'))
    assert await answered(pair, frame({"Error": {"message": text}})) == ("Error", {"message": text})


@pytest.mark.parametrize(
    "answer",
    [
        struct.pack(">I", MAX_FRAME + 1),
        b"\xff\xff\xff\xff" + b"x" * 100_000,
        b"OK 52\n" + frame("Pong"),
        struct.pack(">I", 0),
        struct.pack(">I", 4) + b"Pong",
        struct.pack(">I", 4) + b"\xff\xfe\xfd\xfc",
        frame(None),
        frame(7),
        frame([]),
        frame({}),
        frame({"Pong": 1}),
        frame({"Pong": {}, "Error": {}}),
        struct.pack(">I", MAX_FRAME) + b"[" * MAX_FRAME,
        struct.pack(">I", MAX_FRAME) + b"9" * MAX_FRAME,
    ],
    ids=lambda answer: repr(answer[:24]),
)
async def test_an_answer_that_is_no_good_is_the_agents_fault(pair: Pair, answer: bytes) -> None:
    with pytest.raises(AgentError) as failure:
        await answered(pair, answer)
    assert "agent_code" not in failure.value.fields
    assert pair[0].fileno() == -1, "the stream was not closed"


@pytest.mark.parametrize("answer", [b"", b"\x00", b"\x00\x00\x00\x06", frame("Pong")[:-1]])
async def test_hanging_up_without_a_whole_answer_is_told_apart(pair: Pair, answer: bytes) -> None:
    with pytest.raises(AgentError) as failure:
        await answered(pair, answer)
    assert failure.value.fields["agent_code"] == HUNG_UP
    assert pair[0].fileno() == -1


async def test_a_connection_that_is_reset_was_hung_up(pair: Pair) -> None:
    stream, agent = pair
    asking = spawn(ask(stream, PING, timeout_s=5), name="ask")
    await asyncio.sleep(0)
    agent.close()  # with the request unread, which resets the connection (unix(7))
    with pytest.raises(AgentError) as failure:
        await asking
    assert failure.value.fields["agent_code"] == HUNG_UP


async def test_what_was_said_before_hanging_up_on_the_request_is_heard(pair: Pair) -> None:
    stream, agent = pair
    agent.send(frame({"Error": {"message": "too many connections"}}))
    agent.close()
    assert await ask(stream, PING, timeout_s=5) == ("Error", {"message": "too many connections"})


@pytest.mark.parametrize("answer", [b"", b"\x00\x00", frame("Pong")[:-1]])
async def test_an_answer_that_does_not_come_in_time_is_not_waited_for(pair: Pair, answer: bytes) -> None:
    with pytest.raises(DeadlineError):
        await answered(pair, answer, hang_up=False)
    assert pair[0].fileno() == -1


async def test_an_agent_that_does_not_read_is_not_waited_for(pair: Pair) -> None:
    stream, _ = pair
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    with pytest.raises(DeadlineError):
        await ask(stream, Tagged(Verb.EXEC, {"command": "x" * 200_000}), timeout_s=0.05)
    assert stream.fileno() == -1


async def test_one_that_is_cancelled_closes_its_stream(pair: Pair) -> None:
    stream, agent = pair
    asking = spawn(ask(stream, PING, timeout_s=5), name="ask")
    await asyncio.get_running_loop().sock_recv(agent, 4096)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert stream.fileno() == -1


async def test_a_request_that_fits_into_no_frame_is_not_begun(pair: Pair) -> None:
    stream, agent = pair
    with pytest.raises(TooLargeError):
        await ask(stream, Tagged(Verb.EXEC, {"command": "x" * MAX_FRAME}), timeout_s=5)
    assert stream.fileno() == -1
    assert agent.recv(1) == b""


@given(st.one_of(st.binary(max_size=64), st.binary(max_size=64).map(lambda b: struct.pack(">I", len(b)) + b)))
@settings(max_examples=50)
def test_whatever_comes_back_is_an_answer_or_the_agents_fault(data: bytes) -> None:
    async def converse() -> None:
        stream, agent = socket.socketpair()
        stream.setblocking(False)
        agent.send(data)
        agent.close()
        with contextlib.suppress(AgentError):
            answer = await ask(stream, PING, timeout_s=5)
            assert json.loads(data[4 : 4 + struct.unpack(">I", data[:4])[0]]) in (answer.tag, {answer.tag: None})
        assert stream.fileno() == -1

    asyncio.run(converse())


async def test_each_question_gets_a_connection_of_its_own(tmp_path: Path) -> None:
    async with GuestPeer(tmp_path / "s") as peer:
        answers = await ask_each(partial(dial_unix, str(peer.path)), [PING, Tagged(Verb.WORKER_STATUS)])
    assert [answer.tag for answer in answers] == ["Pong", "WorkerStatus"]
    assert peer.requests == ["Ping", "WorkerStatus"] and peer.connections == 2


async def test_what_follows_a_failure_is_not_asked(tmp_path: Path) -> None:
    async with GuestPeer(tmp_path / "s", answer_from({"Wake": None})) as peer:
        with pytest.raises(AgentError):
            await ask_each(partial(dial_unix, str(peer.path)), [Tagged(Verb.WAKE), PING])
    assert peer.requests == ["Wake"]


async def test_the_deadline_is_for_each_answer(tmp_path: Path) -> None:
    async with GuestPeer(tmp_path / "s", answer_from({"Ping": SILENCE})) as peer:
        with pytest.raises(DeadlineError):
            await ask_each(partial(dial_unix, str(peer.path)), [PING], timeout_s=0.05)


async def test_an_agent_that_wants_a_greeting_gets_one_from_then_on(tmp_path: Path) -> None:
    greeted = False

    def answer(request: Any) -> Any:
        nonlocal greeted
        is_hello = request == {"ProtocolHello": HELLO.fields}
        was_greeted, greeted = greeted, is_hello
        return HELLO_ACK if is_hello else "Pong" if was_greeted else MISMATCH

    async with GuestPeer(tmp_path / "s", answer) as peer:
        answers = await ask_each(partial(dial_unix, str(peer.path)), [PING, PING])
    assert [answer.tag for answer in answers] == ["Pong", "Pong"]
    hello = {"ProtocolHello": HELLO.fields}
    assert peer.requests == ["Ping", hello, "Ping", hello, "Ping"] and peer.connections == 3


async def test_an_agent_of_another_version_is_not_pressed(tmp_path: Path) -> None:
    async with GuestPeer(tmp_path / "s", lambda _: MISMATCH) as peer:
        (answer,) = await ask_each(partial(dial_unix, str(peer.path)), [PING])
    assert answer.tag == "ProtocolMismatch" and peer.connections == 2


def test_the_greeting_has_exactly_the_fields_that_a_strict_agent_takes() -> None:
    assert HELLO.tag == "ProtocolHello"
    assert set(HELLO.fields) == {
        "host_protocol_version",
        "min_supported_version",
        "host_version",
        "requested_capabilities",
    }
