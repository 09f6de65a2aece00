import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloche.agent_link import http as module
from cloche.agent_link.http import MAX_BODY_BYTES, MAX_HEAD_BYTES, PIECE_BYTES, Request, exchange, get
from cloche.agent_link.http_body import MAX_LINES
from cloche.concurrency.tasks import spawn
from cloche.errors import AgentError, DeadlineError
from cloche.testing.link_peer import http_answer


@pytest.fixture
async def pair() -> AsyncIterator[tuple[socket.socket, socket.socket]]:
    stream, agent = socket.socketpair()
    stream.setblocking(False)
    agent.setblocking(False)
    with stream, agent:
        yield stream, agent


async def ask(pair: tuple[socket.socket, socket.socket], answer: bytes, *, hang_up: bool = True) -> tuple[int, bytes]:
    stream, agent = pair
    asking = spawn(get(stream, "/health", timeout_s=0.05 if not hang_up else 5), name="ask")
    loop = asyncio.get_running_loop()
    request = await loop.sock_recv(agent, 4096)
    assert request == b"GET /health HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n"
    with contextlib.suppress(OSError):  # it may have heard enough
        await loop.sock_sendall(agent, answer)
    if hang_up:
        agent.close()
    return await asking


async def test_status_and_body_come_back(pair: tuple[socket.socket, socket.socket]) -> None:
    assert await ask(pair, http_answer({"a": 1}, status=503)) == (503, b'{"a": 1}')


async def test_what_follows_the_body_is_not_part_of_it(pair: tuple[socket.socket, socket.socket]) -> None:
    assert await ask(pair, http_answer([]) + b"HTTP/1.1 200 OK\r\n") == (200, b"[]")


async def test_a_body_of_the_greatest_size_passes(pair: tuple[socket.socket, socket.socket]) -> None:
    body = b"x" * MAX_BODY_BYTES
    head = f"HTTP/1.0 200 OK\r\ncontent-length:  {MAX_BODY_BYTES}\r\n\r\n".encode()

    assert await ask(pair, head + body) == (200, body)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"nonsense\r\n\r\n",
        b"HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 99 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 101 Switching\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2e0\r\n\r\n{}",
        f"HTTP/1.1 200 OK\r\nContent-Length: {MAX_BODY_BYTES + 1}\r\n\r\n".encode(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * MAX_HEAD_BYTES * 3 + b"\r\n\r\n",
        b"x" * 100_000,
    ],
)
async def test_an_answer_that_is_no_good_is_the_agents_fault(
    pair: tuple[socket.socket, socket.socket], answer: bytes
) -> None:
    with pytest.raises(AgentError):
        await ask(pair, answer)
    assert pair[0].fileno() == -1, "the stream was not closed"


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
async def test_an_answer_that_does_not_come_in_time_is_not_waited_for(
    pair: tuple[socket.socket, socket.socket], answer: bytes
) -> None:
    with pytest.raises(DeadlineError):
        await ask(pair, answer, hang_up=False)
    assert pair[0].fileno() == -1


async def test_one_that_is_cancelled_closes_its_stream(pair: tuple[socket.socket, socket.socket]) -> None:
    stream, agent = pair
    asking = spawn(get(stream, "/health", timeout_s=5), name="ask")
    await asyncio.get_running_loop().sock_recv(agent, 4096)
    asking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asking
    assert stream.fileno() == -1


# --- one exchange, read as it comes ---------------------------------------------------------------------------------

Pair = tuple[socket.socket, socket.socket]
GET = Request(method="GET", target="/x")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def play(agent: socket.socket, answer: bytes, *, until: bytes = b"\r\n\r\n", hang_up: bool = True) -> bytes:
    """Read a request up to `until`, answer, and hang up. Returns what was read."""
    loop, request = asyncio.get_running_loop(), b""
    with contextlib.suppress(OSError):
        while until not in request and (data := await loop.sock_recv(agent, 65_536)):
            request += data
        await loop.sock_sendall(agent, answer)
    if hang_up:
        agent.close()
    return request


