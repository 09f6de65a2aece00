"""One relay, in whichever process it runs."""

import asyncio
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from cloche.concurrency.splice import Quota, Refill, Side, SpliceResult, Way, splice
from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.data_plane.client_socket import ClientSocket
from cloche.data_plane.relay import FrameState, Meter, Order, Relayed, RelayEnd

BOUNDARY_WAIT_S: Final = 0.5
"""How long a half-sent frame may take to get out when the relay is to end."""


class _FirstByteError(Exception):
    def __init__(self, byte: int) -> None:
        super().__init__(byte)
        self.byte = byte


@dataclass(frozen=True, slots=True)
class Quotas:
    """Who is asked for each direction's bytes, and who tells when there are more."""

    out: Quota | None = None
    in_: Quota | None = None
    refill: Refill | None = None


class HereRelays:
    """Relays in this process's own loop."""

    async def relay(
        self,
        a: socket.socket,
        b: socket.socket,
        order: Order,
        *,
        meter: Meter | None = None,
        until: "asyncio.Future[None] | None" = None,
    ) -> Relayed:
        """See `relay.Relays`."""
        quotas = Quotas() if meter is None else Quotas(meter.take_out, meter.take_in)
        return await run(a, b, order, quotas, until)


async def run(
    a: socket.socket, b: socket.socket, order: Order, quotas: Quotas, until: "asyncio.Future[None] | None"
) -> Relayed:
    """Relay; see `relay.Relays`."""
    if order.frames_after is None:
        return await _spliced(a, b, order, quotas, until, lambda: False)
    with ClientSocket(os.dup(a.fileno()), order.frames_after) as client:
        client.setblocking(False)
        relayed = await _spliced(client, b, order, quotas, until, lambda: not client.frames.at_boundary)
        frames = FrameState(client.has_left, client.frames.at_boundary, client.frames.close_seen)
        return Relayed(end=relayed.end, side=relayed.side, errno=relayed.errno, frames=frames)


async def _spliced(
    a: socket.socket,
    b: socket.socket,
    order: Order,
    quotas: Quotas,
    until: "asyncio.Future[None] | None",
    is_inside: Callable[[], bool],
) -> Relayed:
    splicing = splice(
        a,
        b,
        a_to_b=Way(order.a_to_b_head, _guard(order.first_bytes), quotas.out, quotas.refill),
        b_to_a=Way(order.b_to_a_head, None, quotas.in_, quotas.refill),
        idle_timeout_s=order.idle_timeout_s,
        half_closed_timeout_s=order.half_closed_timeout_s,
        lifetime_s=order.lifetime_s,
    )
    try:
        if until is None:
            return _told(await splicing)
        task = spawn(splicing, name="relay")
        try:
            waiting: set[asyncio.Future[Any]] = {task, until}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not task.done() and is_inside():
                await asyncio.wait({task}, timeout=BOUNDARY_WAIT_S)
            return _told(task.result()) if task.done() else Relayed(end=RelayEnd.STOPPED)
        finally:
            await cancel_and_wait(task)
    except _FirstByteError as error:
        return Relayed(end=RelayEnd.REFUSED, side=Side.A, first_byte=error.byte)


def _told(result: SpliceResult) -> Relayed:
    return Relayed(end=RelayEnd(result.end), side=result.side or "", errno=result.errno or 0)


def _guard(allowed: bytes | None) -> Callable[[memoryview], None] | None:
    if allowed is None:
        return None
    seen = False

    def look(chunk: memoryview) -> None:
        nonlocal seen
        if not seen and chunk[0] not in allowed:
            raise _FirstByteError(chunk[0])
        seen = True

    return look
