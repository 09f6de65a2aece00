import asyncio
import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address, ip_address
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.egress.addresses import IPAddress
from cloche.egress.connect import ConnectError, dial, interleave, is_own_address, reply_for
from cloche.egress.socks5 import Reply

BOTH_LOOPS = True

GOOD, DEAD, CLOSED = IPv4Address("127.0.0.1"), IPv4Address("127.0.0.2"), IPv4Address("127.0.0.3")


@pytest.fixture
def port() -> Iterator[int]:
    """A port that answers on GOOD, drops every SYN on DEAD, and refuses on CLOSED."""
    with ExitStack() as stack:
        good = stack.enter_context(socket.create_server((str(GOOD), 0)))
        number = good.getsockname()[1]
        dead = stack.enter_context(socket.create_server((str(DEAD), number), backlog=0))
        while True:  # a listener whose queue is full lets further ones hang
            filler = stack.enter_context(socket.socket())
            filler.settimeout(0.1)
            try:
                filler.connect(dead.getsockname())
            except TimeoutError:
                break
        yield number


async def test_it_connects_without_blocking_and_without_delay(port: int) -> None:
    with await dial([GOOD], port, timeout_s=5) as sock:
        assert sock.getpeername() == (str(GOOD), port)
        assert sock.getblocking() is False
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


async def test_a_silent_first_address_is_overtaken(port: int) -> None:
    with await dial([DEAD, DEAD, GOOD], port, timeout_s=5, stagger_s=0.02) as sock:
        assert sock.getpeername()[0] == str(GOOD)


async def test_a_refusing_address_is_passed_over_at_once(port: int) -> None:
    # With a stagger beyond the deadline only an immediate next attempt can succeed.
    with await dial([CLOSED, GOOD], port, timeout_s=5, stagger_s=60) as sock:
        assert sock.getpeername()[0] == str(GOOD)


async def test_all_refusing_is_a_refusal(port: int) -> None:
    with pytest.raises(ConnectError) as caught:
        await dial([CLOSED, CLOSED], port, timeout_s=5)
    assert caught.value.reply is Reply.CONNECTION_REFUSED


@pytest.mark.parametrize("addresses", [[DEAD], [DEAD, DEAD]], ids=["one", "two"])
async def test_silence_ends_by_the_deadline(port: int, addresses: list[IPAddress]) -> None:
    async with asyncio.timeout(5):
        with pytest.raises(ConnectError) as caught:
            await dial(addresses, port, timeout_s=0.1, stagger_s=0.01)
    assert caught.value.reply is Reply.TTL_EXPIRED


async def test_a_cancelled_dial_leaves_nothing_open(port: int) -> None:
    task = spawn(dial([DEAD, DEAD, DEAD], port, timeout_s=60, stagger_s=0.01), name="dial")
    await asyncio.wait({task}, timeout=0.05)
    await cancel_and_wait(task)
    assert task.cancelled()


async def test_losers_are_closed(port: int) -> None:
    # Both answer at once; the fixture that watches descriptors sees whether one stays open.
    for _ in range(20):
        (await dial([GOOD, GOOD, GOOD], port, timeout_s=5, stagger_s=0)).close()


@given(st.lists(st.ip_addresses(), max_size=12))
def test_interleaving_keeps_every_address_and_each_familys_order(addresses: list[IPAddress]) -> None:
    mixed = interleave(addresses)
    assert mixed[:1] == addresses[:1]
    for version in (4, 6):
        assert [a for a in mixed if a.version == version] == [a for a in addresses if a.version == version]
    switches = [a.version != b.version for a, b in pairwise(mixed)]
    # Once a family is used up, the other goes on alone.
    assert switches == sorted(switches, reverse=True)


def test_families_take_turns() -> None:
    texts = ["::1", "::2", "::3", "1.1.1.1", "1.1.1.2"]
    mixed = [str(a) for a in interleave([ip_address(text) for text in texts])]
    assert mixed == ["::1", "1.1.1.1", "::2", "1.1.1.2", "::3"]


@pytest.mark.parametrize(
    ("code", "reply"),
    [
        (errno.ECONNREFUSED, 5),
        (errno.ENETUNREACH, 3),
        (errno.EHOSTUNREACH, 4),
        (errno.ETIMEDOUT, 6),
        (errno.EPERM, 2),
        (errno.EMFILE, 1),
    ],
)
def test_errors_become_replies(code: int, reply: int) -> None:
    assert reply_for(OSError(code, "")) == reply


def test_addresses_of_this_machine_are_known() -> None:
    assert is_own_address(ip_address("127.0.0.1"))
    assert is_own_address(ip_address("127.0.0.2"))


@pytest.mark.parametrize("text", ["192.0.2.7", "2001:db8::7", "8.8.8.8", "2606:4700::1111"])
def test_addresses_of_others_are_not_taken_for_own(text: str) -> None:
    assert not is_own_address(ip_address(text))
