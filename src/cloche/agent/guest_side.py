"""What serves the guest protocol, put together: checks, sleep and wake, Exec, conversations and listeners.

Nothing of it is loaded, built or started before somebody needs it: under a daemon most sessions are never asked
anything here, and each pays for its agent's memory and start.
"""

from collections.abc import Callable
from socket import socket

from cloche.agent.activity import Activity
from cloche.agent.checks.checks import Checks
from cloche.agent.guest_protocol.address import parse_address
from cloche.agent.guest_protocol.conversation import Conversations
from cloche.agent.guest_protocol.exec_gate import ExecGate
from cloche.agent.guest_protocol.listeners import Listeners
from cloche.agent.guest_protocol.verbs import Verbs
from cloche.agent.log import Log
from cloche.agent.loop import Loop, Task
from cloche.agent.population import Population
from cloche.agent.sleep import Sleeper
from cloche.wire.agent_config import AgentConfig


class GuestSide:
    """Owned by `lifecycle`: `open` before anything else is started, then `start`, and `stop` at the end."""

    def __init__(
        self,
        loop: Loop,
        log: Log,
        config: AgentConfig,
        *,
        population: Population,
        activity: Activity,
        on_wake: Callable[[], None],
    ) -> None:
        """`on_wake` is for what others must do after a wake: the link and its beats.

        Raises:
            ValueError: an address to listen on that is none; fit to be shown.
        """
        self._loop, self._on_wake = loop, on_wake
        self._tasks: list[Task] = []
        self._checks = Checks(loop, log, config.config_dirs, population)
        self._sleeper = Sleeper(
            loop,
            log,
            checks=self._checks,
            activity=activity,
            workspace=config.workspace,
            owns_machine=config.owns_machine,
            on_wake=self._woken,
            reload=self.reload,
        )
        gate = ExecGate(enabled=config.exec_enabled, allowed=config.exec_allowed, policy_file=config.policy_file)
        verbs = Verbs(
            loop,
            log,
            activity=activity,
            checks=self._checks,
            sleeper=self._sleeper,
            exec_gate=gate,
            population=population,
        )
        self._conversations = Conversations(loop, log, verbs)
        addresses = [parse_address(text) for text in config.listen]
        self._listeners = Listeners(loop, log, addresses, self._conversations) if addresses else None

    def open(self) -> None:
        """Bind and listen everywhere, so that a host that finds the agent running can connect to it.

        Raises:
            OSError: naming the address.
        """
        if self._listeners is not None:
            self._listeners.open()

    def start(self) -> None:
        """Start what runs by itself; nothing happens where it does already."""
        if self._tasks:
            return
        spawn = self._loop.spawn
        self._tasks = [spawn(self._checks.run(), "checks"), spawn(self._sleeper.run(), "clocks")]
        if self._listeners is not None:
            self._tasks.append(spawn(self._listeners.run(), "listeners"))

    async def serve(self, connection: socket, received: bytes) -> None:
        """Hold one conversation, on a connection that came by another way than a listener."""
        await self._conversations.serve(connection, received)

    def reload(self) -> None:
        """Read the drop-ins again. The policy is read whenever it is asked for."""
        self._checks.reload()

    async def stop(self) -> None:
        """End listeners and conversations, then every command that a check runs."""
        if self._listeners is not None:
            await self._listeners.stop()
        await self._loop.stop(*self._tasks)

    def _woken(self) -> None:
        self._conversations.hang_up()
        self._on_wake()
