"""Dial a destination at addresses that were checked, and at no others: Happy Eyeballs version 2 (RFC 8305).

No name comes in here. The addresses are tried in the resolver's order, the families taking turns, each attempt
250 ms after the one before or as soon as that has failed; the first that connects is kept and the rest are closed.
"""

import asyncio
import errno
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from itertools import chain, zip_longest
from typing import Final, Protocol

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.egress.addresses import IPAddress
from cloche.egress.socks5 import Reply

STAGGER_S: Final = 0.25  # RFC 8305 §8, Connection Attempt Delay
MAX_ATTEMPTS: Final = 8

# Documentation addresses: no machine has them.
_FOREIGN: Final[dict[int, IPAddress]] = {4: IPv4Address("192.0.2.1"), 6: IPv6Address("2001:db8::1")}

_REPLIES: Final = {
    errno.ECONNREFUSED: Reply.CONNECTION_REFUSED,
    errno.ECONNRESET: Reply.CONNECTION_REFUSED,
    errno.ENETUNREACH: Reply.NETWORK_UNREACHABLE,
    errno.ENETDOWN: Reply.NETWORK_UNREACHABLE,
    errno.EADDRNOTAVAIL: Reply.NETWORK_UNREACHABLE,
    errno.EAFNOSUPPORT: Reply.NETWORK_UNREACHABLE,
    errno.EHOSTUNREACH: Reply.HOST_UNREACHABLE,
    errno.EHOSTDOWN: Reply.HOST_UNREACHABLE,
    errno.ETIMEDOUT: Reply.TTL_EXPIRED,
    errno.EACCES: Reply.NOT_ALLOWED,
    errno.EPERM: Reply.NOT_ALLOWED,
}
# Which of several failures tells most: that someone answered, however unkindly, over that nobody did.
_TELLING: Final = (
    Reply.CONNECTION_REFUSED,
    Reply.NOT_ALLOWED,
    Reply.HOST_UNREACHABLE,
    Reply.TTL_EXPIRED,
    Reply.GENERAL_FAILURE,
    Reply.NETWORK_UNREACHABLE,
)


class ConnectError(Exception):
    """No address could be connected to. `reply` is what the SOCKS client is told."""

    def __init__(self, reply: Reply, detail: str) -> None:
        super().__init__(detail)
        self.reply = reply


class Dial(Protocol):
    """How a gateway reaches addresses; `dial` is the one, tests bring another."""

    async def __call__(self, addresses: Sequence[IPAddress], port: int, *, timeout_s: float) -> socket.socket: ...


async def dial(
    addresses: Sequence[IPAddress], port: int, *, timeout_s: float, stagger_s: float = STAGGER_S
) -> socket.socket:
    """Connect to the first of `addresses` that answers; returns a non-blocking socket with TCP_NODELAY set.

    Raises:
        ConnectError: none answered within `timeout_s`, or all have refused.
    """
    order = interleave(addresses)[:MAX_ATTEMPTS]
    try:
        async with asyncio.timeout(timeout_s):
            if len(order) == 1:
                return await _connect(order[0], port)
            return await _race(order, port, stagger_s)
    except TimeoutError:
        raise ConnectError(Reply.TTL_EXPIRED, "no answer in time") from None
    except OSError as error:
        raise ConnectError(reply_for(error), error.strerror or "connect failed") from None


def interleave(addresses: Sequence[IPAddress]) -> list[IPAddress]:
    """Let the address families take turns, starting with the first one's, each in its order (RFC 8305 §4)."""
    if not addresses:
        return []
    first = addresses[0].version
    leading = [address for address in addresses if address.version == first]
    others = [address for address in addresses if address.version != first]
    return [address for address in chain.from_iterable(zip_longest(leading, others)) if address is not None]


def reply_for(error: OSError) -> Reply:
    """Translate a failed connect(2) into the reply of RFC 1928 §6."""
    return _REPLIES.get(error.errno or 0, Reply.GENERAL_FAILURE)


def is_own_address(address: IPAddress) -> bool:
    """Whether an address belongs to this machine: then, and only then, can a socket be bound to it. Sends nothing."""
    if not _can_bind(address):
        return False
    # Where net.ipv4.ip_nonlocal_bind is set, anything can be bound; then only a primary address can be told.
    return not _can_bind(_FOREIGN[address.version]) or _source_towards(address) == str(address)


def _can_bind(address: IPAddress) -> bool:
    with _datagram_socket(address) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
        return True


def _source_towards(address: IPAddress) -> str:
    """Which of its addresses the kernel would use towards another; empty without a route."""
    with _datagram_socket(address) as probe:
        try:
            probe.connect((str(address), 9))  # discard; nothing is sent by connecting a datagram socket
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def _datagram_socket(address: IPAddress) -> socket.socket:
    return socket.socket(_family(address), socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)


def _family(address: IPAddress) -> socket.AddressFamily:
    return socket.AF_INET6 if isinstance(address, IPv6Address) else socket.AF_INET


async def _race(order: Sequence[IPAddress], port: int, stagger_s: float) -> socket.socket:
    attempts: list[asyncio.Task[socket.socket | OSError]] = []
    try:
        while True:
            if len(attempts) < len(order):
                address = order[len(attempts)]
                attempts.append(spawn(_attempt(address, port), name=f"connect {address}"))
            pending = [attempt for attempt in attempts if not attempt.done()]
            if pending:
                wait_s = stagger_s if len(attempts) < len(order) else None
                await asyncio.wait(pending, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            if (winner := _first_connected(attempts)) is not None:
                attempts.remove(winner)
                return _connected(winner)
            if len(attempts) == len(order) and all(attempt.done() for attempt in attempts):
                raise _most_telling([error for a in attempts if isinstance(error := a.result(), OSError)])
    finally:
        # Hung on the tasks first: should this wait be cancelled in its turn, the losers are closed all the same.
        for attempt in attempts:
            attempt.add_done_callback(_close_loser)
        await cancel_and_wait(*attempts)


def _close_loser(attempt: asyncio.Task[socket.socket | OSError]) -> None:
    if not attempt.cancelled() and isinstance(loser := attempt.result(), socket.socket):
        loser.close()


def _first_connected(
    attempts: Sequence[asyncio.Task[socket.socket | OSError]],
) -> asyncio.Task[socket.socket | OSError] | None:
    return next((a for a in attempts if a.done() and isinstance(a.result(), socket.socket)), None)


def _connected(attempt: asyncio.Task[socket.socket | OSError]) -> socket.socket:
    outcome = attempt.result()
    assert isinstance(outcome, socket.socket)
    return outcome


async def _attempt(address: IPAddress, port: int) -> socket.socket | OSError:
    # Returned, not raised: a refused connection is an outcome, not a failed task.
    try:
        return await _connect(address, port)
    except OSError as error:
        return error


def _most_telling(errors: Sequence[OSError]) -> OSError:
    return min(errors, key=lambda error: _TELLING.index(reply_for(error)))


async def _connect(address: IPAddress, port: int) -> socket.socket:
    """connect(2) without a thread and without a resolver in between."""
    sock = socket.socket(_family(address), socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex((str(address), port))
        if code == errno.EINPROGRESS:
            await _writable(sock)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, errno.errorcode.get(code, "connect failed"))
    except BaseException:
        sock.close()
        raise
    return sock


async def _writable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(sock, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_writer(sock)
