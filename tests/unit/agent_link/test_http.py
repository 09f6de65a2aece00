import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from cloche.agent_link.http import MAX_BODY_BYTES, MAX_HEAD_BYTES, get
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
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
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
