"""Keeps one Chromium running: start, ready, exit, restart within the budget, stop; and does as it is asked meanwhile.

    starting ──► ready ──► exited ──► restarting ──► starting …
        └────────────────────┘   ├──► gave_up           (also from a first start that never became ready)
                                 ├──► stopped ──► starting …       where it was asked for
                                 └──► starting …

Every change is reported at once through `on_change`, with the payload that `BrowserState` in `cloche.wire.messages`
describes. Exits are learnt from a pidfd, never by polling; a dead browser's process group is killed before the
browser is reaped, while its pid still cannot be anyone else's.

One task (`run`) sees every browser through. A command of the session's owner takes its turn (`turn`), and then ends
the browser (`halt`), starts one (`begin`) or leaves it stopped (`rest`): from `halt` on until its turn is over nothing
is started but what the command starts, whatever becomes of the browser. The agent's own end comes before everything.
"""

import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from cloche.agent.devtools import DevTools, wait_until_ready
from cloche.agent.journal import Journal
from cloche.agent.launch import Launch, clear_stale, launch
from cloche.agent.life import Ending, Life, line_of
from cloche.agent.log import Log
from cloche.agent.loop import Event, Loop
from cloche.agent.metrics import BrowserFacts
from cloche.agent.output import Output
from cloche.agent.population import Population
from cloche.agent.restart_budget import RestartBudget
from cloche.wire.agent_config import BrowserConfig
from cloche.wire.messages import AT_REST, BrowserState, Payload

_CLOSED_WITHIN_S: Final = 2.0
"""How long a browser may take to answer that it will close."""
_TERMINATED_WITHIN_S: Final = 1.0
_KILLED_WITHIN_S: Final = 2.0
_LAST_WORDS_S: Final = 0.2


