"""Both ends of a guest conversation on one loop: the server as it is, with stand-ins for what it asks."""

import os
import socket
import time
from collections.abc import Callable, Collection, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cloche.agent import streams
from cloche.agent.checks.settling import Settled
from cloche.agent.guest_protocol.conversation import Conversations, Patience
from cloche.agent.guest_protocol.exec_gate import ExecGate
from cloche.agent.guest_protocol.verbs import Verbs
from cloche.agent.log import Log
from cloche.agent.loop import Event, Loop
from cloche.agent.population import Population
from cloche.agent.sleep import Report
from cloche.wire.frames import FrameDecoder, encode_frame
from cloche.wire.messages import Payload, WorkerStatus

PATIENCE_S = 5.0


class StandIns:
    """What the verbs ask, with answers that a test sets; `calls` are theirs, in order."""

    def __init__(self, loop: Loop) -> None:
        self.calls: list[object] = []
        self.worker: tuple[WorkerStatus, str | None] = (WorkerStatus.IDLE, None)
        self.acting_now = 0
        self.report = Report(True, "")
        self.settled = Settled()
        self.integrations: list[Payload] = []
        self.probes: list[Payload] = []
        self.fails: Exception | None = None
        self.may_finish = Event(loop)
        self.may_finish.set()

    async def _done(self, *call: object) -> None:
        self.calls.append(call[0] if len(call) == 1 else call)
        if self.fails is not None:
            raise self.fails
        await self.may_finish.wait()

    # Activity
    def status(self) -> WorkerStatus:
        if self.fails is not None:
            raise self.fails
        return self.worker[0]

    def last_busy_at(self) -> str | None:
        return self.worker[1]

    @contextmanager
    def acting(self) -> Iterator[None]:
        self.acting_now += 1
        try:
            yield
        finally:
            self.acting_now -= 1

    # Sleeper
    async def prepare(self, drain_s: float) -> Report:
        await self._done("prepare", drain_s)
        return self.report

    async def wake(self) -> Report:
        await self._done("wake")
        return self.report

    async def post_restore(self) -> Report:
        await self._done("post_restore")
        return self.report

    # Checks
    def integration_reports(self) -> list[Payload]:
        self.calls.append("integration_reports")
        return self.integrations

    def probe_results(self) -> list[Payload]:
        return self.probes

    async def checkpoint(self, names: tuple[str, ...], within_s: float) -> Settled:
        await self._done("checkpoint", names)
        return self.settled


class Client:
    """The host's end of a connection, under the same loop."""

    def __init__(self, loop: Loop, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self._loop, self._decoder = loop, FrameDecoder()

    async def send(self, data: bytes) -> None:
        await streams.send_all(self._loop, self.sock, data, time.monotonic() + PATIENCE_S)

    async def receive(self) -> bytes:
        """Whatever comes next; nothing at the end."""
        return await streams.receive(self._loop, self.sock, 64 * 1024, time.monotonic() + PATIENCE_S)

    async def read(self) -> bytes | None:
        """The next answer's body; None at the end."""
        while (body := self._decoder.next_frame()) is None:
            try:
                data = await self.receive()
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._decoder.feed(data)
        return body

    async def ask(self, body: bytes) -> bytes | None:
        await self.send(encode_frame(body))
        return await self.read()

    async def ended(self) -> None:
        """Read to the end, which has to come with nothing before it."""
        assert await self.read() is None


class Rig:
    def __init__(self, log_path: Path) -> None:
        self.failures: list[str] = []
        self.log_path = log_path
        self._log_fd = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC)
        self.log = Log("debug", fd=self._log_fd)
        self.loop = Loop(lambda name, error: self.failures.append(f"{name}: {error!r}"))
        self.stand_ins = StandIns(self.loop)
        self.serve_with()
        self._sockets: list[socket.socket] = []
        self._has_run = False

    def serve_with(self, gate: ExecGate | None = None, **patience: float) -> None:
        self.verbs = Verbs(
            self.loop,
            self.log,
            activity=self.stand_ins,  # type: ignore[arg-type]
            checks=self.stand_ins,  # type: ignore[arg-type]
            sleeper=self.stand_ins,  # type: ignore[arg-type]
            exec_gate=gate or ExecGate(enabled=True, allowed=True, policy_file=""),
            population=Population(owns_namespace=False),
        )
        self.conversations = Conversations(self.loop, self.log, self.verbs, Patience()._replace(**patience))

    def connect(self, received: bytes = b"", ports: Collection[int] = ()) -> Client:
        """A conversation that has just begun, seen from its other end."""
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        self._sockets += [ours, theirs]

        async def serve() -> None:
            await self.conversations.serve(theirs, received, ports)
            theirs.close()

        self.loop.spawn(serve(), "conversation")
        return self.client(ours)

    def client(self, sock: socket.socket) -> Client:
        self._sockets.append(sock)
        return Client(self.loop, sock)

    async def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, "it did not happen"
            await self.loop.sleep(0.002)

    def run(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a test's other half; no task may fail meanwhile."""
        try:
            self._has_run = True
            self.loop.run(main())
        finally:
            self.close()
        assert not self.failures

    async def _nothing(self) -> None: ...

    def logged(self) -> str:
        return self.log_path.read_text()

    def close(self) -> None:
        if not self._has_run:
            self.run(self._nothing)
        for sock in self._sockets:
            sock.close()
        if self._log_fd >= 0:
            os.close(self._log_fd)
            self._log_fd = -1


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[Callable[[], Rig]]:
    rigs: list[Rig] = []

    def make() -> Rig:
        rigs.append(Rig(tmp_path / f"log-{len(rigs)}"))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()


@pytest.fixture
def rig(make_rig: Callable[[], Rig]) -> Rig:
    return make_rig()
