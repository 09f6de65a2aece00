"""A sandbox driver without walls, for tests of what stands above drivers; it can be given a bad temper.

Its sandboxes are a directory, a real listening guest socket and a `FakeAgent` task that really dials the link. What
would be the kernel's memory of them is a `FakeHost`, which two driver objects can share: so a test can "restart the
daemon".
"""

import asyncio
import shutil
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from cloche.concurrency.tasks import cancel_and_wait, spawn
from cloche.errors import InternalError, LostError, StartError
from cloche.ids import SessionId
from cloche.sandbox.driver import Observation, Sandbox, SandboxDriver, SandboxState, Usage
from cloche.sandbox.spec import Limits, SandboxSpec
from cloche.testing.fake_agent import FakeAgent


class Temper(StrEnum):
    """How a sandbox behaves."""

    OK = "ok"
    SLOW_START = "slow_start"  # `start` waits until the test sets `FakeHost.let_start`
    FAILS_CREATE = "fails_create"
    FAILS_START = "fails_start"
    DIES_AFTER_START = "dies_after_start"
    NEVER_REGISTERS = "never_registers"
    HANGS_ON_STOP = "hangs_on_stop"  # ignores TERM, so that `stop` takes all of its grace


@dataclass(slots=True)
class FakeSandboxFacts:
    """One sandbox as the host sees it."""

    spec: SandboxSpec
    temper: Temper
    guest: socket.socket
    agent: "asyncio.Task[None] | None" = None
    was_started: bool = False
    exit_code: int | None = None
    reason: str = ""
    is_frozen: bool = False
    limits: Limits | None = None
    """Those that it was given later."""


@dataclass(slots=True)
class FakeHost:
    """What outlives a driver object. `root` must be a short path: sockets are made below it."""

    root: Path
    devtools: tuple[str, int] | None = None
    """Where a DevTools stream of a sandbox leads: host and port of a listener of the test's."""
    let_start: asyncio.Event = field(default_factory=asyncio.Event)
    sandboxes: dict[SessionId, FakeSandboxFacts] = field(default_factory=dict)
    locks: dict[SessionId, asyncio.Lock] = field(default_factory=dict)

    def end(self, session_id: SessionId, *, exit_code: int = 137, reason: str = "killed") -> None:
        """Let what runs in a sandbox die."""
        facts = self.sandboxes[session_id]
        if facts.agent is not None and not facts.agent.done():
            facts.agent.cancel()
        facts.exit_code, facts.reason = exit_code, reason


class FakeSandbox(Sandbox):
    def __init__(self, session_id: SessionId, directory: Path) -> None:
        self.session_id = session_id
        self.directory = directory
        self.link_path = directory / "link" / "agent.sock"
        self.peer_uid = None