async def pieces_of(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_an_answer_is_handed_on_as_it_comes(pair: Pair) -> None:
    stream, agent = pair
    playing = spawn(play(agent, CHUNKED + b"3\r\nabc\r\n", hang_up=False), name="agent")
    async with exchange(stream, GET, timeout_s=5) as answer:
        assert (answer.status, answer.length) == (200, None)
        assert await anext(answer.body) == b"abc"
        await asyncio.get_running_loop().sock_sendall(agent, b"1\r\nd\r\n0\r\n\r\n")
        assert [piece async for piece in answer.body] == [b"d"]
    await playing
    assert stream.fileno() == -1


async def test_a_large_body_passes_whole_and_is_not_read_ahead(pair: Pair) -> None:
    stream, agent = pair
    piece, count = bytes(range(256)) * 1024, 40
    data = CHUNKED + (b"%x\r\n%b\r\n" % (len(piece), piece)) * count + b"0\r\n\r\n"
    playing = spawn(play(agent, data), name="agent")
    read = bytearray()
    async with exchange(stream, GET, timeout_s=5) as answer:
        async for part in answer.body:
            assert len(part) <= PIECE_BYTES
            read += part
    assert read == piece * count
    await playing


async def test_a_body_in_crumbs_leaves_others_their_turns(pair: Pair) -> None:
    stream, agent = pair
    agent.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIECE_BYTES)
    playing = spawn(play(agent, CHUNKED + b"1\r\nx\r\n" * 100_000 + b"0\r\n\r\n"), name="agent")
    async with exchange(stream, GET, timeout_s=5) as answer:
        pieces = [piece async for piece in answer.body]
    assert b"".join(pieces) == b"x" * 100_000
    assert max(map(len, pieces)) <= MAX_LINES
    await playing


async def test_a_slow_reader_holds_the_agent_back(pair: Pair) -> None:
    stream, agent = pair
    data = CHUNKED + b"ffffff\r\n" + b"x" * 0xFFFFFF + b"\r\n0\r\n\r\n"
    playing = spawn(play(agent, data), name="agent")
    async with exchange(stream, GET, timeout_s=5) as answer:
        await anext(answer.body)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not playing.done(), "16 MiB fit nowhere but into the daemon"
    await playing


async def test_the_agents_own_fields_are_told_and_no_others(pair: Pair) -> None:
    stream, agent = pair
    head = b"HTTP/1.1 206 P\r\nCloche-Size: 12\r\nSet-Cookie: a\r\ncloche-bad: \xff\r\nContent-Length: 1\r\n"
    playing = spawn(play(agent, head + b"cloche-long: " + b"x" * 300 + b"\r\n\r\nz"), name="agent")
    async with exchange(stream, GET, timeout_s=5) as answer:
        assert (answer.status, answer.length, answer.fields) == (206, 1, {"cloche-size": "12"})
        assert await answer.body.read(10) == b"z"
    await playing


async def test_a_json_body_and_a_streamed_one_are_framed_as_they_must_be(pair: Pair) -> None:
    stream, agent = pair
    playing = spawn(play(agent, b"HTTP/1.1 204 No\r\n\r\n", until=b"{}"), name="agent")
    async with exchange(stream, Request(method="POST", target="/a?b=c%20d", json=b"{}"), timeout_s=5) as answer:
        assert (answer.status, answer.length) == (204, 0)
    request = (await playing).decode()
    assert request.startswith("POST /a?b=c%20d HTTP/1.1\r\n")
    assert "Content-Length: 2\r\n" in request


async def test_a_streamed_body_is_sent_in_chunks(pair: Pair) -> None:
    stream, agent = pair
    playing = spawn(play(agent, http_answer({}), until=b"0\r\n\r\n"), name="agent")
    body = pieces_of(b"ab", b"", b"x" * 20)
    async with exchange(stream, Request(method="PUT", target="/x"), body, timeout_s=5) as answer:
        assert await answer.body.read(10) == b"{}"
    assert (await playing).endswith(b"\r\n\r\n2\r\nab\r\n14\r\n" + b"x" * 20 + b"\r\n0\r\n\r\n")


async def test_an_answer_before_the_body_has_been_sent_ends_the_sending(pair: Pair) -> None:
    stream, agent = pair
    stopped = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            yield b"a"
            await asyncio.Event().wait()
        finally:
            stopped.set()

    playing = spawn(play(agent, http_answer({"code": "full"}, status=507)), name="agent")
    async with exchange(stream, Request(method="PUT", target="/x"), endless(), timeout_s=5) as answer:
        assert answer.status == 507
        assert stopped.is_set()
    await playing


