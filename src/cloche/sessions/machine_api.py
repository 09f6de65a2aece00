"""A session as a small machine, for real: requests to its agent, each on a stream of its own, within bounds."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from json import dumps
from typing import Final, Protocol
from urllib.parse import quote

from cloche.agent_link import http, streams
from cloche.errors import AgentError, BusyError, InvalidError
from cloche.sessions.events import Data
from cloche.sessions.interface import MachineAnswer, MachineRequest
from cloche.sessions.machine_errors import MAX_REFUSAL_BYTES, error_of, read_object
from cloche.sessions.model import EventType
from cloche.sessions.under_way import UnderWay
from cloche.wire.machine import MAX_ANSWER_BYTES, MAX_JSON_BYTES
from cloche.wire.messages import Payload

MAX_EXCHANGES: Final = 128
"""At once to one session; its agent has places for twice as many streams."""
MAX_HELD_BYTES: Final = 64 * 1024 * 1024
"""Of answers to one session's requests that are being read whole."""


class MachineOwner(Protocol):
    """What a runner does for who uses its session as a machine."""

    async def dial_agent(self) -> socket.socket:
        """A fresh connection to the guest socket. Raises: GoneError, and whatever the driver raises."""
        ...

    def require_staying(self) -> None:
        """Raises: GoneError when the session ends."""
        ...

    def actions_changed(self, change: int) -> None: ...

    def publish(self, type_: EventType, data: Data | None = None) -> None: ...


@dataclass(eq=False, slots=True)
class Tunnel:
    """See `sessions.interface.MachineTunnel`."""

    _machine: "AgentMachine"
    ended: "asyncio.Future[str]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def dial(self) -> socket.socket:
        return await self._machine.dial()


class AgentMachine:
    """See `sessions.interface.SessionMachine`. Owned by the runner; one for all who use a session."""

    def __init__(self, owner: MachineOwner) -> None:
        self._owner = owner
        self._under_way = UnderWay(owner)
        self._exchanges = self._held_bytes = 0
        self._tunnels: set[Tunnel] = set()

    def give_up(self, reason: str) -> None:
        """The session is left: everything under way raises GoneError, and tunnels are told the reason."""
        self._under_way.give_up()
        for tunnel in tuple(self._tunnels):
            if not tunnel.ended.done():
                tunnel.ended.set_result(reason)

    async def ask(self, request: MachineRequest, *, timeout_s: float = 30.0) -> Payload:
        async with self.open(request, timeout_s=timeout_s) as answer:
            return read_object(await self._read_whole(answer.body))

    def open(
        self, request: MachineRequest, body: AsyncIterator[bytes] | None = None, *, timeout_s: float = 30.0
    ) -> AbstractAsyncContextManager[MachineAnswer]:
        return self._open(_encode(request), body, timeout_s)

    def tunnel(self) -> AbstractAsyncContextManager[Tunnel]:
        return self._tunnel()

    def note(self, type_: EventType, data: Mapping[str, str | int | float | bool | None]) -> None:
        self._owner.publish(type_, data)

    async def dial(self) -> socket.socket:
        async with self._under_way.asking():
            return await streams.open_http(await self._owner.dial_agent())

    @asynccontextmanager
    async def _open(
        self, request: http.Request, body: AsyncIterator[bytes] | None, timeout_s: float
    ) -> AsyncIterator[MachineAnswer]:
        with self._place():
            async with AsyncExitStack() as stack:
                # Until the head is there all is done by one task. Who reads the body may be another.
                async with self._under_way.asking():
                    stream = await streams.open_http(await self._owner.dial_agent())
                    answer = await stack.enter_async_context(http.exchange(stream, request, body, timeout_s=timeout_s))
                    if not 200 <= answer.status < 300:
                        raise error_of(answer.status, await answer.body.read(MAX_REFUSAL_BYTES))
                with self._under_way.reading(stream):
                    yield MachineAnswer(answer.status, answer.length, answer.fields, answer.body)

    @asynccontextmanager
    async def _tunnel(self) -> AsyncIterator[Tunnel]:
        with self._place():
            tunnel = Tunnel(self)
            self._tunnels.add(tunnel)
            try:
                yield tunnel
            finally:
                self._tunnels.remove(tunnel)

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Take one of the session's places, which is use of it."""
        self._owner.require_staying()
        if self._exchanges >= MAX_EXCHANGES:
            raise BusyError(f"{MAX_EXCHANGES} requests to this session are under way", retry_after_s=1)
        self._exchanges += 1
        self._owner.actions_changed(1)
        try:
            yield
        finally:
            self._exchanges -= 1
            self._owner.actions_changed(-1)

    async def _read_whole(self, body: AsyncIterator[bytes]) -> bytes:
        read = bytearray()
        try:
            async for piece in body:
                read += piece
                self._held_bytes += len(piece)
                if len(read) > MAX_ANSWER_BYTES:
                    raise AgentError("the agent's answer is too large")
                if self._held_bytes > MAX_HELD_BYTES:
                    raise BusyError("too much is being read from this session at once", retry_after_s=1)
            return bytes(read)
        finally:
            self._held_bytes -= len(read)


def _encode(request: MachineRequest) -> http.Request:
    """Raises: InvalidError when it is larger than an agent takes."""
    query = "&".join(f"{name}={_quoted(value)}" for name, value in request.query.items())
    target = f"{request.path}?{query}" if query else request.path
    json = None if request.fields is None else dumps(request.fields, separators=(",", ":")).encode()
    if len(target) > http.MAX_TARGET_CHARS or len(json or b"") > MAX_JSON_BYTES:
        raise InvalidError("the request is larger than a session takes")
    return http.Request(method=request.method, target=target, json=json)


def _quoted(value: str | bytes | int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return quote(value if isinstance(value, bytes | str) else str(value), safe="/")
