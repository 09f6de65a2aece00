"""A gateway on a real listener, driven by a SOCKS client as a page's browser would."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from cloche.clock import SystemClock
from cloche.concurrency.splice import abort
from cloche.data_plane.relay import Relays
from cloche.egress.accounting import Counters
from cloche.egress.gateway import EGRESS_BYTES, Gateway
from cloche.egress.policy import EgressPolicy, RefusalReason, Scheme, parse_private_hosts, parse_upstream
from cloche.egress.refusals import Refusal
from cloche.egress.resolver import Resolver
from cloche.testing.relays import WORKERS, data_workers

BOTH_LOOPS = True

PUBLIC = "9.9.9.9"  # looks public and is no address of this machine; the dialler goes to loopback instead


class Sandbox:
    """A gateway with its listener, and what it told; `connect` is the browser's side."""

    def __init__(self, lookup: Any, dial: Any, relays: Relays | None = None) -> None:
        self._resolver = Resolver(lookup, SystemClock(), positive_ttl_s=0)
        self._dial, self._relays = dial, relays
        self._stack = ExitStack()
        self.refusals: list[Refusal] = []
        self.told = asyncio.Event()
        self.exhausted: list[str] = []
        self.port = 0
        self.gateway: Gateway

    async def open(self, policy: EgressPolicy, counters: Counters | None = None) -> "Sandbox":
        self.gateway = Gateway(
            policy,
            self._resolver,
            self._refused,
            self.exhausted.append,
            counters=counters,
            dial=self._dial,
            relays=self._relays,
        )
        await self.gateway.start(self.listener())
        return self

    def listener(self) -> socket.socket:
        made = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = made.getsockname()[1]
        return made

    def _refused(self, refusal: Refusal) -> None:
        self.refusals.append(refusal)
        self.told.set()

    async def dial(self) -> socket.socket:
        sock = self._stack.enter_context(socket.socket())
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        return sock

    async def connect(self, host: str, port: int) -> tuple[int, socket.socket]:
        """Ask for a destination as Chromium does; return the reply's code and the socket."""
        loop, sock = asyncio.get_running_loop(), await self.dial()
        async with asyncio.timeout(5):
            await loop.sock_sendall(sock, b"\x05\x01\x00")
            assert await receive(sock, 2) == b"\x05\x00"
            name = host.encode()
            await loop.sock_sendall(sock, b"\x05\x01\x00\x03" + bytes([len(name)]) + name + port.to_bytes(2, "big"))
            reply = await receive(sock, 10)
        assert reply[:1] + reply[2:] == b"\x05\x00\x01" + bytes(6)
        return reply[1], sock

    async def reach(self, host: str, port: int) -> socket.socket:
        code, sock = await self.connect(host, port)
        assert code == 0
        return sock

    async def close(self) -> None:
        self._stack.close()
        await self.gateway.close()
        await self._resolver.close()


