"""The agent as a whole: what it is built of, the order in which it starts, and the order in which it ends.

Start: the listeners of the guest protocol are opened (one that cannot be ends the agent: 1), then supervisor, link,
guest socket and beats start. When the host has been told that the agent is there, or after a second, comes what nobody
waits for: the watch over the workspace, the checks. What serves the guest protocol is loaded and started only where
there is something to listen on or to check, or with the first `guest` stream; the watch over the workspace, where the
configuration asks for it, or with the first `watch` command. SIGHUP reads the drop-in files again.

Shutdown, from the first request on (`host`, `sigterm`, `sigint`, `lease`, `browser_gave_up`); each step is bounded:

    1. no more intake      no new guest streams, no commands; listeners and conversations end, and the commands that
                           run for them or for a check are killed
    2. the browser         SIGTERM, `stop_grace_s`, then SIGKILL to all that is left of it
    3. the parts           beats, watchdog, the watch over the workspace, guest streams
    4. deregister          written within a second, or not; only where there is a link
    5. exit                0, or 3 after a browser that cannot be kept running

A second SIGTERM or SIGINT leaves out the waiting: the browser is killed at once, and deregister gets a tenth.
"""

import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from cloche.agent.activity import Activity
from cloche.agent.commands import Commands, beat
from cloche.agent.journal import Journal
from cloche.agent.launch import Launch
from cloche.agent.lease import Lease
from cloche.agent.link import Link
from cloche.agent.load import Load
from cloche.agent.log import Log
from cloche.agent.loop import Event, Loop, Task
from cloche.agent.metrics import BrowserFacts, Metrics
from cloche.agent.population import Population
from cloche.agent.procfs import boot_id
from cloche.agent.signals import watch_signals
from cloche.agent.watched_browser import watch_browser
from cloche.wire.agent_config import AgentConfig
from cloche.wire.messages import AGENT_VERSION, LINK_PROTOCOL, BrowserState, FromAgent, Payload

EXIT_OK: Final = 0
EXIT_GAVE_UP: Final = 3

_REGISTERED_WITHIN_S: Final = 1.0
_FAREWELL_S: Final = 1.0
_HURRIED_FAREWELL_S: Final = 0.1
_LEASE_LOOK_S: Final = 3600.0
_SIGNALS: Final = {signal.SIGTERM: "sigterm", signal.SIGINT: "sigint"}
_CHECKS: Final = ("integrations.d", "probes.d")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cloche.agent.guest import GuestSocket
    from cloche.agent.guest_side import GuestSide
    from cloche.agent.machine.api import MachineApi
    from cloche.agent.supervisor import Supervisor
    from cloche.agent.watch.watcher import Watcher


