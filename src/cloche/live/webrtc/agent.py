"""Our side of ICE for one viewer, on aioice. RFC 8445.

What differs from aioice as it comes: which addresses and ports it listens on, which addresses of strangers it calls
(see `candidates`), that names are never looked up, and that what comes from elsewhere than the viewer is dropped at
the door: an empty datagram from anybody would end aiortc's connection.
"""

import asyncio
import errno
import secrets
import socket
import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Final, cast

from aioice import Candidate, Connection, ConnectionClosed, TransportPolicy
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import (
    ConnectionEvent,
    StunProtocol,
    get_host_addresses,
    relayed_candidate,
    server_reflexive_candidate,
)
from aioice.stun import Message
from aiortc.rtcicetransport import RTCIceGatherer, RTCIceParameters, RTCIceTransport

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.live.webrtc.candidates import (
    MAX_CANDIDATES,
    CallRule,
    Refusal,
    RemoteCandidate,
    why_not_address,
    why_not_call,
)
from cloche.live.webrtc.ice import IceSettings, stun_server, turn_credentials, turn_server
from cloche.live.webrtc.sdp import Transport

MAX_ADDRESSES: Final = 8
"""Of this machine, one socket each."""
MAX_PORT_TRIES: Final = 256
MAX_WAITING: Final = 1024
"""Datagrams that have come and are not read yet."""
MAX_UNSENT_BYTES: Final = 512 << 10
"""Of one socket: beyond, packets are dropped, as a router on the way would."""
BUFFER_BYTES: Final = 1 << 20
STOP_TIMEOUT_S: Final = 3.0
_LARGEST_DATAGRAM: Final = 4096

Place = tuple[str, int]


class _Port(StunProtocol):
    """One of our sockets, or an allocation on a TURN server."""

    receiver: "ViewerConnection"

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        # The first byte tells STUN from the rest (RFC 7983). It carries its own proof; the rest must be the viewer's.
        if not data or len(data) > _LARGEST_DATAGRAM or not isinstance(data, bytes):
            return
        if self.receiver.knows((addr[0], addr[1])):
            self.receiver.heard_s = asyncio.get_running_loop().time()
        elif data[0] > 3:
            return
        try:
            super().datagram_received(data, addr)
        except Exception:  # noqa: BLE001  A stranger's datagram may trip aioice's parser: then it is dropped.
            self.receiver.tripped += 1

    async def send_data(self, data: bytes, addr: Place) -> None:
        if _unsent_bytes(self.transport) <= MAX_UNSENT_BYTES:
            await super().send_data(data, addr)