async def receive(sock: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        piece = await asyncio.get_running_loop().sock_recv(sock, count - len(received))
        assert piece, f"ended after {received!r}"
        received += piece
    return received


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def say(sock: socket.socket, data: bytes) -> bytes:
    async with asyncio.timeout(5):
        await asyncio.get_running_loop().sock_sendall(sock, data)
        return await receive(sock, len(data))


@pytest.fixture(params=WORKERS, ids=["here", "workers"])
async def sandbox(names: Any, dialled: Any, request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    names["site.test"] = [PUBLIC]
    async with data_workers(request.param) as workers:
        made = Sandbox(names, dialled, workers.of("s") if workers else None)
        yield made
        await made.close()


async def test_bytes_pass_to_an_allowed_site_and_are_counted(sandbox: Sandbox, dialled: Any, echo_port: int) -> None:
    await sandbox.open(EgressPolicy())
    sock = await sandbox.reach("site.test", echo_port)
    assert await say(sock, b"GET / HTTP/1.1\r\n\r\n") == b"GET / HTTP/1.1\r\n\r\n"
    counters = sandbox.gateway.counters
    await until(lambda: (counters.bytes_in, counters.bytes_out) == (18, 18))
    assert (counters.connections_total, counters.connections_open) == (1, 1)
    sock.shutdown(socket.SHUT_WR)
    assert await asyncio.get_running_loop().sock_recv(sock, 1) == b""
    await until(lambda: counters.connections_open == 0)
    assert dialled.addresses == [[PUBLIC]]


async def test_a_refused_name_gets_reply_two_and_one_event(sandbox: Sandbox, names: Any) -> None:
    await sandbox.open(EgressPolicy())
    names["rebind.test"] = ["127.0.0.1"]
    assert (await sandbox.connect("rebind.test", 80))[0] == 2
    assert sandbox.refusals == [Refusal("rebind.test", 80, RefusalReason.ADDRESS_NOT_PUBLIC, "loopback")]
    assert sandbox.gateway.counters.refusals == {RefusalReason.ADDRESS_NOT_PUBLIC: 1}


@pytest.mark.promise("rebinding-gains-nothing")
async def test_a_name_that_turns_private_between_two_connections_is_refused(
    sandbox: Sandbox, names: Any, echo_port: int
) -> None:
    await sandbox.open(EgressPolicy())
    names["rebind.test"] = [PUBLIC]
    assert await say(await sandbox.reach("rebind.test", echo_port), b"hello") == b"hello"
    names["rebind.test"] = ["127.0.0.1"]
    assert (await sandbox.connect("rebind.test", echo_port))[0] == 2


async def test_a_private_host_opens_with_the_real_dialler(names: Any, echo_port: int) -> None:
    from cloche.egress.connect import dial

    sandbox = Sandbox(names, dial)
    try:
        await sandbox.open(EgressPolicy(private_hosts=parse_private_hosts([f"127.0.0.1:{echo_port}"])))
        assert await say(await sandbox.reach("127.0.0.1", echo_port), b"hello") == b"hello"
        assert (await sandbox.connect("127.0.0.1", sandbox.port))[0] == 2
        assert (await sandbox.connect("localhost", echo_port))[0] == 2
    finally:
        await sandbox.close()


async def test_a_destination_that_refuses_and_a_name_that_is_absent_are_failures_not_refusals(sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    await sandbox.open(EgressPolicy())
    assert (await sandbox.connect("site.test", port))[0] == 5
    assert (await sandbox.connect("absent.test", 80))[0] == 4
    assert (sandbox.gateway.counters.failures_total, sandbox.refusals) == (2, [])


async def test_early_data_reaches_the_destination(sandbox: Sandbox, echo_port: int) -> None:
    await sandbox.open(EgressPolicy())
    sock = await sandbox.dial()
    request = b"\x05\x01\x00\x05\x01\x00\x03\x09site.test" + echo_port.to_bytes(2, "big")
    async with asyncio.timeout(5):
        await asyncio.get_running_loop().sock_sendall(sock, request + b"GET early")
        assert await receive(sock, 2 + 10 + 9) == b"\x05\x00\x05\x00\x00\x01" + bytes(6) + b"GET early"


@pytest.mark.parametrize(
    ("sent", "answer", "rule"),
    [
        (b"GET http://127.0.0.1/ HTTP/1.1\r\n\r\n", b"", "bad_version"),
        (b"\x05\x01\x02", b"\x05\xff", "no_acceptable_method"),
        (b"\x05\x01\x00\x05\x03\x00\x01", b"\x05\x00\x05\x07\x00\x01" + bytes(6), "command_not_supported"),
        (b"\x05\x01\x00\x05\x01\x00\x07", b"\x05\x00\x05\x08\x00\x01" + bytes(6), "address_type_not_supported"),
    ],
)
async def test_garbage_is_answered_as_the_protocol_says_and_ended(
    sandbox: Sandbox, sent: bytes, answer: bytes, rule: str
) -> None:
    await sandbox.open(EgressPolicy())
    sock = await sandbox.dial()
    received = b""
    async with asyncio.timeout(5):
        await asyncio.get_running_loop().sock_sendall(sock, sent)
        while data := await asyncio.get_running_loop().sock_recv(sock, 100):
            received += data
    assert received == answer
    assert sandbox.refusals == [Refusal("", 0, RefusalReason.PROTOCOL_ERROR, rule)]


async def test_a_client_that_dawdles_in_the_handshake_is_dropped(sandbox: Sandbox) -> None:
    await sandbox.open(EgressPolicy(handshake_timeout_s=0.1))
    loop, sock = asyncio.get_running_loop(), await sandbox.dial()
    async with asyncio.timeout(5):
        await loop.sock_sendall(sock, b"\x05\x01\x00\x05\x01")
        assert await receive(sock, 2) == b"\x05\x00"
        assert await loop.sock_recv(sock, 1) == b""
    assert [refusal.reason for refusal in sandbox.refusals] == [RefusalReason.HANDSHAKE_TIMEOUT]


@pytest.mark.parametrize("when", ["at once", "in the greeting", "after the request"])
async def test_a_client_that_vanishes_leaves_nothing(sandbox: Sandbox, echo_port: int, when: str) -> None:
    await sandbox.open(EgressPolicy())
    sock = await sandbox.dial()
    if when == "in the greeting":
        await asyncio.get_running_loop().sock_sendall(sock, b"\x05")
    if when == "after the request":
        await asyncio.get_running_loop().sock_sendall(
            sock, b"\x05\x01\x00\x05\x01\x00\x03\x09site.test" + echo_port.to_bytes(2, "big")
        )
    abort(sock)
    assert await say(await sandbox.reach("site.test", echo_port), b"others go on") == b"others go on"
    await until(lambda: sandbox.gateway.counters.connections_open == 1)


@pytest.mark.promise("byte-budget-is-exact")
async def test_the_byte_limit_cuts_exactly_tells_once_and_refuses_what_follows(sandbox: Sandbox, peers: Any) -> None:
    async def flood(sock: socket.socket) -> None:
        await receive(sock, 3)
        while True:
            await asyncio.get_running_loop().sock_sendall(sock, bytes(100_000))

    port = await peers.listen(flood)
    await sandbox.open(EgressPolicy(max_bytes=250_000))
    loop, socks = asyncio.get_running_loop(), [await sandbox.reach("site.test", port) for _ in range(2)]
    received = 0
    async with asyncio.timeout(5):
        for sock in socks:
            await loop.sock_sendall(sock, b"GET")
        for sock in socks:
            with pytest.raises(ConnectionResetError):
                while data := await loop.sock_recv(sock, 65536):
                    received += len(data)
    counters = sandbox.gateway.counters
    assert counters.bytes_total == 250_000
    assert received <= 250_000
    assert (await sandbox.connect("site.test", port))[0] == 2
    assert sandbox.exhausted == [EGRESS_BYTES]
    assert sandbox.refusals == [Refusal("site.test", port, RefusalReason.BUDGET_EXHAUSTED, "250000")]


async def test_a_spent_budget_stays_spent_for_the_next_gateway(sandbox: Sandbox, echo_port: int) -> None:
    await sandbox.open(EgressPolicy(max_bytes=100), Counters(bytes_in=60, bytes_out=40))
    assert (await sandbox.connect("site.test", echo_port))[0] == 2
    assert sandbox.exhausted == [EGRESS_BYTES]


async def test_connections_at_once_are_limited_and_room_comes_back(sandbox: Sandbox, echo_port: int) -> None:
    await sandbox.open(EgressPolicy(max_connections=3))
    held = [await sandbox.reach("site.test", echo_port) for _ in range(3)]
    assert (await sandbox.connect("site.test", echo_port))[0] == 2
    assert [refusal.reason for refusal in sandbox.refusals] == [RefusalReason.TOO_MANY_CONNECTIONS]
    abort(held.pop())
    await until(lambda: sandbox.gateway.counters.connections_open == 2)
    assert await say(await sandbox.reach("site.test", echo_port), b"room") == b"room"


async def test_sockets_that_only_shake_hands_are_limited_too(sandbox: Sandbox) -> None:
    await sandbox.open(EgressPolicy(max_connections=1))
    for _ in range(70):
        with suppress(ConnectionResetError):  # one that is turned away may hear of it in its very connect
            await sandbox.dial()
    await until(lambda: sandbox.gateway.counters.refusals_total >= 5)
    assert set(sandbox.gateway.counters.refusals) == {RefusalReason.TOO_MANY_CONNECTIONS}


async def test_a_flood_of_refusals_is_told_in_few_events(sandbox: Sandbox) -> None:
    await sandbox.open(EgressPolicy())
    for _ in range(20):
        assert (await sandbox.connect("127.0.0.1", 80))[0] == 2
    assert len(sandbox.refusals) < 20
    await sandbox.gateway.close()
    assert sum(refusal.count for refusal in sandbox.refusals) == 20


@pytest.mark.parametrize(
    ("schemes", "first", "passes"),
    [
        ({Scheme.HTTPS}, b"\x16\x03\x01", True),
        ({Scheme.HTTPS}, b"GET /", False),
        ({Scheme.HTTP}, b"\x16\x03\x01", False),
        ({Scheme.HTTP}, b"GET /", True),
        ({Scheme.HTTP, Scheme.HTTPS}, b"\x00\x03\x00\x08\x21\x12\xa4\x42", False),  # TURN over TCP
    ],
)
async def test_only_allowed_schemes_are_spoken(
    sandbox: Sandbox, echo_port: int, schemes: set[Scheme], first: bytes, passes: bool
) -> None:
    await sandbox.open(EgressPolicy(schemes=frozenset(schemes)))
    sock = await sandbox.reach("site.test", echo_port)
    if passes:
        assert await say(sock, first) == first
        return
    with pytest.raises(ConnectionResetError):
        await say(sock, first)
    assert [refusal.reason for refusal in sandbox.refusals] == [RefusalReason.SCHEME_NOT_ALLOWED]
    assert sandbox.gateway.counters.bytes_in == 0


async def test_a_reset_from_the_site_is_a_reset_for_the_page(sandbox: Sandbox, peers: Any) -> None:
    async def cut(sock: socket.socket) -> None:
        await asyncio.get_running_loop().sock_recv(sock, 100)
        await asyncio.get_running_loop().sock_sendall(sock, b"half of i")
        abort(sock)

    await sandbox.open(EgressPolicy())
    sock = await sandbox.reach("site.test", await peers.listen(cut))
    with pytest.raises(ConnectionResetError):
        await say(sock, b"GET / HTTP/1.1\r\n\r\n")


async def test_an_idle_connection_and_an_old_one_are_ended(sandbox: Sandbox, echo_port: int) -> None:
    await sandbox.open(EgressPolicy(idle_timeout_s=0.1))
    sock = await sandbox.reach("site.test", echo_port)
    async with asyncio.timeout(5):
        assert await asyncio.get_running_loop().sock_recv(sock, 1) == b""
    await sandbox.gateway.close()
    await sandbox.open(EgressPolicy(connection_lifetime_s=0.1))
    sock = await sandbox.reach("site.test", echo_port)
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionResetError):
            await asyncio.get_running_loop().sock_recv(sock, 1)


async def test_a_new_listener_takes_over_and_open_connections_live_on(sandbox: Sandbox, echo_port: int) -> None:
    await sandbox.open(EgressPolicy())
    held = await sandbox.reach("site.test", echo_port)
    old = sandbox.port
    await sandbox.gateway.start(sandbox.listener())
    assert await say(held, b"still here") == b"still here"
    assert await say(await sandbox.reach("site.test", echo_port), b"new") == b"new"
    with pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(socket.create_connection, ("127.0.0.1", old))


async def test_a_listener_that_the_sandbox_shuts_down_is_let_go_and_can_be_replaced(
    sandbox: Sandbox, echo_port: int
) -> None:
    await sandbox.open(EgressPolicy())
    listener = sandbox.listener()
    with socket.socket(fileno=os.dup(listener.fileno())) as kept_inside:
        await sandbox.gateway.start(listener)
        kept_inside.shutdown(socket.SHUT_RDWR)
        # Were it still watched, the loop would now spin on a socket that is ready for ever.
        await until(lambda: not asyncio.get_running_loop().remove_reader(listener))
    await sandbox.gateway.start(sandbox.listener())
    assert await say(await sandbox.reach("site.test", echo_port), b"again") == b"again"


async def test_a_listener_made_blocking_from_inside_does_not_stop_the_loop(sandbox: Sandbox, echo_port: int) -> None:
    await sandbox.open(EgressPolicy())
    listener = sandbox.listener()
    with socket.socket(fileno=os.dup(listener.fileno())) as kept_inside:
        await sandbox.gateway.start(listener)
        kept_inside.setblocking(True)
        assert await say(await sandbox.reach("site.test", echo_port), b"on") == b"on"


async def test_closing_ends_every_connection_whatever_it_is_doing(sandbox: Sandbox, echo_port: int) -> None:
    await sandbox.open(EgressPolicy())
    loop = asyncio.get_running_loop()
    carrying, greeting = await sandbox.reach("site.test", echo_port), await sandbox.dial()
    await loop.sock_sendall(greeting, b"\x05\x01\x00")
    assert await receive(greeting, 2) == b"\x05\x00"
    async with asyncio.timeout(5):
        await sandbox.gateway.close()
        await sandbox.gateway.close()
        with pytest.raises(ConnectionResetError):
            await loop.sock_recv(carrying, 1)
        assert await loop.sock_recv(greeting, 1) == b""
    with pytest.raises(ConnectionRefusedError):
        await sandbox.dial()
    assert sandbox.gateway.counters.connections_open == 0


async def test_descriptors_return_to_where_they_were(sandbox: Sandbox, names: Any, echo_port: int) -> None:
    await sandbox.open(EgressPolicy())
    names["rebind.test"] = ["10.0.0.1"]
    # Warm up what the loop and the interpreter open once.
    abort(await sandbox.reach("site.test", echo_port))
    await until(lambda: sandbox.gateway.counters.connections_open == 0)
    before = len(os.listdir("/proc/self/fd"))
    for number in range(40):
        host = ("site.test", "rebind.test", "absent.test", "0x7f.1")[number % 4]
        _, sock = await sandbox.connect(host, echo_port)
        abort(sock)
    await until(lambda: len(os.listdir("/proc/self/fd")) <= before)


async def test_a_chained_proxy_carries_a_page(
    sandbox: Sandbox, peers: Any, names: Any, dialled: Any, proxy: Any
) -> None:
    dialled.port = await peers.listen(proxy.http)
    proxy.http_response = [b"HTTP/1.1 200 OK\r\n\r\n", b""]
    names["proxy.test"] = ["9.9.9.10"]
    await sandbox.open(EgressPolicy(upstream=parse_upstream("http://proxy.test:3128")))
    assert await say(await sandbox.reach("site.test", 443), b"\x16 hello") == b"\x16 hello"
    proxy.http_response = [b"HTTP/1.1 403 Forbidden\r\n\r\n"]
    assert (await sandbox.connect("site.test", 443))[0] == 2
    assert sandbox.refusals == []


async def test_a_large_body_passes_whole(sandbox: Sandbox, peers: Any) -> None:
    body = os.urandom(1 << 20) * 16

    async def serve(sock: socket.socket) -> None:
        await asyncio.get_running_loop().sock_recv(sock, 100)
        await asyncio.get_running_loop().sock_sendall(sock, body)

    await sandbox.open(EgressPolicy())
    loop, sock = asyncio.get_running_loop(), await sandbox.reach("site.test", await peers.listen(serve))
    received = bytearray()
    async with asyncio.timeout(20):
        await loop.sock_sendall(sock, b"GET /")
        while data := await loop.sock_recv(sock, 1 << 20):
            received += data
    assert received == body
    await until(lambda: sandbox.gateway.counters.bytes_in == len(body))
