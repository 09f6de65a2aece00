"""What a session has taken: counted by its gateway, read from the kernel, told by its agent."""

from dataclasses import replace

from cloche.egress.accounting import Counters
from cloche.sandbox.driver import Usage
from cloche.sessions.model import SessionUsage


class Accounts:
    """Owned by the runner. Begins where the last daemon wrote the session down, or its budget would begin anew."""

    def __init__(self, before: SessionUsage) -> None:
        self._taken = before
        self.counters = Counters(
            bytes_in=before.egress_bytes_in,
            bytes_out=before.egress_bytes_out,
            connections_total=before.egress_connections,
            refusals_total=before.egress_refusals,
        )
        self.kills = 0
        """How often the kernel, or the agent in its place, has killed in this sandbox for memory."""
        self.tasks: int | None = None
        """Processes and threads, at the last reading."""

    @property
    def memory_bytes(self) -> int | None:
        """At the last reading."""
        return self._taken.memory_bytes

    @property
    def restarts(self) -> int:
        return self._taken.browser_restarts

    def restarted(self, restarts: int) -> None:
        """Not every message tells of them, and they never become fewer."""
        self._taken = replace(self._taken, browser_restarts=max(restarts, self.restarts))

    def sandbox_went(self) -> None:
        """There is none now, and the next one counts from nothing."""
        spent = self._taken.cpu_seconds or 0.0
        self._taken = replace(self._taken, memory_bytes=0, cpu_seconds_before=spent)

    def read(self, usage: Usage) -> bool:
        """Take over a reading of the kernel's; True when something was killed for memory since the last."""
        if usage.memory_bytes is not None or usage.cpu_seconds is not None:
            before = self._taken.cpu_seconds_before
            cpu_seconds = None if usage.cpu_seconds is None else before + usage.cpu_seconds
            self._taken = replace(self._taken, memory_bytes=usage.memory_bytes, cpu_seconds=cpu_seconds)
        self.tasks = self.tasks if usage.processes is None else usage.processes
        killed, self.kills = usage.out_of_memory_kills > self.kills, max(self.kills, usage.out_of_memory_kills)
        return killed

    def usage(self, *, clients: int, actions: int) -> SessionUsage:
        return replace(
            self._taken,
            egress_bytes_in=self.counters.bytes_in,
            egress_bytes_out=self.counters.bytes_out,
            egress_connections=self.counters.connections_total,
            egress_refusals=self.counters.refusals_total,
            devtools_clients=clients,
            actions=actions,
        )
