"""The agent as a whole: what it is built of, how it runs, and the order in which it ends.

Shutdown, from the first request on (`host`, `sigterm`, `sigint`, `lease`, `browser_gave_up`); each step is bounded:

    1. no more intake      no new guest streams, no commands
    2. the browser         SIGTERM, `stop_grace_s`, then SIGKILL to all that is left of it
    3. the parts           beats, watchdog, guest streams
    4. deregister          written within a second, or not
    5. exit                0, or 3 after a browser that cannot be kept running

A second SIGTERM or SIGINT leaves out the waiting: the browser is killed at once, and deregister gets a tenth.
"""

import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from cloche.agent.commands import Commands, beat
from cloche.agent.guest import GuestSocket
from cloche.agent.guest_http import MachineApi
from cloche.agent.launch import Launch
from cloche.agent.lease import Lease
from cloche.agent.link import Link
from cloche.agent.log import Log
from cloche.agent.loop import Event, Loop, Task
from cloche.agent.metrics import BrowserFacts, Metrics
from cloche.agent.population import Population
from cloche.agent.procfs import boot_id
from cloche.agent.supervisor import Supervisor
from cloche.agent.watchdog import Watchdog
from cloche.wire.agent_config import AgentConfig
from cloche.wire.messages import AGENT_VERSION, LINK_PROTOCOL, BrowserState, FromAgent, Payload

EXIT_OK: Final = 0
EXIT_GAVE_UP: Final = 3

_FAREWELL_S: Final = 1.0
_HURRIED_FAREWELL_S: Final = 0.1
_LEASE_LOOK_S: Final = 3600.0
_SIGNALS: Final = {signal.SIGTERM: "sigterm", signal.SIGINT: "sigint"}