class Lifecycle:
    """Built once by `main`, which calls `open`, then `run`, which returns the exit code."""

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
        self._journal = journal = Journal(loop)
        log.on_line = lambda line: journal.add("agent", line)
        self._machine: MachineApi | None = None
        self._stop_grace_s = config.browser.stop_grace_s if config.browser is not None else 0.0
        self._supervisor = self._build_supervisor()
        self._metrics = self._build_metrics()
        self._activity = Activity(
            loop,
            log,
            threshold=config.busy_threshold,
            interval_s=config.sample_interval_s,
            processors_used=Load(self._metrics, self._population, owns_machine=config.owns_machine),
        )
        self._has_link = bool(config.session_id)
        self._link = self._build_link()
        self._guest = self._build_guest(egress)
        self._guest_side: GuestSide | None = None
        self._watcher: Watcher | None = None
        self._intake: list[Task] = []
        self._parts: list[Task] = []
        self._beats: list[Task] = []

    def open(self, warning: str = "") -> None:
        """Listen where the configuration says; log what was wrong and did not stand in the way.

        Raises:
            OSError: somewhere it cannot be listened; the message says where.
            ValueError: an address is none.
        """
        if warning:
            self._log.warn(warning)
        if self._config.listen:
            self._build_guest_side().open()

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
        spawn, config = self._loop.spawn, self._config
        self._parts.append(spawn(self._watch_lease(), "lease"))
        spawn(watch_signals(self._loop, (*_SIGNALS, signal.SIGHUP), self._take_signal), "signals")
        if self._supervisor is not None:
            self._start_supervisor(self._supervisor, self._first)
        link = spawn(self._link.run(), "link") if self._has_link else None
        if self._guest is not None:
            self._intake.append(spawn(self._guest.run(), "guest socket"))
        if self._has_link:
            self._start_beats()
        if self._has_link and self._watched_pid is not None:
            watch = watch_browser(self._loop, self._watched_pid, self._say_browser_ended)
            self._parts.append(spawn(watch, "watched browser"))
        if config.listen:
            self._started_guest_side()
        self._intake.append(spawn(self._start_the_rest(), "start"))
        self._parts.append(spawn(self._sample_activity(), "activity"))
        await self._asked.wait()
        await self._end()
        if link is not None:
            await self._loop.stop(link)

    async def _start_the_rest(self) -> None:
        if self._has_link:
            with suppress(TimeoutError):
                await self._link.connected.wait(time.monotonic() + _REGISTERED_WITHIN_S)
                await self._loop.sleep(0)  # the turn in which it is written
        if self._config.watch_workspace:
            self._watch(True)
        if _has_checks(self._config.config_dirs):
            self._started_guest_side()

    async def _sample_activity(self) -> None:
        if self._supervisor is not None:
            await self._supervisor.ready.wait()  # until then the processor is the browser's, see below
        await self._activity.run()

    async def _end(self) -> None:
        await self._end_intake()
        if self._supervisor is not None:
            await self._supervisor.stop(0 if self._is_hurried else self._stop_grace_s)
        await self._loop.stop(*self._parts, *self._beats)
        if self._guest is not None:
            await self._guest.stop()
        if self._has_link:
            farewell_s = _HURRIED_FAREWELL_S if self._is_hurried else _FAREWELL_S
            await self._link.close({"reason": "shutdown", "cause": self._cause}, farewell_s)

    async def _end_intake(self) -> None:
        self._link.stop_intake()
        await self._loop.stop(*self._intake)
        if self._guest is not None:
            await self._guest.stop_conversations()
        if self._guest_side is not None:
            await self._guest_side.stop()
        if self._machine is not None:
            await self._machine.stop()

    def _start_supervisor(self, supervisor: "Supervisor", first: Launch | None) -> None:
        spawn, watchdog = self._loop.spawn, self._config.watchdog
        spawn(supervisor.run(first), "supervisor")
        self._parts.append(spawn(self._watch_supervisor(supervisor), "supervisor end"))
        if watchdog is not None:
            from cloche.agent.watchdog import Watchdog

            limits = Watchdog(self._loop, self._log, watchdog, self._population, supervisor, self._metrics)
            self._parts.append(spawn(limits.run(), "watchdog"))

    def _start_beats(self) -> None:
        """Start both beats, or start them anew, a whole interval from now."""
        for task in self._beats:
            task.cancel()
        spawn, config = self._loop.spawn, self._config
        self._beats = [
            spawn(beat(self._loop, config.heartbeat_interval_s, self._say_heartbeat), "heartbeat"),
            spawn(beat(self._loop, config.metrics_interval_s, self._say_metrics), "metrics"),
        ]

    def _watch(self, enabled: bool) -> None:
        if self._watcher is None:
            if not enabled:
                return
            from cloche.agent.watch.watcher import Watcher

            self._watcher = Watcher(self._loop, self._log, self._config.workspace, self._report_change)
            self._parts.append(self._loop.spawn(self._watcher.run(), "workspace"))
        self._watcher.enable(enabled)

    def _link_lost(self) -> None:
        self._activity.host_says(0, 0)  # it tells anew whom it sees when it is there again
        if self._watcher is not None:
            self._watcher.connection_lost()

    async def _report_change(self, event: Payload) -> None:
        await self._link.report(FromAgent.FS_EVENT, event)

    async def _converse(self, connection: socket.socket, received: bytes) -> None:
        await self._started_guest_side().serve(connection, received)

    def _build_guest_side(self) -> "GuestSide":
        from cloche.agent.guest_side import GuestSide

        self._guest_side = GuestSide(
            self._loop,
            self._log,
            self._config,
            population=self._population,
            activity=self._activity,
            on_wake=self._woken,
        )
        return self._guest_side

    def _started_guest_side(self) -> "GuestSide":
        guest_side = self._guest_side or self._build_guest_side()
        guest_side.start()
        return guest_side

    def _woken(self) -> None:
        """After a sleep no connection leads anywhere, and no reading says anything about now."""
        self._metrics.expire()
        if self._has_link:
            self._link.redial()  # and with the next connection come register and a heartbeat
            self._start_beats()

    def _take_signal(self, number: int) -> None:
        if number == signal.SIGHUP:
            self._reload()
            return
        if not self._cause:
            self.shut_down(_SIGNALS[signal.Signals(number)])
            return
        self._is_hurried = True
        if self._supervisor is not None:
            self._supervisor.kill("stopped")

    def _reload(self) -> None:
        self._log.info("reading drop-in files again")
        if self._guest_side is not None:
            self._guest_side.reload()
        elif _has_checks(self._config.config_dirs):
            self._started_guest_side()

    async def _watch_lease(self) -> None:
        while not self._lease.has_expired(time.monotonic()):
            with suppress(TimeoutError):
                look_at = min(self._lease.expires_at, time.monotonic() + _LEASE_LOOK_S)
                await self._lease_renewed.next(look_at)
        self.shut_down("lease")

    async def _watch_supervisor(self, supervisor: "Supervisor") -> None:
        await supervisor.ended.wait()
        # Also if it failed for a reason of its own: without a supervisor there is no session.
        self.shut_down("browser_gave_up")

    def _say_first_heartbeat(self) -> None:
        # While a browser starts, every millisecond of the processor is its own: reading its memory can wait for a beat.
        if self._supervisor is None or self._supervisor.ready.is_set():
            self._say_heartbeat()

    def _say_heartbeat(self) -> None:
        self._say(FromAgent.HEARTBEAT, self._metrics.health)

    def _say_metrics(self) -> None:
        self._say(FromAgent.METRICS, self._metrics.metrics)

    def _say(self, type_: FromAgent, measure: Callable[[], Payload]) -> None:
        try:
            payload = measure()
        except OSError as error:  # out of descriptors, say: who takes them must not end the beats for good
            self._log.error("not measured", type=type_, error=str(error))
            return
        self._link.send(type_, payload)

    def _say_browser(self, payload: Payload) -> None:
        """Report a change at once, and a death also by a heartbeat, for hosts that know no other sign of it."""
        self._link.send(FromAgent.BROWSER, payload)
        if payload["state"] == BrowserState.EXITED:
            self._say_browser_ended()

    def _say_browser_ended(self) -> None:
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

    def _build_supervisor(self) -> "Supervisor | None":
        if self._config.browser is None:
            return None
        from cloche.agent.supervisor import Supervisor

        browser, journal = self._config.browser, self._journal
        return Supervisor(self._loop, self._log, browser, self._population, self._say_browser, journal)

    def _build_metrics(self) -> Metrics:
        watchdog = self._config.watchdog
        return Metrics(
            self._population,
            workspace=self._config.workspace,
            memory_limit_bytes=watchdog.memory_bytes if watchdog is not None else self._config.memory_limit_bytes,
            browser=self._browser_facts,
            worker_status=lambda: self._activity.status(),
            task_count=lambda: self._loop.task_count,
            is_machine=self._config.owns_machine and self._config.browser is None,
            has_checks=lambda: _has_checks(self._config.config_dirs),
        )

    def _build_link(self) -> Link:
        commands = Commands(
            lambda: self._link,
            self._metrics,
            self._lease,
            self._lease_renewed,
            self.shut_down,
            host_says=self._activity.host_says,
            watch=self._watch,
        )
        return Link(
            self._loop,
            self._log,
            path=self._config.socket,
            session_id=self._config.session_id,
            registration=self._registration,
            on_registered=self._say_first_heartbeat,
            on_command=commands.run,
            on_lost=self._link_lost,
        )

    def _build_guest(self, egress: socket.socket | None) -> "GuestSocket | None":
        if self._config.guest_fd < 0:
            return None
        from cloche.agent.guest import GuestSocket
        from cloche.agent.machine.api import MachineApi, Surroundings

        listener = socket.socket(fileno=self._config.guest_fd)
        self._machine = machine = MachineApi(
            Surroundings(
                self._loop,
                self._log,
                self._config,
                self._metrics,
                self._population,
                self._supervisor,
                self._journal,
            )
        )
        self._metrics.programs = lambda: machine.running
        return GuestSocket(self._loop, self._log, listener, self._supervisor, egress, machine, self._converse)


def _has_checks(dirs: Sequence[str]) -> bool:
    return any(os.path.isdir(f"{directory}/{name}") for directory in dirs for name in _CHECKS)
