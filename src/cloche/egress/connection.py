"""One client of a gateway, from its greeting to its last byte."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cloche.concurrency.splice import abort
from cloche.data_plane.relay import Order, RelayEnd, Relays
from cloche.egress.accounting import ByteBudget, Counters
from cloche.egress.connect import ConnectError
from cloche.egress.destination import Destinations, RefusedError
from cloche.egress.policy import Decision, EgressPolicy, RefusalReason
from cloche.egress.ports import scheme_of
from cloche.egress.refusals import Refusal
from cloche.egress.socks5 import ConnectRequest, ProtocolError, Reply, Socks5Server, encode_reply
from cloche.egress.upstream import Tunnel

# Once one side has finished: long enough for a slow answer to a client that says nothing more.
HALF_CLOSED_TIMEOUT_S: Final = 120.0
# Longer than any message of the handshake; what comes beyond it is early data.
_HANDSHAKE_READ: Final = 4096


@dataclass(slots=True, kw_only=True)
class Service:
    """What the connections of one gateway share."""

    policy: EgressPolicy
    destinations: Destinations
    counters: Counters
    budget: ByteBudget
    on_refusal: Callable[[Refusal], None]
    on_exhausted: Callable[[], None]
    relays: Relays
    busy: int = 0
    """Connections past their handshake: being opened or open."""
    first_bytes: bytes = field(init=False)
    """What a client may begin with: a relay need not know schemes."""

    def __post_init__(self) -> None:
        self.first_bytes = bytes(byte for byte in range(256) if scheme_of(byte) in self.policy.schemes)


async def serve(client: socket.socket, service: Service) -> None:
    """Serve one accepted, non-blocking socket and close it. Whatever the client does ends here, quietly."""
    try:
        await _Conversation(client, service).run()
    except OSError:
        pass  # the client went away in mid-sentence: nothing to be done, and nothing was promised
    finally:
        client.close()


class _Conversation:
    def __init__(self, client: socket.socket, service: Service) -> None:
        self._client = client
        self._service = service
        self._machine = Socks5Server()

    async def run(self) -> None:
        request = await self._handshake()
        if request is None:
            return
        self._service.busy += 1
        try:
            tunnel = await self._open(request)
            if tunnel is not None:
                await self._carry(tunnel, request)
        finally:
            self._service.busy -= 1

    async def _handshake(self) -> ConnectRequest | None:
        """Read the request; None when there will be none, and everything has been said about it."""
        try:
            async with asyncio.timeout(self._service.policy.handshake_timeout_s):
                return await self._read_request()
        except TimeoutError:
            self._refuse(Decision(RefusalReason.HANDSHAKE_TIMEOUT))
            return None

    async def _read_request(self) -> ConnectRequest | None:
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(self._client, _HANDSHAKE_READ):
            events = self._machine.receive(data)
            if answer := self._machine.data_to_send():
                await loop.sock_sendall(self._client, answer)
            for event in events:
                if isinstance(event, ProtocolError):
                    self._refuse(Decision(RefusalReason.PROTOCOL_ERROR, event.fault.value))
                    return None
                return event
        return None

    async def _open(self, request: ConnectRequest) -> Tunnel | None:
        """Reach the destination and tell the client how that went; None when it was not reached."""
        try:
            self._require_room()
            tunnel = await self._service.destinations.open(request.host, request.port)
        except RefusedError as error:
            self._refuse(error.decision, request)
            await self._reply(Reply.NOT_ALLOWED)
        except ConnectError as error:
            self._service.counters.failures_total += 1
            await self._reply(error.reply)
        else:
            return tunnel
        return None

    def _require_room(self) -> None:
        service = self._service
        if service.budget.exhausted:
            service.on_exhausted()
            raise RefusedError(Decision(RefusalReason.BUDGET_EXHAUSTED, str(service.policy.max_bytes)))
        if service.busy > service.policy.max_connections:
            raise RefusedError(Decision(RefusalReason.TOO_MANY_CONNECTIONS, str(service.policy.max_connections)))

    async def _carry(self, tunnel: Tunnel, request: ConnectRequest) -> None:
        counters = self._service.counters
        counters.connections_total += 1
        counters.connections_open += 1
        whole = False
        try:
            await self._reply(Reply.SUCCEEDED)
            whole = await self._relay(tunnel, request)
        finally:
            counters.connections_open -= 1
            # A stream that was cut must not look like one that ended, to either side.
            for sock in (tunnel.sock, self._client):
                sock.close() if whole else abort(sock)

    async def _relay(self, tunnel: Tunnel, request: ConnectRequest) -> bool:
        """Relay until the end; returns whether both sides had said all they had to say."""
        service, policy = self._service, self._service.policy
        order = Order(
            a_to_b_head=self._machine.early_data,
            b_to_a_head=tunnel.head,
            first_bytes=service.first_bytes,
            idle_timeout_s=policy.idle_timeout_s,
            half_closed_timeout_s=min(policy.idle_timeout_s, HALF_CLOSED_TIMEOUT_S),
            lifetime_s=policy.connection_lifetime_s,
        )
        relayed = await service.relays.relay(self._client, tunnel.sock, order, meter=service.budget)
        if relayed.end is RelayEnd.REFUSED:
            spoken = scheme_of(relayed.first_byte) or "neither http nor tls"
            self._refuse(Decision(RefusalReason.SCHEME_NOT_ALLOWED, spoken), request)
        if relayed.end is RelayEnd.LIMIT:
            service.on_exhausted()
        return relayed.end in (RelayEnd.EOF, RelayEnd.IDLE)

    async def _reply(self, reply: Reply) -> None:
        # Ten bytes into an empty socket buffer; the deadline is for a client that has stopped the world.
        async with asyncio.timeout(self._service.policy.handshake_timeout_s):
            await asyncio.get_running_loop().sock_sendall(self._client, encode_reply(reply))

    def _refuse(self, decision: Decision, request: ConnectRequest | None = None) -> None:
        assert decision.reason is not None
        host, port = (request.host, request.port) if request is not None else ("", 0)
        self._service.on_refusal(Refusal(host, port, decision.reason, decision.rule))
