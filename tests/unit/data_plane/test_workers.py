"""Real workers between real sockets: what they relay, what they may do, and what their end costs."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.data_plane import worker_process
from cloche.data_plane.lease import LEASE_BYTES
from cloche.data_plane.relay import Order, Relayed, RelayEnd
from cloche.data_plane.wire import MAX_HEAD_BYTES
from cloche.data_plane.workers import DataWorkers
from cloche.egress.accounting import ByteBudget, Counters
from cloche.testing.relays import data_workers


@dataclass
class Line:
    """left ── (a) relay (b) ── right"""

    left: socket.socket
    a: socket.socket
    b: socket.socket
    right: socket.socket


@dataclass
class Running:
    workers: DataWorkers
    registry: CollectorRegistry
    tasks: "list[asyncio.Task[Relayed]]" = field(default_factory=list)

    def relay(
        self, line: Line, order: Order | None = None, *, key: str = "s", meter: ByteBudget | None = None
    ) -> "asyncio.Task[Relayed]":
        relays = self.workers.of(key)
        task = spawn(relays.relay(line.a, line.b, order or Order(), meter=meter), name="relay")
        self.tasks.append(task)
        return task

    def figure(self, name: str) -> float:
        """Of all workers together."""
        samples = (self.registry.get_sample_value(name, {"worker": str(place)}) for place in (0, 1))
        return sum(sample or 0 for sample in samples)


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    registry = CollectorRegistry()
    async with data_workers(2, registry) as workers:
        assert workers is not None
        made = Running(workers, registry)
        yield made
        await cancel_and_wait(*made.tasks)


@pytest.fixture
def new_line() -> Iterator[Callable[[], Line]]:
    with ExitStack() as stack:

        def make() -> Line:
            ends = (*tcp_pair(), *tcp_pair())
            for end in ends:
                end.setblocking(False)
                stack.enter_context(end)
            return Line(*ends)

        yield make


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    return near, far


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def say(sender: socket.socket, receiver: socket.socket, data: bytes) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(5):
        await loop.sock_sendall(sender, data)
        received = b""
        while len(received) < len(data):
            piece = await loop.sock_recv(receiver, 1 << 20)
            assert piece, "it ended"
            received += piece
    assert received == data


async def fill(sock: socket.socket) -> int:
    """Send until nothing has been taken for a while."""
    loop, sent = asyncio.get_running_loop(), 0
    while True:
        try:
            sent += sock.send(bytes(1 << 16))
        except BlockingIOError:
            ready = asyncio.Event()
            loop.add_writer(sock, ready.set)
            try:
                async with asyncio.timeout(0.3):
                    await ready.wait()
            except TimeoutError:
                return sent
            finally:
                loop.remove_writer(sock)


async def test_what_comes_in_goes_out_in_order_with_heads_first_and_a_half_close_is_passed_on(
    running: Running, new_line: Callable[[], Line]
) -> None:
    line = new_line()
    relaying = running.relay(line, Order(a_to_b_head=b"early ", b_to_a_head=b"banner "))
    await say(line.left, line.right, b"")
    async with asyncio.timeout(5):
        assert await asyncio.get_running_loop().sock_recv(line.right, 6) == b"early "
        assert await asyncio.get_running_loop().sock_recv(line.left, 7) == b"banner "
    await say(line.left, line.right, os.urandom(1 << 20))
    await say(line.right, line.left, os.urandom(1 << 20))
    line.left.shutdown(socket.SHUT_WR)
    async with asyncio.timeout(5):
        assert await asyncio.get_running_loop().sock_recv(line.right, 1) == b""
    await say(line.right, line.left, b"still here")
    line.right.shutdown(socket.SHUT_WR)
    async with asyncio.timeout(5):
        assert (await relaying).end is RelayEnd.EOF
    assert running.figure("cloche_data_worker_bytes_total") == 2 * (1 << 20) + len(b"early banner still here")
    assert running.figure("cloche_data_worker_connections") == 0


async def test_the_relays_of_one_key_are_with_one_worker_and_others_with_the_other(
    running: Running, new_line: Callable[[], Line]
) -> None:
    for key in ("s", "s", "t"):
        running.relay(new_line(), key=key)
    await until(lambda: running.figure("cloche_data_worker_connections") == 3)
    each = {running.registry.get_sample_value("cloche_data_worker_connections", {"worker": str(n)}) for n in (0, 1)}
    assert each == {2, 1}


async def test_a_reader_that_stops_holds_the_writer_back_and_no_memory_grows(
    running: Running, new_line: Callable[[], Line]
) -> None:
    line = new_line()
    for sock in (line.left, line.a, line.b, line.right):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    running.relay(line)
    assert await fill(line.left) < 16 << 20


async def test_a_killed_worker_costs_its_own_connections_and_nothing_else(
    running: Running, new_line: Callable[[], Line]
) -> None:
    lost, kept, counters = new_line(), new_line(), Counters()
    budget = ByteBudget(counters, 1 << 30)
    losing = running.relay(lost, key="s", meter=budget)
    await say(lost.left, lost.right, b"x" * 1000)
    await until(lambda: counters.bytes_out == 1000)
    keeping = running.relay(kept, key="t")
    await say(kept.left, kept.right, b"before")
    (place,) = (
        place
        for place in (0, 1)
        if running.registry.get_sample_value("cloche_data_worker_bytes_total", {"worker": str(place)}) == 1000
    )
    killed = running.workers.pids[place]
    feeding = spawn(fill(lost.left), name="feed")
    os.kill(killed, signal.SIGKILL)
    async with asyncio.timeout(5):
        assert (await losing).end is RelayEnd.LOST
    assert budget.leased == 0
    assert counters.bytes_out >= 1000
    await say(kept.left, kept.right, b"after")
    assert not keeping.done()
    await feeding
    # The next of that session goes to the one that is left, and there are two again.
    fresh = new_line()
    running.relay(fresh, key="s", meter=budget)
    await say(fresh.left, fresh.right, b"again")
    await until(lambda: running.figure("cloche_data_worker_restarts_total") == 1)
    await until(lambda: killed not in running.workers.pids.values() and len(running.workers.pids) == 2)


async def test_a_budget_larger_than_a_lease_passes_to_its_last_byte_and_cuts_there(
    running: Running, new_line: Callable[[], Line]
) -> None:
    line, counters, most = new_line(), Counters(), LEASE_BYTES + 12_345
    budget = ByteBudget(counters, most)
    relaying = running.relay(line, meter=budget)
    loop = asyncio.get_running_loop()

    async def feed() -> None:
        piece = bytes(1 << 20)
        while not relaying.done():
            try:
                await loop.sock_sendall(line.left, piece)
            except OSError:
                return

    feeding, received = spawn(feed(), name="feed"), 0
    async with asyncio.timeout(30):
        while received < most:
            received += len(await loop.sock_recv(line.right, 1 << 20))
        assert (await relaying).end is RelayEnd.LIMIT
    await cancel_and_wait(feeding)
    with pytest.raises(BlockingIOError):
        line.right.recv(1)
    assert (counters.bytes_out, budget.leased, budget.exhausted) == (most, 0, True)


async def test_what_a_lease_has_left_is_given_back_with_the_last_connection(
    running: Running, new_line: Callable[[], Line]
) -> None:
    line, counters = new_line(), Counters()
    budget = ByteBudget(counters, 5000)
    relaying = running.relay(line, meter=budget)
    await say(line.left, line.right, b"x" * 100)
    assert budget.leased > 0
    line.left.shutdown(socket.SHUT_WR)
    line.right.shutdown(socket.SHUT_WR)
    await relaying
    assert (budget.leased, counters.bytes_total, budget.take_out(9999)) == (0, 100, 4900)


async def test_a_first_byte_that_is_not_allowed_is_told_and_not_passed(
    running: Running, new_line: Callable[[], Line]
) -> None:
    line = new_line()
    relaying = running.relay(line, Order(first_bytes=b"AB"))
    line.left.send(b"SSH")
    async with asyncio.timeout(5):
        relayed = await relaying
    assert (relayed.end, relayed.first_byte) == (RelayEnd.REFUSED, ord("S"))
    with pytest.raises(BlockingIOError):
        line.right.recv(1)


async def test_a_cancelled_relay_has_let_go_of_its_sockets(running: Running, new_line: Callable[[], Line]) -> None:
    line, counters = new_line(), Counters()
    relaying = running.relay(line, meter=ByteBudget(counters, None))
    await say(line.left, line.right, b"hello")
    async with asyncio.timeout(5):
        await cancel_and_wait(relaying)
    assert relaying.cancelled()
    assert counters.bytes_out == 5
    line.a.close()
    line.b.close()
    # Nobody holds the other end of these any more: the peers see the end.
    async with asyncio.timeout(5):
        assert await asyncio.get_running_loop().sock_recv(line.left, 1) == b""
        assert await asyncio.get_running_loop().sock_recv(line.right, 1) == b""


async def test_heads_that_fit_into_no_packet_are_relayed_here(running: Running, new_line: Callable[[], Line]) -> None:
    line, head = new_line(), os.urandom(MAX_HEAD_BYTES + 1)
    running.relay(line, Order(a_to_b_head=head))
    received = b""
    async with asyncio.timeout(5):
        while len(received) < len(head):
            received += await asyncio.get_running_loop().sock_recv(line.right, 1 << 20)
    assert received == head
    assert running.figure("cloche_data_worker_connections") == 0


async def test_a_worker_that_hangs_is_noticed_and_replaced(
    running: Running, new_line: Callable[[], Line], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "LOOK_EVERY_S", 0.4)
    line = new_line()
    relaying = running.relay(line)
    await say(line.left, line.right, b"x")
    hung = set(running.workers.pids.values())
    for pid in hung:
        os.kill(pid, signal.SIGSTOP)
    async with asyncio.timeout(20):
        assert (await relaying).end is RelayEnd.LOST
        while hung & set(running.workers.pids.values()):
            await asyncio.sleep(0.01)


async def test_a_worker_is_nobody_and_has_nothing_of_the_daemons(running: Running) -> None:
    for pid in running.workers.pids.values():
        status = Path(f"/proc/{pid}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert fields["Seccomp"] == "2" and fields["NoNewPrivs"] == "1"
        if os.geteuid() == 0:
            assert set(fields["Uid"].split()) == {"65534"} == set(fields["Gid"].split())
            assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
            environment = Path(f"/proc/{pid}/environ").read_bytes()
            assert environment.rstrip(b"\0") == b"LANG=C.UTF-8"


async def test_workers_end_with_the_block_they_belong_to() -> None:
    async with data_workers(2) as workers:
        assert workers is not None
        pids = set(workers.pids.values())
        assert len(pids) == 2
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
