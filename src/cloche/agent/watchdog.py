"""Limits the agent enforces itself where the kernel's cannot be had.

Cheap in the normal case: resident sizes first, which count shared pages for each process and so are too high; only
when those are over the limit are the true shares read.
"""

import time
from typing import Final

from cloche.agent.log import Log
from cloche.agent.loop import Loop
from cloche.agent.metrics import Metrics
from cloche.agent.population import Population, kill
from cloche.agent.procfs import Process, proportional_bytes
from cloche.agent.supervisor import Supervisor
from cloche.wire.agent_config import WatchdogConfig

_LOG_EVERY_S: Final = 5.0


class Watchdog:
    """Owned by `lifecycle`, which runs `run` as a task. Over memory: the browser goes. Too many: the newest go."""

    def __init__(
        self,
        loop: Loop,
        log: Log,
        config: WatchdogConfig,
        population: Population,
        supervisor: Supervisor,
        metrics: Metrics,
    ) -> None:
        self._loop, self._log, self._config = loop, log, config
        self._population, self._supervisor, self._metrics = population, supervisor, metrics
        self._logged_at = -_LOG_EVERY_S

    async def run(self) -> None:
        while True:
            await self._loop.sleep(self._config.interval_s)
            self.check()

    def check(self) -> None:
        guests = [guest for guest in self._population.guests() if guest.is_alive]
        surplus = choose_surplus(guests, self._config.processes)
        if surplus:
            self._metrics.limit_kills += kill(surplus)
            self._warn("too many processes", seen=len(guests), limit=self._config.processes)
        if is_over_memory(guests, self._config.memory_bytes):
            self._metrics.limit_kills += 1
            self._warn("over memory", limit=self._config.memory_bytes)
            self._supervisor.kill("over_memory")

    def _warn(self, msg: str, **fields: object) -> None:
        # A fork bomb must not fill the log.
        if time.monotonic() - self._logged_at >= _LOG_EVERY_S:
            self._logged_at = time.monotonic()
            self._log.warn(msg, **fields)


def choose_surplus(guests: list[Process], limit: int) -> list[Process]:
    """Return the newest of those that are more than `limit`: what was there first is the browser itself."""
    return sorted(guests, key=lambda guest: (guest.started, guest.pid))[max(0, limit) :]


def is_over_memory(guests: list[Process], limit_bytes: int) -> bool:
    if sum(guest.rss_bytes for guest in guests) <= limit_bytes:
        return False
    return sum(proportional_bytes(guest) for guest in guests) > limit_bytes