class Supervisor:
    """Owned by `lifecycle`, which runs `run` as a task and calls `stop` at the end. `machine.parts` commands it."""

    def __init__(
        self,
        loop: Loop,
        log: Log,
        config: BrowserConfig,
        population: Population,
        on_change: Callable[[Payload], None],
        journal: Journal,
    ) -> None:
        self._loop, self._log, self._config, self._population = loop, log, config, population
        self._on_change, self._journal = on_change, journal
        self._budget = RestartBudget(config.restart_budget, config.restart_window_s)
        self._pid: int | None = None
        self._is_alive = False
        self._has_been_ready = False
        self._last_path = ""
        self._life: Life | None = None
        self._wanted: Life | None = None
        self._is_commanded = False
        self._changed = Event(loop)
        """Pulsed when something else is wanted than before."""
        self._queue: deque[object] = deque()
        self._turn_over = Event(loop)
        self._stop_asked = Event(loop)
        self._status: Payload = {"state": str(BrowserState.STARTING)}
        if config.at_rest:
            self._status = {"state": str(BrowserState.STOPPED), "reason": AT_REST}
        self.args: Sequence[str] = config.args
        """What the next browser is started with that nobody asks for otherwise."""
        self.is_stopped = config.at_rest
        """Stopped by the session's owner, or about to be; it stays so until somebody starts it."""
        self.restarts = 0
        """After crashes; one that was asked for is none."""
        self.devtools: DevTools | None = None
        """Where the browser answers, while it does."""
        self.ready = Event(loop)
        """Set for as long as `devtools` is; pulsed also when it will not be for now."""
        self.ended = Event(loop)
        """Set when there will never be a browser again."""
        self.gave_up = False
        self.started_at = self.changed_at = time.time()
        """Seconds since the epoch."""
        self.reason = AT_REST if config.at_rest else "session_start"
        """Why it is in the state that it is in."""

    @property
    def state(self) -> str:
        return str(self._status["state"])

    @property
    def pid(self) -> int | None:
        return self._pid

    @property
    def is_at_rest(self) -> bool:
        """No browser runs, and none is about to."""
        return self._pid is None and (self.is_stopped or self.ended.is_set()) and not self._queue

    def facts(self) -> BrowserFacts:
        return BrowserFacts(True, self._is_alive, self.ready.is_set(), self._pid, self.restarts)

    def snapshot(self) -> Payload:
        """Return the last report, for a host that has just come (back)."""
        return {**self._status, "restarts": self.restarts}

    # --- the life of browsers -----------------------------------------------------------------------------------

    async def run(self, first: Launch | None) -> None:
        """Supervise `first` (None: what somebody starts) and its successors until stopped or the budget is spent."""
        try:
            life = Life(self._loop, self.args, self.reason) if first is not None else await self._next("")
            while life is not None:
                started, first = first or self._start(life), None
                await self._live(life, started)
                life = await self._next(life.reason)
        finally:
            self.ended.set()
            self.ready.pulse()
            for waited in (self._wanted, self._life):
                if waited is not None:
                    waited.changed.pulse()

    async def stop(self, grace_s: float) -> None:
        """Ask the browser to exit, kill it after the grace, and wait until it is gone. The last thing that is asked."""
        self._stop_asked.set()
        self._changed.pulse()
        self._terminate()
        with contextlib.suppress(TimeoutError):
            await self.ended.wait(time.monotonic() + grace_s)
            return
        self.kill("stopped")
        with contextlib.suppress(TimeoutError):
            await self.ended.wait(time.monotonic() + _KILLED_WITHIN_S)

    def kill(self, reason: str) -> None:
        """End this browser now; `reason` is what its exit will be reported as."""
        if self._pid is not None and self._life is not None:
            self._life.asked_end = self._life.asked_end or reason
            self._population.kill_browser(self._pid)

    # --- commands -----------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until nobody else commands the browser, and command it. In the order in which they come."""
        place = object()
        self._queue.append(place)
        try:
            while self._queue[0] is not place:
                await self._turn_over.next()
            try:
                yield
            finally:
                if self._is_commanded:
                    self._is_commanded = False
                    self._changed.pulse()
        finally:
            self._queue.remove(place)
            self._turn_over.pulse()

    async def halt(self, reason: str, *, rests: bool = False) -> None:
        """End the browser so that nothing is lost that it has been given, and wait until it is gone.

        First Browser.close, which has every engine write what it holds; then SIGTERM after the grace, then SIGKILL.
        A pause before a restart is broken off. `rests`: who dials from now on need not wait for another browser.

        Raises:
            TimeoutError: it cannot be killed. Ending: the agent is ending.
        """
        self._is_commanded, self.is_stopped = True, rests
        self._changed.pulse()
        self.ready.pulse()
        if self._life is not None and not self._life.is_over:
            self._life.asked_end = self._life.asked_end or reason
            if not await self._close(self._life):
                self.kill(reason)
                if not await self._life.gone(_from_now(_KILLED_WITHIN_S)):
                    self.is_stopped = False
                    raise TimeoutError("the browser cannot be ended")
        self._check_ending()

    async def begin(self, life: Life) -> bool:
        """Have this browser started, and wait until it is ready (True) or over (False). None may be running.

        Raises:
            Ending: the agent is ending.
        """
        self._is_commanded, self.is_stopped = True, False
        self._check_ending()
        self._wanted = life
        self._changed.pulse()
        while life.devtools is None and not life.is_over:
            self._check_ending()
            await life.changed.next()
        return life.devtools is not None

    def rest(self, reason: str) -> None:
        """Stay stopped, until somebody starts a browser again."""
        self.is_stopped = True
        self.ready.pulse()
        self._report(BrowserState.STOPPED, reason)

    def _check_ending(self) -> None:
        if self._stop_asked.is_set() or self.ended.is_set():
            raise Ending

    async def _close(self, life: Life) -> bool:
        """Have it end by itself; return whether it has."""
        found, self.devtools = self.devtools, None
        self.ready.clear()
        deadline = _from_now(self._config.stop_grace_s)
        # Before it is asked: it may be gone before it has answered.
        life.closes = found is not None
        if found is None or not await self._ask_to_close(found, min(deadline, _from_now(_CLOSED_WITHIN_S))):
            self._terminate()
        if await life.gone(deadline):
            return True
        self._terminate()
        return await life.gone(_from_now(_TERMINATED_WITHIN_S))

    async def _ask_to_close(self, found: DevTools, deadline: float) -> bool:
        from cloche.agent.browser_close import ask_to_close

        try:
            await ask_to_close(self._loop, found, deadline)
        except (OSError, ValueError) as error:
            self._log.warn("browser does not close", error=str(error) or type(error).__name__)
            return False
        return True

    def _terminate(self) -> None:
        if self._pid is not None:
            os.kill(self._pid, signal.SIGTERM)

    # --- what `run` consists of ---------------------------------------------------------------------------------

    async def _next(self, reason: str) -> Life | None:
        """Wait until a browser is due after one that has ended for this reason; None: there will be no more."""
        while not self._stop_asked.is_set():
            if self._wanted is not None:
                wanted, self._wanted = self._wanted, None
                return wanted
            if self._is_commanded or self.is_stopped:
                await self._changed.next()
                continue
            delay_s = self._budget.spend(time.monotonic(), os.urandom(1)[0] / 255) if self._has_been_ready else None
            if delay_s is None:
                self._give_up("restart_budget_spent" if self._has_been_ready else reason)
                break
            if await self._pause(delay_s, reason) and not (self._is_commanded or self.is_stopped):
                return Life(self._loop, self.args, reason)  # not where a command came in the turn that ended the pause
        return None

    async def _pause(self, delay_s: float, reason: str) -> bool:
        """Return whether it has passed, with nothing else wanted meanwhile."""
        self.restarts += 1
        self._report(BrowserState.RESTARTING, reason, restarts=self.restarts, delay_s=round(delay_s, 3))
        try:
            await self._changed.next(time.monotonic() + delay_s)
        except TimeoutError:
            return True
        return False

    def _start(self, life: Life) -> Launch:
        clear_stale(self._config.user_data_dir)
        return launch(self._config.executable, life.args, self._config.env, time.monotonic())

    def _give_up(self, reason: str) -> None:
        self.gave_up = True
        last = {key: self._status[key] for key in ("log_tail", "exit_code", "signal") if key in self._status}
        self._report(BrowserState.GAVE_UP, reason, restarts=self.restarts, reason=reason, **last)

    async def _live(self, life: Life, current: Launch) -> None:
        """See one browser through from start to exit."""
        self._life = life
        if current.pid < 0:
            self._end(life, "exec_failed", f"cannot execute: {current.error}")
            return
        self._pid, self._is_alive = current.pid, True
        life.pid = current.pid
        self._population.add_browser(current.pid)
        self.started_at = time.time()
        self._report(BrowserState.STARTING, life.cause, pid=current.pid)
        output = Output(lambda line: self._journal.add("browser", line))
        pidfd = os.pidfd_open(current.pid)
        drain = self._loop.spawn(output.drain(self._loop, current.output_fd), "browser output")
        readying = self._loop.spawn(self._become_ready(life, current), "browser readiness")
        try:
            if self._stop_asked.is_set():
                os.kill(current.pid, signal.SIGTERM)
            await self._loop.readable(pidfd)
        finally:
            self._is_alive = False
            self.devtools = None
            self.ready.clear()
            if life.closes:  # the pipe ends with the last of its processes
                await self._wait_for_end(drain.done)
            self._population.kill_browser(current.pid)
            await self._loop.stop(readying)
            await self._wait_for_end(drain.done)
            await self._loop.stop(drain)
            os.close(pidfd)
            os.close(current.output_fd)
        output.close()
        self._bury(life, output.tail())

    async def _wait_for_end(self, drained: Event) -> None:
        with contextlib.suppress(TimeoutError):
            await drained.wait(time.monotonic() + _LAST_WORDS_S)

    def _bury(self, life: Life, log_tail: str) -> None:
        """Reap the browser and report how it ended."""
        code = os.waitstatus_to_exitcode(os.waitpid(life.pid, 0)[1])
        self._pid = None
        self._population.remove_browser(life.pid)
        reason = "stopped" if self._stop_asked.is_set() else life.asked_end or self._judge(life, code)
        how = {"signal": -code} if code < 0 else {"exit_code": code}
        self._end(life, reason, log_tail, pid=life.pid, **how)

    def _end(self, life: Life, reason: str, log_tail: str, **how: int) -> None:
        life.reason, life.log_tail, life.is_over = reason, log_tail, True
        self._report(BrowserState.EXITED, reason, reason=reason, log_tail=log_tail, **how)
        life.changed.pulse()

    def _judge(self, life: Life, code: int) -> str:
        if life.devtools is None and (self._is_commanded or not self._has_been_ready):
            return "crashed_at_start"
        return "closed" if code == 0 else "crashed"

    async def _become_ready(self, life: Life, current: Launch) -> None:
        deadline = current.started_at + self._config.start_timeout_s
        try:
            found = await wait_until_ready(
                self._loop,
                self._config.user_data_dir,
                deadline,
                lambda found: self._is_new(life, found),
                self._config.devtools_port,
            )
            if life.furnish is not None:
                await life.furnish(found, deadline)
        except TimeoutError:
            self.kill("start_timeout")
            return
        if life.asked_end:
            return  # it is going already
        self._has_been_ready = True
        self._last_path = found.path
        life.devtools = self.devtools = found
        life.start_ms = round((time.monotonic() - current.started_at) * 1000, 1)
        # Set before the report: who learns of it may dial at once.
        self.ready.set()
        self._report(
            BrowserState.READY,
            life.cause,
            pid=life.pid,
            devtools_path=found.path,
            product=found.product,
            revision=found.revision,
            start_ms=life.start_ms,
        )
        life.changed.pulse()

    def _is_new(self, life: Life, found: DevTools) -> bool:
        """Whether it is this browser that answers, and nothing that took the port when the one before had gone."""
        if not self._last_path:
            return True  # nothing else has run here yet
        from cloche.agent.listening import is_listening

        is_its_own = is_listening(life.pid, found.port)
        return found.path != self._last_path if is_its_own is None else is_its_own

    def _report(self, state: BrowserState, why: str, **facts: str | int | float) -> None:
        self._status = {"state": str(state), **facts}
        self.changed_at, self.reason = time.time(), why
        # Not its last words: a browser may print what a page told it, and that is not ours to log.
        said = {key: value for key, value in self._status.items() if key != "log_tail"}
        self._log.info("browser", **said)
        self._journal.add("supervisor", line_of(said, why))
        self._on_change(self._status)


def _from_now(seconds: float) -> float:
    return time.monotonic() + seconds