class Lifecycle:
    """Built once by `main`; `run` returns the exit code."""

    def __init__(
        self,
        config: AgentConfig,
        *,
        first: Launch | None = None,
        egress: socket.socket | None = None,
        watched_pid: Callable[[], int | None] | None = None,
    ) -> None:
        """`first` is the browser that `main` has started; `watched_pid` tells of one that is not ours to keep."""
        self._config = config
        self._log = log = Log(config.log_level, config.session_id)
        self._loop = loop = Loop(lambda task, error: log.error("task failed", task=task, error=repr(error)))
        self._cause = ""
        self._asked = Event(loop)
        self._is_hurried = False
        self._lease = Lease(config.lease_s, time.monotonic())
        self._lease_renewed = Event(loop)
        self._watched_pid = watched_pid
        self._population = Population(owns_namespace=config.owns_pid_namespace, watched_pid=watched_pid)
        self._first = first
        self._stop_grace_s = config.browser.stop_grace_s if config.browser is not None else 0.0
        self._supervisor = self._build_supervisor()
        self._metrics = self._build_metrics()
        self._link = self._build_link()
        self._guest = self._build_guest(egress)

    def run(self) -> int:
        """Run until something ends the agent; return its exit code."""
        self._loop.run(self._main())
        return EXIT_GAVE_UP if self._cause == "browser_gave_up" else EXIT_OK

    def shut_down(self, cause: str) -> None:
        """Ask for the end. The first cause is the one that is reported."""
        if not self._cause:
            self._log.info("shutting down", cause=cause)
            self._cause = cause
            self._asked.set()

    async def _main(self) -> None:
        spawn, loop, config = self._loop.spawn, self._loop, self._config
        intake: list[Task] = []
        parts: list[Task] = [spawn(self._watch_lease(), "lease")]
        spawn(self._watch_signals(), "signals")
        if self._supervisor is not None and self._first is not None:
            spawn(self._supervisor.run(self._first), "supervisor")
            parts.append(spawn(self._watch_supervisor(self._supervisor), "supervisor end"))
            if config.watchdog is not None:
                watchdog = Watchdog(loop, self._log, config.watchdog, self._population, self._supervisor, self._metrics)
                parts.append(spawn(watchdog.run(), "watchdog"))
        link = spawn(self._link.run(), "link")
        if self._guest is not None:
            intake.append(spawn(self._guest.run(), "guest socket"))
        parts.append(spawn(beat(loop, config.heartbeat_interval_s, self._say_heartbeat), "heartbeat"))
        parts.append(spawn(beat(loop, config.metrics_interval_s, self._say_metrics), "metrics"))
        await self._asked.wait()
        await self._end(intake, parts)
        await loop.stop(link)

    async def _end(self, intake: list[Task], parts: list[Task]) -> None:
        self._link.stop_intake()
        await self._loop.stop(*intake)
        if self._supervisor is not None:
            await self._supervisor.stop(0 if self._is_hurried else self._stop_grace_s)
        await self._loop.stop(*parts)
        if self._guest is not None:
            await self._guest.stop()
        farewell_s = _HURRIED_FAREWELL_S if self._is_hurried else _FAREWELL_S
        await self._link.close({"reason": "shutdown", "cause": self._cause}, farewell_s)

    async def _watch_signals(self) -> None:
        reading, writing = socket.socketpair()
        reading.setblocking(False)
        writing.setblocking(False)
        signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        for wanted in _SIGNALS:
            signal.signal(wanted, lambda _number, _frame: None)  # set_wakeup_fd only hears of handled signals
        while True:
            await self._loop.readable(reading.fileno())
            for number in reading.recv(64):
                self._take_signal(number)

    def _take_signal(self, number: int) -> None:
        name = next((name for signal_, name in _SIGNALS.items() if signal_ == number), None)
        if name is None:
            return
        if not self._cause:
            self.shut_down(name)
            return
        self._is_hurried = True
        if self._supervisor is not None:
            self._supervisor.kill("stopped")

    async def _watch_lease(self) -> None:
        while not self._lease.has_expired(time.monotonic()):
            with suppress(TimeoutError):
                look_at = min(self._lease.expires_at, time.monotonic() + _LEASE_LOOK_S)
                await self._lease_renewed.next(look_at)
        self.shut_down("lease")

    async def _watch_supervisor(self, supervisor: Supervisor) -> None:
        await supervisor.ended.wait()
        # Also if it failed for a reason of its own: without a supervisor there is no session.
        self.shut_down("browser_gave_up")

    def _say_first_heartbeat(self) -> None:
        # While a browser starts, every millisecond of the processor is its own: reading its memory can wait for a beat.
        if self._supervisor is None or self._supervisor.ready.is_set():
            self._say_heartbeat()

    def _say_heartbeat(self) -> None:
        self._link.send(FromAgent.HEARTBEAT, self._metrics.health())

    def _say_metrics(self) -> None:
        self._link.send(FromAgent.METRICS, self._metrics.metrics())

    def _say_browser(self, payload: Payload) -> None:
        """Report a change at once, and a death also by a heartbeat, for hosts that know no other sign of it."""
        self._link.send(FromAgent.BROWSER, payload)
        if payload["state"] == BrowserState.EXITED:
            self._metrics.expire()
            self._say_heartbeat()

    def _registration(self) -> Payload:
        payload: Payload = {"version": AGENT_VERSION, "workspace": self._config.workspace, "pid": os.getpid()}
        if self._config.token:
            payload |= {"token": self._config.token, "protocol": LINK_PROTOCOL, "boot_id": boot_id()}
        if self._supervisor is not None:
            payload["browser"] = self._supervisor.snapshot()
        return payload

    def _browser_facts(self) -> BrowserFacts:
        if self._supervisor is not None:
            return self._supervisor.facts()
        if self._watched_pid is None:
            return BrowserFacts(False, False, False, None, 0)
        pid = self._watched_pid()
        return BrowserFacts(True, pid is not None, pid is not None, pid, 0)

    def _build_supervisor(self) -> Supervisor | None:
        if self._config.browser is None:
            return None
        return Supervisor(self._loop, self._log, self._config.browser, self._population, self._say_browser)

    def _build_metrics(self) -> Metrics:
        watchdog = self._config.watchdog
        return Metrics(
            self._population,
            workspace=self._config.workspace,
            memory_limit_bytes=watchdog.memory_bytes if watchdog is not None else 0,
            browser=self._browser_facts,
            task_count=lambda: self._loop.task_count,
        )

    def _build_link(self) -> Link:
        commands = Commands(lambda: self._link, self._metrics, self._lease, self._lease_renewed, self.shut_down)
        return Link(
            self._loop,
            self._log,
            path=self._config.socket,
            session_id=self._config.session_id,
            registration=self._registration,
            on_registered=self._say_first_heartbeat,
            on_command=commands.run,
        )

    def _build_guest(self, egress: socket.socket | None) -> GuestSocket | None:
        if self._config.guest_fd < 0:
            return None
        listener = socket.socket(fileno=self._config.guest_fd)
        api = MachineApi(self._loop, self._metrics)
        return GuestSocket(self._loop, self._log, listener, self._supervisor, egress, api)
