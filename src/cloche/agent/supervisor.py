"""Keeps one Chromium running: start, ready, exit, restart within the budget, stop.

    starting ──► ready ──► exited ──► restarting ──► starting …
        └────────────────────┘   └──► gave_up           (also from a first start that never became ready)

Every change is reported at once through `on_change`, with the payload that `BrowserState` in `cloche.wire.messages`
describes. Exits are learnt from a pidfd, never by polling; a dead browser's process group is killed before the
browser is reaped, while its pid still cannot be anyone else's.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import Final

from cloche.agent.devtools import DevTools, wait_until_ready
from cloche.agent.launch import Launch, clear_stale, launch
from cloche.agent.log import Log
from cloche.agent.loop import Event, Loop
from cloche.agent.metrics import BrowserFacts
from cloche.agent.output import Output
from cloche.agent.population import Population
from cloche.agent.restart_budget import RestartBudget
from cloche.wire.agent_config import BrowserConfig
from cloche.wire.messages import BrowserState, Payload

_KILLED_WITHIN_S: Final = 2.0
_LAST_WORDS_S: Final = 0.2


class Supervisor:
    """Owned by `lifecycle`, which runs `run` as a task and calls `stop` at the end."""

    def __init__(
        self,
        loop: Loop,
        log: Log,
        config: BrowserConfig,
        population: Population,
        on_change: Callable[[Payload], None],
    ) -> None:
        self._loop, self._log, self._config, self._population = loop, log, config, population
        self._on_change = on_change
        self._budget = RestartBudget(config.restart_budget, config.restart_window_s)
        self._pid: int | None = None
        self._is_alive = False
        self._end_reason = ""
        self._has_been_ready = False
        self._stop_asked = Event(loop)
        self._status: Payload = {"state": str(BrowserState.STARTING)}
        self.restarts = 0
        self.devtools: DevTools | None = None
        """Where the browser answers, while it does."""
        self.ready = Event(loop)
        """Set for as long as `devtools` is."""
        self.ended = Event(loop)
        """Set when there will never be a browser again."""
        self.gave_up = False

    def facts(self) -> BrowserFacts:
        return BrowserFacts(True, self._is_alive, self.ready.is_set(), self._pid, self.restarts)

    def snapshot(self) -> Payload:
        """Return the last report, for a host that has just come (back)."""
        return {**self._status, "restarts": self.restarts}

    async def run(self, first: Launch) -> None:
        """Supervise `first` and its successors until stopped or the budget is spent."""
        try:
            current = first
            while (reason := await self._live(current)) and self._may_restart():
                delay_s = self._budget.spend(time.monotonic(), os.urandom(1)[0] / 255)
                if delay_s is None:
                    reason = "restart_budget_spent"
                    break
                await self._pause(delay_s)
                if self._stop_asked.is_set():
                    return
                current = self._start()
            if not self._stop_asked.is_set():
                self._give_up(reason)
        finally:
            self.ended.set()
            self.ready.pulse()

    async def stop(self, grace_s: float) -> None:
        """Ask the browser to exit, kill it after the grace, and wait until it is gone."""
        self._stop_asked.set()
        if self._pid is not None:
            os.kill(self._pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await self.ended.wait(time.monotonic() + grace_s)
            return
        self.kill("stopped")
        with contextlib.suppress(TimeoutError):
            await self.ended.wait(time.monotonic() + _KILLED_WITHIN_S)

    def kill(self, reason: str) -> None:
        """End this browser now; `reason` is what its exit will be reported as."""
        if self._pid is not None:
            self._end_reason = self._end_reason or reason
            self._population.kill_browser(self._pid)

    def _may_restart(self) -> bool:
        return self._has_been_ready and not self._stop_asked.is_set()

    async def _pause(self, delay_s: float) -> None:
        self.restarts += 1
        self._report(BrowserState.RESTARTING, restarts=self.restarts, delay_s=round(delay_s, 3))
        with contextlib.suppress(TimeoutError):
            await self._stop_asked.wait(time.monotonic() + delay_s)

    def _start(self) -> Launch:
        clear_stale(self._config.user_data_dir)
        return launch(self._config.executable, self._config.args, self._config.env, time.monotonic())

    def _give_up(self, reason: str) -> None:
        self.gave_up = True
        last = {key: self._status[key] for key in ("log_tail", "exit_code", "signal") if key in self._status}
        self._report(BrowserState.GAVE_UP, restarts=self.restarts, reason=reason, **last)

    async def _live(self, current: Launch) -> str:
        """See one browser through from start to exit; return the reason of its exit."""
        if current.pid < 0:
            self._report(BrowserState.EXITED, reason="exec_failed", log_tail=f"cannot execute: {current.error}")
            return "exec_failed"
        self._pid, self._is_alive, self._end_reason = current.pid, True, ""
        self._population.add_browser(current.pid)
        self._report(BrowserState.STARTING, pid=current.pid)
        output = Output()
        pidfd = os.pidfd_open(current.pid)
        drain = self._loop.spawn(output.drain(self._loop, current.output_fd), "browser output")
        readying = self._loop.spawn(self._become_ready(current), "browser readiness")
        try:
            if self._stop_asked.is_set():
                os.kill(current.pid, signal.SIGTERM)
            await self._loop.readable(pidfd)
        finally:
            was_ready, self._is_alive = self.ready.is_set(), False
            self.devtools = None
            self.ready.clear()
            self._population.kill_browser(current.pid)
            await self._loop.stop(readying)
            with contextlib.suppress(TimeoutError):
                await drain.done.wait(time.monotonic() + _LAST_WORDS_S)
            await self._loop.stop(drain)
            os.close(pidfd)
            os.close(current.output_fd)
        return self._bury(current.pid, output, was_ready)

    def _bury(self, pid: int, output: Output, was_ready: bool) -> str:
        """Reap the browser and report how it ended."""
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self._pid = None
        self._population.remove_browser(pid)
        how = {"signal": -code} if code < 0 else {"exit_code": code}
        reason = "stopped" if self._stop_asked.is_set() else self._end_reason or self._judge(code, was_ready)
        self._report(BrowserState.EXITED, pid=pid, reason=reason, log_tail=output.tail(), **how)
        return reason

    def _judge(self, code: int, was_ready: bool) -> str:
        if not was_ready and not self._has_been_ready:
            return "crashed_at_start"
        return "closed" if code == 0 else "crashed"

    async def _become_ready(self, current: Launch) -> None:
        try:
            found = await wait_until_ready(
                self._loop, self._config.user_data_dir, current.started_at + self._config.start_timeout_s
            )
        except TimeoutError:
            self.kill("start_timeout")
            return
        self._has_been_ready = True
        self.devtools = found
        start_ms = round((time.monotonic() - current.started_at) * 1000, 1)
        # Set before the report: who learns of it may dial at once.
        self.ready.set()
        self._report(
            BrowserState.READY,
            pid=current.pid,
            devtools_path=found.path,
            product=found.product,
            revision=found.revision,
            start_ms=start_ms,
        )

    def _report(self, state: BrowserState, **facts: str | int | float) -> None:
        self._status = {"state": str(state), **facts}
        # Not its last words: a browser may print what a page told it, and that is not ours to log.
        self._log.info("browser", **{key: value for key, value in self._status.items() if key != "log_tail"})
        self._on_change(self._status)