class FakeDriver(SandboxDriver):
    """`temper` is one for all, or is asked for each sandbox."""

    name = "fake"
    passes_descriptors = True

    def __init__(self, host: FakeHost, temper: Temper | Callable[[SandboxSpec], Temper] = Temper.OK) -> None:
        self._host = host
        self._temper = temper

    async def prepare(self) -> None:
        """Nothing to do before the first sandbox."""

    async def leftovers(self) -> list[dict[str, Any]]:
        return [{"driver": self.name, "session_id": session_id} for session_id in self._host.sandboxes]

    async def create(self, spec: SandboxSpec) -> Sandbox:
        temper = self._temper if isinstance(self._temper, Temper) else self._temper(spec)
        if temper is Temper.FAILS_CREATE:
            raise StartError("the sandbox could not be made", reason="run_dir_full")
        sandbox = FakeSandbox(spec.session_id, self._host.root / spec.session_id)
        if spec.session_id not in self._host.sandboxes:
            (sandbox.directory / "link").mkdir(parents=True)
            guest = socket.socket(socket.AF_UNIX)
            guest.setblocking(False)
            guest.bind(str(sandbox.directory / "guest.sock"))
            guest.listen()
            self._host.sandboxes[spec.session_id] = FakeSandboxFacts(spec, temper, guest)
        return sandbox

    async def start(self, sandbox: Sandbox) -> None:
        async with self._lock(sandbox):
            facts = self._facts(sandbox)
            if facts.was_started:
                return
            if facts.temper is Temper.FAILS_START:
                raise StartError("the sandbox could not be started", reason="spawn_failed")
            if facts.temper is Temper.SLOW_START:
                await self._host.let_start.wait()
            facts.was_started = True
            agent = FakeAgent(facts.spec.agent_config, sandbox.link_path, facts.guest, self._host.devtools)
            registers = facts.temper is not Temper.NEVER_REGISTERS
            facts.agent = spawn(agent.run(registers=registers), name=f"fake-agent-{sandbox.session_id}")
            facts.agent.add_done_callback(lambda task: _note_end(facts, task))
            if facts.temper is Temper.DIES_AFTER_START:
                self._host.end(sandbox.session_id)

    async def stop(self, sandbox: Sandbox, *, grace_s: float) -> None:
        async with self._lock(sandbox):
            facts = self._host.sandboxes.get(sandbox.session_id)
            if facts is not None:
                await _end(facts, grace_s)

    async def destroy(self, sandbox: Sandbox) -> None:
        async with self._lock(sandbox):
            facts = self._host.sandboxes.get(sandbox.session_id)
            if facts is not None:
                await _end(facts, 0)
                facts.guest.close()
                shutil.rmtree(self._host.root / sandbox.session_id)
                del self._host.sandboxes[sandbox.session_id]

    async def freeze(self, sandbox: Sandbox) -> None:
        async with self._lock(sandbox):
            if (await self.poll(sandbox)).state is not SandboxState.RUNNING:
                raise LostError("the sandbox is not running")
            self._facts(sandbox).is_frozen = True

    async def thaw(self, sandbox: Sandbox) -> Observation:
        async with self._lock(sandbox):
            if (facts := self._host.sandboxes.get(sandbox.session_id)) is not None:
                facts.is_frozen = False
            return await self.poll(sandbox)

    async def reclaim(self, sandbox: Sandbox) -> None:
        """It has no memory of its own."""

    async def limit(self, sandbox: Sandbox, limits: Limits) -> None:
        async with self._lock(sandbox):
            if (await self.poll(sandbox)).state is not SandboxState.RUNNING:
                raise LostError("the sandbox is not running")
            self._facts(sandbox).limits = limits

    async def poll(self, sandbox: Sandbox) -> Observation:
        facts = self._host.sandboxes.get(sandbox.session_id)
        if facts is None:
            return Observation(SandboxState.GONE)
        if not facts.was_started:
            return Observation(SandboxState.CREATED)
        if facts.agent is not None and not facts.agent.done():
            usage = Usage(memory_bytes=64 << 20, memory_peak_bytes=80 << 20, cpu_seconds=0.5, processes=8)
            return Observation(SandboxState.RUNNING, usage=usage, is_frozen=facts.is_frozen)
        return Observation(SandboxState.EXITED, facts.exit_code, facts.reason or "exited")

    def describe(self, sandbox: Sandbox) -> dict[str, Any]:
        return {"driver": self.name, "session_id": sandbox.session_id}

    async def adopt(self, description: Mapping[str, Any]) -> Sandbox:
        session_id = SessionId(str(description.get("session_id")))
        if description.get("driver") != self.name or session_id not in self._host.sandboxes:
            raise LostError("nothing is left of the sandbox")
        return FakeSandbox(session_id, self._host.root / session_id)

    async def connect(self, sandbox: Sandbox) -> socket.socket:
        if (await self.poll(sandbox)).state is not SandboxState.RUNNING:
            raise LostError("the sandbox is not running")
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        connected.connect(str(self._host.root / sandbox.session_id / "guest.sock"))
        return connected

    def _facts(self, sandbox: Sandbox) -> FakeSandboxFacts:
        if not isinstance(sandbox, FakeSandbox):
            raise InternalError("a sandbox was handed to a driver that did not make it")
        facts = self._host.sandboxes.get(sandbox.session_id)
        if facts is None:
            raise LostError("the sandbox has been removed")
        return facts

    def _lock(self, sandbox: Sandbox) -> asyncio.Lock:
        return self._host.locks.setdefault(sandbox.session_id, asyncio.Lock())


async def _end(facts: FakeSandboxFacts, grace_s: float) -> None:
    if facts.agent is None:
        return
    if facts.temper is Temper.HANGS_ON_STOP and not facts.agent.done():
        await asyncio.wait([facts.agent], timeout=grace_s)
        facts.exit_code, facts.reason = 137, "killed"
    await cancel_and_wait(facts.agent)


def _note_end(facts: FakeSandboxFacts, task: "asyncio.Task[None]") -> None:
    """An agent that ended by itself was asked over the link; one that was cancelled was sent TERM."""
    if facts.exit_code is None:
        facts.exit_code, facts.reason = (143, "killed") if task.cancelled() else (0, "exited")
