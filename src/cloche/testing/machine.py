"""A session's machine in memory: what the doors of the machine API are tested against without a sandbox."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from cloche.errors import AgentError, ClocheError, NotFoundError
from cloche.sessions.interface import MachineAnswer, MachineRequest
from cloche.sessions.model import EventType
from cloche.wire.messages import Payload


@dataclass
class Scripted:
    """What a route answers. `pieces` are sent one by one; then the answer ends, or breaks off, or never ends."""

    pieces: list[bytes] = field(default_factory=list)
    fields: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    breaks_off: bool = False
    hangs: bool = False


@dataclass
class Received:
    """A request as the machine got it; `body` is what has come of it."""

    request: MachineRequest
    body: bytearray = field(default_factory=bytearray)
    is_whole: bool = False
    """The body came to its end."""


@dataclass(eq=False)
class FakeTunnel:
    machine: "FakeSessionMachine"
    ended: "asyncio.Future[str]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def dial(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        self.machine.dialled.put_nowait(theirs)
        return ours


class FakeSessionMachine:
    """Keeps the contract of `cloche.sessions.interface.SessionMachine`; one for all sessions of a manager."""

    def __init__(self) -> None:
        self.payloads: dict[str, Payload | Callable[[MachineRequest], Payload]] = {}
        """`GET /fs/file_info` → what `ask` answers, or what an `open` with a body is answered with."""
        self.streams: dict[str, Scripted | Callable[[MachineRequest], Scripted]] = {}
        self.errors: dict[str, ClocheError] = {}
        self.received: list[Received] = []
        self.tunnels: list[FakeTunnel] = []
        """Those that are held."""
        self.dialled: asyncio.Queue[socket.socket] = asyncio.Queue()
        """The agent's ends of the tunnels' streams, a test's to answer on and to close."""
        self.notes: list[tuple[EventType, dict[str, Any]]] = []
        self.open_now = 0
        self.opened = asyncio.Event()
        self.may_read = asyncio.Event()
        """Bodies of requests are read only while it is set."""
        self.may_read.set()
        self.asking = asyncio.Event()
        self.may_answer = asyncio.Event()
        """An `ask` is answered only while it is set."""
        self.may_answer.set()
        self.given_up = asyncio.Event()
        """An `ask` was cut short."""
        self.closed = asyncio.Event()
        """An `open` has been left."""

    async def ask(self, request: MachineRequest, *, timeout_s: float = 30.0) -> Payload:
        self.received.append(Received(request, is_whole=True))
        self.asking.set()
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.given_up.set()
            raise
        return self._payload(request)

    @asynccontextmanager
    async def open(
        self, request: MachineRequest, body: AsyncIterator[bytes] | None = None, *, timeout_s: float = 30.0
    ) -> AsyncGenerator[MachineAnswer]:
        received = Received(request)
        self.received.append(received)
        self.open_now += 1
        self.opened.set()
        try:
            if body is not None:
                await self._read(body, received)
            yield self._answer(request)
        finally:
            self.open_now -= 1
            self.closed.set()

    @asynccontextmanager
    async def tunnel(self) -> AsyncGenerator["FakeTunnel"]:
        tunnel = FakeTunnel(self)
        self.tunnels.append(tunnel)
        try:
            yield tunnel
        finally:
            self.tunnels.remove(tunnel)

    def note(self, type_: EventType, data: Mapping[str, str | int | float | bool | None]) -> None:
        self.notes.append((type_, dict(data)))

    async def _read(self, body: AsyncIterator[bytes], received: Received) -> None:
        async for piece in body:
            await self.may_read.wait()
            received.body += piece
        received.is_whole = True

    def _payload(self, request: MachineRequest) -> Payload:
        key = f"{request.method} {request.path}"
        if key in self.errors:
            raise self.errors[key]
        payload = self.payloads.get(key)
        if payload is None:
            raise NotFoundError("there is nothing at this path", reason="no_such_route")
        return payload(request) if callable(payload) else payload

    def _answer(self, request: MachineRequest) -> MachineAnswer:
        key = f"{request.method} {request.path}"
        if key in self.errors:
            raise self.errors[key]
        scripted = self.streams.get(key)
        if scripted is None:
            return MachineAnswer(200, None, {}, _pieces(Scripted([json.dumps(self._payload(request)).encode()])))
        scripted = scripted(request) if callable(scripted) else scripted
        return MachineAnswer(200, scripted.length, scripted.fields, _pieces(scripted))


async def _pieces(scripted: Scripted) -> AsyncGenerator[bytes]:
    for piece in scripted.pieces:
        await asyncio.sleep(0)
        yield piece
    if scripted.hangs:
        await asyncio.Event().wait()
    if scripted.breaks_off:
        raise AgentError("the answer was broken off")