async def test_an_agent_that_hangs_up_on_a_body_is_still_heard(pair: Pair) -> None:
    stream, agent = pair

    async def much() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"x" * 65_536

    playing = spawn(play(agent, http_answer({}, status=413)), name="agent")
    async with exchange(stream, Request(method="PUT", target="/x"), much(), timeout_s=5) as answer:
        assert answer.status == 413
    await playing


async def test_what_a_body_fails_of_is_raised_and_ends_the_exchange(pair: Pair) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with exchange(pair[0], Request(method="PUT", target="/x"), broken(), timeout_s=5):
            pass
    assert pair[0].fileno() == -1


async def test_a_bodys_own_timeout_is_not_taken_for_the_agents(pair: Pair) -> None:
    async def late() -> AsyncIterator[bytes]:
        yield b"a"
        raise TimeoutError

    with pytest.raises(TimeoutError):
        async with exchange(pair[0], Request(method="PUT", target="/x"), late(), timeout_s=5):
            pass


@pytest.mark.parametrize(
    "rest", [b"5\r\nab", b"zz\r\n", b"2\r\nabX\r\n", b"ffffffffff\r\n", b"1;" + b"x" * 100, b"2\r\nab\r\n", b"0\r\n"]
)
async def test_a_body_that_breaks_off_or_lies_is_the_agents_fault(pair: Pair, rest: bytes) -> None:
    stream, agent = pair
    playing = spawn(play(agent, CHUNKED + rest), name="agent")
    with pytest.raises(AgentError):
        async with exchange(stream, GET, timeout_s=5) as answer:
            await answer.body.read(100)
    await playing


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 1\r\nContent-Length: 2\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"",
        b"X: y\r\n" * 40 + b"Content-Length: 0\r\n",
        b"cloche-a: " + b"x" * 20_000 + b"\r\n",
        b"no colon\r\n",
    ],
)
async def test_a_head_that_can_be_read_two_ways_or_floods_is_refused(pair: Pair, fields: bytes) -> None:
    stream, agent = pair
    playing = spawn(play(agent, b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n"), name="agent")
    with pytest.raises(AgentError):
        async with exchange(stream, GET, timeout_s=5):
            pass
    stream.close()
    await playing


async def test_the_head_has_a_deadline_and_the_body_another(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    stream, agent = pair
    monkeypatch.setattr(module, "SILENCE_S", 0.05)
    playing = spawn(play(agent, CHUNKED + b"1\r\na\r\n", hang_up=False), name="agent")
    with pytest.raises(DeadlineError):
        async with exchange(stream, GET, timeout_s=5) as answer:
            await answer.body.read(10)
    await playing
    assert stream.fileno() == -1


async def test_an_agent_that_takes_nothing_of_a_request_is_not_waited_for(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENCE_S", 0.05)
    with pytest.raises(DeadlineError):
        async with exchange(pair[0], Request(method="PUT", target="/x", json=b"x" * 10_000_000), timeout_s=5):
            pass


async def test_an_exchange_that_is_cancelled_while_it_sends_closes_its_stream(pair: Pair) -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.Event().wait()

    async def put() -> None:
        async with exchange(pair[0], Request(method="PUT", target="/x"), never(), timeout_s=5):
            pass

    putting = spawn(put(), name="put")
    await asyncio.get_running_loop().sock_recv(pair[1], 4096)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert pair[0].fileno() == -1


@pytest.mark.parametrize("target", ["x", "/a b", "/a\r\nX: y", "/é", "/" + "x" * 20_000])
async def test_a_target_that_is_not_encoded_is_not_sent(pair: Pair, target: str) -> None:
    with pytest.raises(ValueError, match="percent-encoded"):
        async with exchange(pair[0], Request(method="GET", target=target), timeout_s=5):
            pass


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(st.binary(max_size=400), st.binary(max_size=200).map(lambda rest: CHUNKED + rest)))
def test_whatever_an_agent_answers_it_is_read_or_its_fault(data: bytes) -> None:
    async def once() -> None:
        stream, agent = socket.socketpair()
        stream.setblocking(False)
        agent.setblocking(False)
        with stream, agent:
            playing = spawn(play(agent, data), name="agent")
            with contextlib.suppress(AgentError):
                async with exchange(stream, GET, timeout_s=5) as answer:
                    assert 200 <= answer.status <= 599
                    await answer.body.read(1000)
            await playing

    asyncio.run(once())
