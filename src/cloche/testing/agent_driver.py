"""The fake driver with agents that a test drives, and with verbs that fail or hang on command."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from cloche.concurrency.tasks import spawn
from cloche.errors import ClocheError
from cloche.ids import SessionId
from cloche.sandbox.driver import Observation, Sandbox
from cloche.sandbox.spec import SandboxSpec
from cloche.testing.agent import AgentTemper, FakeAgent, Handed
from cloche.testing.driver import FakeDriver, FakeHost


class AgentDriver(FakeDriver):
    """Every sandbox runs a `FakeAgent`, found in `agents`. What `fails` and `holds` name goes wrong from then on."""

    def __init__(
        self,
        host: FakeHost,
        *,
        temper: AgentTemper | Callable[[SandboxSpec], AgentTemper] = AgentTemper.OK,
        handed: Handed = Handed.RIGHT,
    ) -> None:
        super().__init__(host)
        self.host = host
        self.agent_temper, self.handed = temper, handed
        self.agents: dict[SessionId, FakeAgent] = {}
        self.fails: dict[str, ClocheError | Exception] = {}
        """By verb: what it raises."""
        self.holds: dict[str, asyncio.Event] = {}
        """By verb: what it waits for first."""
        self.calls: Counter[str] = Counter()
        self.reached: dict[str, asyncio.Event] = {verb: asyncio.Event() for verb in VERBS}

    def restarted(self) -> "AgentDriver":
        """Another driver on the same host, as a restarted daemon makes it."""
        driver = AgentDriver(self.host, temper=self.agent_temper, handed=self.handed)
        driver.agents = self.agents
        return driver

    def leftovers_by_session(self) -> dict[SessionId, Mapping[str, Any]]:
        return {id_: {"driver": self.name, "session_id": id_} for id_ in self.host.sandboxes}

    async def create(self, spec: SandboxSpec) -> Sandbox:
        await self._pass("create")
        return await super().create(spec)

    async def start(self, sandbox: Sandbox) -> None:
        await self._pass("start")
        facts = self._facts(sandbox)
        if facts.was_started:
            return
        temper = self.agent_temper if isinstance(self.agent_temper, AgentTemper) else self.agent_temper(facts.spec)
        agent = FakeAgent(facts.spec.agent_config, sandbox.link_path, facts.guest, temper=temper, handed=self.handed)
        self.agents[sandbox.session_id] = agent
        facts.was_started = True
        facts.agent = spawn(agent.run(), name=f"agent:{sandbox.session_id}")

    async def stop(self, sandbox: Sandbox, *, grace_s: float) -> None:
        await self._pass("stop")
        await super().stop(sandbox, grace_s=grace_s)

    async def destroy(self, sandbox: Sandbox) -> None:
        await self._pass("destroy")
        await super().destroy(sandbox)

    async def poll(self, sandbox: Sandbox) -> Observation:
        await self._pass("poll")
        return await super().poll(sandbox)

    async def adopt(self, description: Mapping[str, Any]) -> Sandbox:
        await self._pass("adopt")
        return await super().adopt(description)

    async def connect(self, sandbox: Sandbox) -> socket.socket:
        await self._pass("connect")
        return await super().connect(sandbox)

    async def _pass(self, verb: str) -> None:
        self.calls[verb] += 1
        self.reached[verb].set()
        if verb in self.holds:
            await self.holds[verb].wait()
        if verb in self.fails:
            raise self.fails[verb]


VERBS = ("create", "start", "stop", "destroy", "poll", "adopt", "connect")
