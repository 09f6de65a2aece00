"""A little TURN server (RFC 8656) on loopback that knows coturn's time-limited credentials, and channels over UDP."""

import asyncio
import base64
import hashlib
import hmac
import struct
import time
from types import TracebackType
from typing import Any, Final, Self, cast

from aioice import stun
from aioice.turn import make_integrity_key

from cloche.concurrency.tasks import cancel_and_wait, spawn

REALM: Final = "cloche"
Place = tuple[str, int]


class _Relay(asyncio.DatagramProtocol):
    """One allocation."""

    def __init__(self, server: "TurnServer", client: Place) -> None:
        self._server = server
        self._client = client
        self.channels: dict[int, Place] = {}
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        for number, peer in self.channels.items():
            if peer == addr[:2]:
                self._server.send(struct.pack("!HH", number, len(data)) + data, self._client)


class TurnServer(asyncio.DatagramProtocol):
    """An async context manager; `port` is where it listens, `relayed` how many datagrams it has passed on."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._relays: dict[Place, _Relay] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._transport: asyncio.DatagramTransport
        self.relayed = 0
        self.refused = 0

    @property
    def port(self) -> int:
        return int(self._transport.get_extra_info("sockname")[1])

    @property
    def allocations(self) -> int:
        return len(self._relays)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await cancel_and_wait(*self._tasks)
        for relay in self._relays.values():
            relay.transport.close()
        self._transport.close()

    def send(self, data: bytes, to: Place) -> None:
        self._transport.sendto(data, to)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        client = (addr[0], addr[1])
        if data[0] & 0xC0 == 0x40:
            number, length = struct.unpack("!HH", data[:4])
            if (relay := self._relays.get(client)) and number in relay.channels:
                self.relayed += 1
                relay.transport.sendto(data[4 : 4 + length], relay.channels[number])
            return
        self._tasks.append(spawn(self._answer(stun.parse_message(data), client), name="turn-request"))

    async def _answer(self, request: stun.Message, client: Place) -> None:
        key = self._key(request.attributes.get("USERNAME", ""))
        if key is None or not request.check_message_integrity(key):
            self.refused += 1
            answer = self._make(request, stun.Class.ERROR)
            answer.attributes.update({"ERROR-CODE": (401, "Unauthorized"), "NONCE": b"nonce", "REALM": REALM})
            self.send(bytes(answer), client)
            return
        answer = self._make(request, stun.Class.RESPONSE)
        if request.message_method == stun.Method.ALLOCATE:
            relay = await self._allocate(client)
            answer.attributes["XOR-RELAYED-ADDRESS"] = relay.transport.get_extra_info("sockname")[:2]
            answer.attributes["XOR-MAPPED-ADDRESS"] = client
            answer.attributes["LIFETIME"] = 600
        elif request.message_method == stun.Method.CHANNEL_BIND:
            number = request.attributes["CHANNEL-NUMBER"]
            self._relays[client].channels[number] = request.attributes["XOR-PEER-ADDRESS"]
        elif request.message_method == stun.Method.REFRESH:
            answer.attributes["LIFETIME"] = request.attributes["LIFETIME"]
            if not request.attributes["LIFETIME"]:
                self._relays.pop(client).transport.close()
        answer.add_message_integrity(key)
        self.send(bytes(answer), client)

    async def _allocate(self, client: Place) -> _Relay:
        if client not in self._relays:
            loop = asyncio.get_running_loop()
            _, relay = await loop.create_datagram_endpoint(lambda: _Relay(self, client), local_addr=("127.0.0.1", 0))
            self._relays[client] = relay
        return self._relays[client]

    def _key(self, username: str) -> bytes | None:
        """As coturn works it out; None: nobody's, or it has expired."""
        expiry, _, _ = username.partition(":")
        if not expiry.isdecimal() or int(expiry) < time.time():
            return None
        password = base64.b64encode(hmac.new(self._secret, username.encode(), hashlib.sha1).digest()).decode()
        return make_integrity_key(username, REALM, password)

    @staticmethod
    def _make(request: stun.Message, kind: stun.Class) -> stun.Message:
        return stun.Message(
            message_method=request.message_method, message_class=kind, transaction_id=request.transaction_id
        )
