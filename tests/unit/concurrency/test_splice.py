"""Two real socket pairs and a splice between their inner ends, under uvloop and under asyncio's own loop."""

import asyncio
import errno
import hashlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from cloche.concurrency.splice import (
    BUFFER_BYTES,
    Side,
    SpliceEnd,
    SpliceResult,
    Way,
    abort,
    splice,
)
from cloche.concurrency.tasks import cancel_and_wait, spawn

BOTH_LOOPS = True


@dataclass
class Line:
    """left ── (a) splice (b) ── right"""

    left: socket.socket
    a: socket.socket
    b: socket.socket
    right: socket.socket


@pytest.fixture
def line() -> Iterator[Line]:
    with ExitStack() as stack:
        ends = (*tcp_pair(), *tcp_pair())
        for end in ends:
            end.setblocking(False)
            stack.enter_context(end)
        yield Line(*ends)


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    return near, far


async def read_to_end(sock: socket.socket) -> bytes:
    loop, received = asyncio.get_running_loop(), bytearray()
    while data := await loop.sock_recv(sock, 1 << 20):
        received += data
    return bytes(received)


async def send_and_end(sock: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(sock, data)
    sock.shutdown(socket.SHUT_WR)


@pytest.fixture
async def running() -> AsyncIterator[list["asyncio.Task[SpliceResult]"]]:
    tasks: list[asyncio.Task[SpliceResult]] = []
    yield tasks
    await cancel_and_wait(*tasks)


async def test_bytes_pass_both_ways_and_are_counted(line: Line) -> None:
    loop = asyncio.get_running_loop()
    task = spawn(splice(line.a, line.b), name="splice")
    async with asyncio.timeout(5):
        await loop.sock_sendall(line.left, b"ping")
        assert await loop.sock_recv(line.right, 100) == b"ping"
        await loop.sock_sendall(line.right, b"pong!")
        assert await loop.sock_recv(line.left, 100) == b"pong!"
        line.left.shutdown(socket.SHUT_WR)
        line.right.shutdown(socket.SHUT_WR)
        assert await task == SpliceResult(4, 5, SpliceEnd.EOF, Side.A)


async def test_a_half_close_is_passed_on_while_the_other_way_stays_open(line: Line) -> None:
    loop = asyncio.get_running_loop()
    task = spawn(splice(line.a, line.b), name="splice")
    async with asyncio.timeout(5):
        await send_and_end(line.left, b"question")
        assert await read_to_end(line.right) == b"question"
        await loop.sock_sendall(line.right, b"answer")
        assert await loop.sock_recv(line.left, 100) == b"answer"
        assert not task.done()
        line.right.shutdown(socket.SHUT_WR)
        assert await loop.sock_recv(line.left, 100) == b""
        assert (await task).end is SpliceEnd.EOF


async def test_more_than_all_buffers_hold_arrives_whole_and_in_order_both_ways(line: Line) -> None:
    forth, back = os.urandom(12 * BUFFER_BYTES + 7), os.urandom(9 * BUFFER_BYTES + 1)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        run = group.create_task(splice(line.a, line.b))
        group.create_task(send_and_end(line.left, forth))
        group.create_task(send_and_end(line.right, back))
        at_right = group.create_task(read_to_end(line.right))
        at_left = group.create_task(read_to_end(line.left))
    assert hashlib.sha256(at_right.result()).digest() == hashlib.sha256(forth).digest()
    assert hashlib.sha256(at_left.result()).digest() == hashlib.sha256(back).digest()
    assert (run.result().a_to_b_bytes, run.result().b_to_a_bytes) == (len(forth), len(back))


async def test_a_reader_that_stops_holds_the_writer_back(
    line: Line, running: list["asyncio.Task[SpliceResult]"]
) -> None:
    for sock in (line.left, line.a, line.b, line.right):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    seen = 0

    def count(chunk: memoryview) -> None:
        nonlocal seen
        seen += len(chunk)

    running.append(spawn(splice(line.a, line.b, a_to_b=Way(tap=count)), name="splice"))
    sent = await fill(line.left)
    # Everything the writer could get rid of is in kernel buffers and in the one chunk that the splice holds.
    assert sent < 16 * 1024 * 1024
    assert seen <= sent
    async with asyncio.timeout(10):
        received = 0
        while received < sent:
            received += len(await asyncio.get_running_loop().sock_recv(line.right, 1 << 20))
    assert received == sent == seen


async def fill(sock: socket.socket) -> int:
    """Send until nothing goes out for 50 turns of the loop; bounded, so that no back-pressure shows as a number."""
    sent, stuck = 0, 0
    while stuck < 50 and sent < 64 * 1024 * 1024:
        try:
            sent += sock.send(bytes(64 * 1024))
            stuck = 0
        except BlockingIOError:
            stuck += 1
            await asyncio.sleep(0.002)
    return sent


async def test_heads_go_first_and_through_tap_and_quota(line: Line) -> None:
    tapped: list[bytes] = []
    asked: list[int] = []

    def allow(count: int) -> int:
        asked.append(count)
        return count

    way = Way(head=b"early ", tap=lambda chunk: tapped.append(bytes(chunk)), quota=allow)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        run = group.create_task(splice(line.a, line.b, a_to_b=way, b_to_a=Way(head=b"banner")))
        group.create_task(send_and_end(line.left, b"late"))
        at_right = group.create_task(read_to_end(line.right))
        group.create_task(send_and_end(line.right, b""))
        at_left = group.create_task(read_to_end(line.left))
    assert at_right.result() == b"".join(tapped) == b"early late"
    assert at_left.result() == b"banner"
    assert sum(asked) == run.result().a_to_b_bytes == 10


async def test_a_head_larger_than_the_socket_buffer_still_arrives_before_the_rest(line: Line) -> None:
    head = os.urandom(8 * 1024 * 1024)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(splice(line.a, line.b, a_to_b=Way(head=head)))
        group.create_task(send_and_end(line.left, b"tail"))
        at_right = group.create_task(read_to_end(line.right))
        group.create_task(send_and_end(line.right, b""))
    assert at_right.result() == head + b"tail"


async def test_a_quota_lets_exactly_its_bytes_through_and_ends_the_splice(line: Line) -> None:
    left = 10

    def quota(count: int) -> int:
        nonlocal left
        granted = min(count, left)
        left -= granted
        return granted

    async with asyncio.timeout(5):
        run = spawn(splice(line.a, line.b, b_to_a=Way(quota=quota)), name="splice")
        await asyncio.get_running_loop().sock_sendall(line.right, b"x" * 50)
        assert await run == SpliceResult(0, 10, SpliceEnd.LIMIT, Side.B)
        line.a.close()
        assert await read_to_end(line.left) == b"x" * 10


async def test_a_reset_of_one_side_ends_it_and_names_the_side(line: Line) -> None:
    async with asyncio.timeout(5):
        run = spawn(splice(line.a, line.b), name="splice")
        await asyncio.sleep(0)
        abort(line.right)
        result = await run
    assert (result.end, result.side, result.errno) == (SpliceEnd.RESET, Side.B, errno.ECONNRESET)


@pytest.mark.parametrize("size", [4, 3 * BUFFER_BYTES], ids=["little", "much"])
async def test_a_reset_behind_unread_bytes_is_seen_too(line: Line, size: int) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(5):
        run = spawn(splice(line.a, line.b), name="splice")
        await loop.sock_sendall(line.left, b"x")
        assert await loop.sock_recv(line.right, 1) == b"x"
        line.right.send(bytes(size))
        abort(line.right)  # before the loop has turned: bytes and error arrive together
        result = await run
    assert (result.end, result.side) == (SpliceEnd.RESET, Side.B)


async def test_writing_to_a_side_that_is_gone_ends_it(line: Line) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(5):
        run = spawn(splice(line.a, line.b), name="splice")
        line.right.close()  # a FIN first, and a reset to whatever comes after it
        while not run.done():
            await loop.sock_sendall(line.left, b"anyone there?")
            await asyncio.sleep(0.005)
    assert (run.result().end, run.result().side) == (SpliceEnd.RESET, Side.B)


async def test_an_idle_splice_ends_by_its_limit(line: Line) -> None:
    async with asyncio.timeout(5):
        assert (await splice(line.a, line.b, idle_timeout_s=0.05)).end is SpliceEnd.IDLE


@pytest.mark.parametrize("sender", ["left", "right"])
async def test_bytes_in_either_direction_put_the_idle_limit_off(line: Line, sender: str) -> None:
    loop = asyncio.get_running_loop()
    here, there = (line.left, line.right) if sender == "left" else (line.right, line.left)
    async with asyncio.timeout(10):
        run = spawn(splice(line.a, line.b, idle_timeout_s=0.5), name="splice")
        beyond = loop.time() + 0.7
        while loop.time() < beyond:
            await loop.sock_sendall(here, b".")
            assert await loop.sock_recv(there, 1) == b"."
            await asyncio.wait({run}, timeout=0.01)
        assert not run.done()
        assert (await run).end is SpliceEnd.IDLE


async def test_after_a_half_close_its_own_limit_counts(line: Line) -> None:
    async with asyncio.timeout(5):
        run = spawn(splice(line.a, line.b, half_closed_timeout_s=0.05), name="splice")
        line.left.shutdown(socket.SHUT_WR)
        assert (await run).end is SpliceEnd.IDLE


async def test_a_lifetime_ends_even_a_busy_splice(line: Line) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(5):
        run = spawn(splice(line.a, line.b, lifetime_s=0.1), name="splice")
        while not run.done():
            await loop.sock_sendall(line.left, b".")
            await asyncio.wait({run}, timeout=0.01)
    assert run.result().end is SpliceEnd.LIFETIME


class OddError(Exception):
    pass


@pytest.mark.parametrize("where", ["chunk", "head"])
async def test_an_exception_from_a_tap_is_raised_to_the_caller(line: Line, where: str) -> None:
    def tap(_: memoryview) -> None:
        raise OddError

    async with asyncio.timeout(5):
        await asyncio.get_running_loop().sock_sendall(line.left, b"x")
        with pytest.raises(OddError):
            await splice(line.a, line.b, a_to_b=Way(tap=tap, head=b"h" if where == "head" else b""))


async def test_after_a_cancel_the_sockets_are_free_and_open(line: Line) -> None:
    loop = asyncio.get_running_loop()
    run = spawn(splice(line.a, line.b), name="splice")
    await asyncio.sleep(0)
    await cancel_and_wait(run)
    assert not any(loop.remove_reader(sock) or loop.remove_writer(sock) for sock in (line.a, line.b))
    async with asyncio.timeout(5):
        await loop.sock_sendall(line.left, b"still here")
        assert await loop.sock_recv(line.a, 100) == b"still here"


async def test_a_peer_that_takes_o_nonblock_away_does_not_stop_the_loop(
    line: Line, running: list["asyncio.Task[SpliceResult]"]
) -> None:
    # What was passed to us shares its open file description with whoever passed it.
    running.append(spawn(splice(line.a, line.b), name="splice"))
    await asyncio.sleep(0)
    with socket.socket(fileno=os.dup(line.b.fileno())) as held_by_the_guest:
        held_by_the_guest.setblocking(True)
        sent = await fill(line.left)
        assert sent < 64 * 1024 * 1024


async def test_hundreds_of_splices_share_one_buffer_without_mixing_bytes() -> None:
    count, size = 100, 200_000
    with ExitStack() as stack:
        lines = [Line(*tcp_pair(), *tcp_pair()) for _ in range(count)]
        for line in lines:
            for sock in (line.left, line.a, line.b, line.right):
                sock.setblocking(False)
                stack.enter_context(sock)
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            results = []
            for number, line in enumerate(lines):
                group.create_task(splice(line.a, line.b))
                group.create_task(send_and_end(line.left, bytes([number]) * size))
                group.create_task(send_and_end(line.right, b""))
                results.append(group.create_task(read_to_end(line.right)))
        for number, result in enumerate(results):
            assert result.result() == bytes([number]) * size


async def test_a_quota_that_may_be_refilled_holds_the_rest_until_it_is(
    line: Line, running: list["asyncio.Task[SpliceResult]"]
) -> None:
    loop, left, waiting = asyncio.get_running_loop(), [3], list[Callable[[], None]]()

    def quota(count: int) -> int:
        granted = min(count, left[0])
        left[0] -= granted
        return granted

    def refill(resume: Callable[[], None]) -> bool:
        waiting.append(resume)
        return left[0] >= 0 and len(waiting) < 3

    running.append(spawn(splice(line.a, line.b, a_to_b=Way(quota=quota, refill=refill)), name="splice"))
    async with asyncio.timeout(5):
        await loop.sock_sendall(line.left, b"abcdefgh")
        assert await loop.sock_recv(line.right, 100) == b"abc"
        left[0] = 2
        waiting[0]()
        assert await loop.sock_recv(line.right, 100) == b"de"
        left[0] = 1
        waiting[1]()
        assert await loop.sock_recv(line.right, 100) == b"f"
        # The third time there is no more to come.
        assert (await running[0]).end is SpliceEnd.LIMIT
    assert len(waiting) == 3
