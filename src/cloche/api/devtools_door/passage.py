"""A client's way through: Chromium's handshake, the splice, and an end that says why."""

import asyncio
import contextlib
import socket
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

from cloche.api.devtools_door.closing import (
    BROWSER_CLOSED,
    PROCESS_LOST,
    TARGET_CLOSED,
    Closing,
    closing_for,
)
from cloche.api.devtools_door.exchange import ask, read_body
from cloche.api.devtools_door.head import Endpoint, Upgrade, agent_opening, agent_request, chromium_request
from cloche.data_plane.client_socket import ClientSocket
from cloche.data_plane.relay import Order, Relayed, RelayEnd, Relays
from cloche.errors import AgentError, NotFoundError
from cloche.sessions.machine_errors import MAX_REFUSAL_BYTES, error_of

REASON_WAIT_S: Final = 1.0
"""How long the reason may come after the browser's connection has ended: the agent tells the host first."""
FAREWELL_S: Final = 1.0
"""How long the client may take to answer a Close frame."""
HALF_CLOSED_S: Final = 10.0

_UNTOLD: Final = {
    Endpoint.BROWSER: BROWSER_CLOSED,
    Endpoint.PAGE: TARGET_CLOSED,
    Endpoint.PROCESS: PROCESS_LOST,
}
"""What the end of a connection means when nobody says why."""

_KEEPALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 20),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 6),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)
"""A peer that is gone for good is noticed by the kernel; one that is merely slow never is (tcp(7))."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Chromium's 101 and what it sent right behind it."""

    head: bytes
    rest: bytes


async def open_passage(browser: socket.socket, upgrade: Upgrade, browser_path: str) -> Opening:
    """Shake hands with Chromium in the client's name.

    Raises: NotFoundError for a page that is not there; AgentError, DeadlineError.
    """
    status, _, raw, rest = await ask(browser, chromium_request(upgrade, browser_path))
    if status == 101:
        return Opening(raw, rest)
    if upgrade.endpoint is Endpoint.PAGE and status in (404, 500):
        raise NotFoundError("there is no such page in this session")
    raise AgentError("the browser refused the connection")


async def open_process(agent: socket.socket, upgrade: Upgrade) -> Opening:
    """Shake hands with the agent in the client's name.

    Raises: what it refuses (NotFoundError, ConflictError, …); AgentError, DeadlineError.
    """
    status, head, _, rest = await ask(agent, agent_request(upgrade))
    if status == 101:
        return Opening(agent_opening(upgrade), rest)
    raise error_of(status, await read_body(agent, head, rest, MAX_REFUSAL_BYTES))


def tune(client: socket.socket) -> None:
    """Set keepalive and TCP_NODELAY; on a socket that is not TCP there is nothing to set."""
    with contextlib.suppress(OSError):
        for level, option, value in _KEEPALIVE:
            client.setsockopt(level, option, value)


async def carry(
    client: socket.socket,
    browser: socket.socket,
    opening: Opening,
    *,
    early: bytes,
    endpoint: Endpoint,
    relays: Relays,
    ended: "asyncio.Future[str]",
    stopping: "asyncio.Future[Closing]",
) -> Closing | None:
    """Relay until either side or the session ends; then tell the client why, if no one has yet.

    `early` is what the client sent behind its head. Returns what the client was told, None when it left by itself.
    Closes neither socket.
    """
    order = Order(
        a_to_b_head=early,
        b_to_a_head=opening.head + opening.rest,
        frames_after=len(opening.head),
        half_closed_timeout_s=HALF_CLOSED_S,
    )
    with _either(ended, stopping) as until:
        relayed = await relays.relay(client, browser, order, until=until)
    frames = relayed.frames
    if frames is None:
        return None  # gone with the worker that had it: nobody knows where in a frame the client is
    if relayed.end is not RelayEnd.STOPPED and (frames.client_left or not _browser_left(relayed)):
        return None
    # After Chromium's own Close frame there is nothing left to say.
    closing = None if frames.close_seen else await _why(endpoint, ended, stopping)
    await _say_farewell(client, closing if frames.at_boundary else None)
    return closing


@contextlib.contextmanager
def _either(first: "asyncio.Future[Any]", second: "asyncio.Future[Any]") -> Generator["asyncio.Future[None]"]:
    """A future that is done with the first of two, which outlive it."""
    until: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def finish(_: "asyncio.Future[Any]") -> None:
        if not until.done():
            until.set_result(None)

    for future in (first, second):
        future.add_done_callback(finish)
    try:
        yield until
    finally:
        for future in (first, second):
            future.remove_done_callback(finish)


def _browser_left(relayed: Relayed) -> bool:
    return relayed.errno == ClientSocket.END_OF_BROWSER or relayed.side == "b"


async def _why(endpoint: Endpoint, ended: "asyncio.Future[str]", stopping: "asyncio.Future[Closing]") -> Closing:
    if not (ended.done() or stopping.done()):
        waiting: set[asyncio.Future[Any]] = {ended, stopping}
        await asyncio.wait(waiting, timeout=REASON_WAIT_S, return_when=asyncio.FIRST_COMPLETED)
    if ended.done() and not ended.cancelled():
        return closing_for(ended.result())
    if stopping.done() and not stopping.cancelled():
        return stopping.result()
    return _UNTOLD[endpoint]


async def _say_farewell(client: socket.socket, closing: Closing | None) -> None:
    """Put a Close frame there, then wait until the client has read it.

    A socket closed with unread bytes in it resets the connection, and the frame would be lost with it (RFC 1122,
    section 4.2.2.13): hence the reading.
    """
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError, TimeoutError):
        if closing is not None:
            client.send(closing.frame())
        client.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(FAREWELL_S):
            while await loop.sock_recv(client, 64 * 1024):
                pass