class ViewerConnection(Connection):
    """aioice's connection, with our sockets and our rule."""

    def __init__(self, settings: IceSettings, rule: CallRule, who: str) -> None:
        relay = turn_server(settings)
        credentials = turn_credentials(settings, who, time.time()) if relay else None
        super().__init__(
            ice_controlling=False,
            # RFC 8445, section 5.3: 24 and 128 bits at least; aioice would take four characters.
            local_username=secrets.token_hex(4),
            local_password=secrets.token_hex(16),
            stun_server=stun_server(settings),
            turn_server=(relay.host, relay.port) if relay else None,
            turn_username=credentials.username if credentials else None,
            turn_password=credentials.password if credentials else None,
            turn_ssl=relay.tls if relay else False,
            turn_transport=relay.transport if relay else "udp",
            transport_policy=TransportPolicy.RELAY if settings.relay_only else TransportPolicy.ALL,
        )
        self._settings = settings
        self._rule = rule
        self.tripped = 0
        self.heard_s = 0.0
        """When the viewer was last heard, on the loop's clock."""

    def knows(self, place: Place) -> bool:
        return any((one._network_host, one.port) == place for one in self._remote_candidates)

    def may_learn(self, place: Place) -> bool:
        """Whether the source of a check may become a candidate."""
        if len(self._remote_candidates) >= MAX_CANDIDATES:
            return False
        return why_not_address(ip_address(place[0]), self._rule) is None

    def request_received(self, message: Message, addr: Place, protocol: StunProtocol) -> None:
        # Whom we would not call gets no answer either: it would take this pair for a good one, and try no other.
        if "PRIORITY" in message.attributes and (self.knows(addr) or self.may_learn(addr)):
            super().request_received(message, addr, protocol)

    def data_received(self, data: bytes, component: int) -> None:
        if self._queue.qsize() < MAX_WAITING:
            super().data_received(data, component)

    async def get_event(self) -> ConnectionEvent | None:
        # aioice answers None where it has closed already, which aiortc's monitor would ask for without end.
        return ConnectionClosed() if self._closed else await super().get_event()

    async def get_component_candidates(self, component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:
        ports = [port for address in self._own_addresses() if (port := await self._listen(address)) is not None]
        self._protocols += ports
        candidates = []
        for index, port in enumerate(ports):
            port.local_candidate = _host_candidate(port, component, index)
            candidates.append(port.local_candidate)
        return candidates + await self._ask_servers(component, ports)

    def _own_addresses(self) -> list[str]:
        if self._settings.relay_only:
            return []
        found = [text for text in get_host_addresses(use_ipv4=True, use_ipv6=True) if _is_usable(text)]
        if self._settings.loopback:
            found = [*found[: MAX_ADDRESSES - 2], "127.0.0.1", "::1"]
        return found[:MAX_ADDRESSES]

    async def _listen(self, address: str) -> _Port | None:
        """Bind a socket; None where this address cannot be had."""
        loop = asyncio.get_running_loop()
        for number in self._numbers():
            try:
                transport, port = await loop.create_datagram_endpoint(lambda: _Port(self), local_addr=(address, number))
            except OSError as error:
                # uvloop does not say why. Then it may be that the port is taken.
                if error.errno in (errno.EADDRINUSE, None):
                    continue
                return None
            if (sock := transport.get_extra_info("socket")) is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
            return port
        return None

    def _numbers(self) -> list[int]:
        if self._settings.udp_ports is None:
            return [0]
        first, last = self._settings.udp_ports
        count = last - first + 1
        start = secrets.randbelow(count)
        return [first + (start + step) % count for step in range(min(count, MAX_PORT_TRIES))]

    async def _ask_servers(self, component: int, ports: list[_Port]) -> list[Candidate]:
        tasks: list[asyncio.Task[Any]] = []
        if (stun := self.stun_server) is not None:
            over_ipv4 = [port for port in ports if ip_address(port.local_candidate.host).version == 4]
            tasks += [spawn(self._reflexive(port, stun), name="webrtc-stun") for port in over_ipv4]
        if self.turn_server is not None:
            tasks.append(spawn(self._relayed(component, self.turn_server), name="webrtc-turn"))
        if not tasks:
            return []
        try:
            await asyncio.wait(tasks, timeout=self._settings.gather_timeout_s)
        finally:
            await cancel_and_wait(*tasks)
        found = [task.result() for task in tasks if not task.cancelled()]
        return [candidate for candidate in found if candidate is not None]

    async def _reflexive(self, port: _Port, server: Place) -> Candidate | None:
        try:
            candidate, _ = await server_reflexive_candidate(port, server)
        except Exception:  # noqa: BLE001  A server that does not answer properly is one that we do without.
            return None
        return candidate

    async def _relayed(self, component: int, server: Place) -> Candidate | None:
        try:
            candidate, protocol = await relayed_candidate(
                component=component,
                hide_related_address=True,
                protocol_factory=lambda: _Port(self),
                turn_server=server,
                turn_username=self.turn_username,
                turn_password=self.turn_password,
                turn_ssl=self.turn_ssl,
                turn_transport=self.turn_transport,
            )
        except Exception:  # noqa: BLE001  As above.
            return None
        self._protocols.append(protocol)
        return candidate


class _Gatherer(RTCIceGatherer):
    def __init__(self, connection: ViewerConnection) -> None:
        super().__init__(iceServers=[])
        self._connection = connection


class IceAgent:
    """Owns the sockets of one peer. `gather`, then `start`; `stop` frees everything."""

    def __init__(self, settings: IceSettings, who: str, on_left_out: Callable[[Refusal], None]) -> None:
        self._settings = settings
        self._rule = CallRule(loopback=settings.loopback, private=settings.private_viewers)
        self._connection = ViewerConnection(settings, self._rule, who)
        self._gatherer = _Gatherer(self._connection)
        self._on_left_out = on_left_out
        self.transport = RTCIceTransport(self._gatherer)

    @property
    def ufrag(self) -> str:
        return self._connection.local_username

    @property
    def password(self) -> str:
        return self._connection.local_password

    @property
    def heard_s(self) -> float:
        return self._connection.heard_s

    async def gather(self) -> tuple[str, ...]:
        """Open sockets, ask the servers; our candidates, as they stand in SDP."""
        await self._gatherer.gather()
        return tuple(dict.fromkeys(map(self._in_sdp, self._connection.local_candidates)))

    async def call(self, candidate: RemoteCandidate) -> None:
        """Have the viewer called at this address too, if that may be."""
        if refusal := why_not_call(candidate, self._rule):
            self._on_left_out(refusal)
            return
        await self._connection.add_remote_candidate(
            Candidate(
                foundation=candidate.foundation,
                component=1,
                transport="udp",
                priority=candidate.priority,
                host=candidate.host,
                port=candidate.port,
                type=candidate.kind,
            )
        )

    async def start(self, remote: Transport, *, controlling: bool) -> bool:
        """Check pairs until one works; False: none did. Without an end of its own where the viewer is silent: aioice is
        never told that there will be no more candidates, as a viewer may be found by its packets any time."""
        self._connection.ice_controlling = controlling
        await self.transport.start(RTCIceParameters(usernameFragment=remote.ufrag, password=remote.password))
        return self.transport.state == "completed"

    def pair(self) -> tuple[str, str]:
        """What kinds of candidates are in use: ours, the viewer's."""
        for pair in self._connection._nominated.values():
            return pair.local_candidate.type, pair.remote_candidate.type
        return "", ""

    async def stop(self) -> None:
        ports = list(self._connection._protocols)
        stopping = spawn(self.transport.stop(), name="webrtc-ice-stop")
        await asyncio.wait([stopping], timeout=STOP_TIMEOUT_S)
        if not stopping.done():
            # A TURN server that is gone cannot be told that we leave.
            await cancel_and_wait(*(_farewell(port.transport) for port in ports))
        await stopping

    def _in_sdp(self, candidate: Candidate) -> str:
        public = self._settings.public_address
        if public is None or candidate.type != "host" or ip_address(candidate.host).version != public.version:
            return candidate.to_sdp()
        text = candidate.to_sdp().split(" ")
        text[4] = str(public)
        return " ".join(text)


def _host_candidate(port: _Port, component: int, index: int) -> Candidate:
    host, number = port.transport.get_extra_info("sockname")[:2]
    return Candidate(
        foundation=candidate_foundation("host", "udp", host),
        component=component,
        transport="udp",
        priority=candidate_priority(component, "host", 65535 - index),
        host=host,
        port=number,
        type="host",
    )


def _is_usable(text: str) -> bool:
    address = ip_address(text)
    return not (address.is_link_local or address.is_loopback or address.is_multicast or address.is_unspecified)


def _unsent_bytes(transport: Any) -> int:
    """Of a socket, or of the connection to the TURN server."""
    inner = getattr(transport, "_TurnTransport__inner_protocol", None)
    size = getattr(inner.transport if inner is not None else transport, "get_write_buffer_size", None)
    return cast(int, size()) if size is not None else 0


def _farewell(transport: Any) -> asyncio.Task[None] | None:
    return cast("asyncio.Task[None] | None", getattr(transport, "_TurnTransport__close_task", None))
