"""A small coroutine loop on epoll: what the agent needs of asyncio, without its weight.

Measured with CPython 3.11 on Linux: importing asyncio takes an idle interpreter from 8.6 to 16.9 MB PSS (12.9 MB with
`ssl` kept out) and costs 40–60 ms of CPU. With this loop the whole agent, its browser running, is 9.4–11 MB, and has
registered when asyncio would still be loading. There is one agent per session, so all of it is paid per browser.

One thread, no callbacks: a task runs until it awaits one of `readable`, `writable`, `sleep` or `Event.wait`. Each of
these may carry a deadline (`time.monotonic` seconds; None waits for ever) and raises `TimeoutError` when it passes.
Deadlines do not nest. Whoever closes a descriptor first ends the tasks that wait on it: epoll forgets closed ones.
"""

import heapq
import itertools
import math
import select
import time
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final

_READ: Final = select.EPOLLIN
_WRITE: Final = select.EPOLLOUT
# What epoll reports unasked. The waiting task tries its system call again and learns the error there.
_ENDED: Final = select.EPOLLERR | select.EPOLLHUP | select.EPOLLRDHUP
_MAX_POLL_S: Final = 86_400.0
"""epoll_wait(2) takes milliseconds in an int: more than 24 days at once is an OverflowError."""
_CLEAN_UP_S: Final = 1.0
"""How long tasks that are cancelled at the end may take."""
_FEW_TIMERS: Final = 256
"""Fewer are not worth looking through for those that nobody waits for any more."""


class Cancelled(BaseException):
    """Raised inside a task at its await when someone called `Task.cancel`. Not an Exception: it must get through."""


class Task:
    """One running coroutine. `done` is set when it has ended; `error` is what ended it, if anything did."""

    def __init__(self, loop: "Loop", coroutine: Coroutine["_Wait", None, None], name: str) -> None:
        self.name = name
        self.done = Event(loop)
        self.error: BaseException | None = None
        self._loop = loop
        self._coroutine = coroutine
        self._wait: _Wait | None = None
        self._cancelled = False

    def cancel(self) -> None:
        """Raise `Cancelled` at the task's await. Does nothing to a task that has ended."""
        if self.done.is_set():
            return
        self._cancelled = True
        if self._wait is not None:
            self._loop._resume(self._wait)

    def _step(self, error: BaseException | None) -> None:
        self._wait = None
        if self._cancelled:
            self._cancelled, error = False, Cancelled()
        try:
            wait = self._coroutine.throw(error) if error is not None else self._coroutine.send(None)
        except (StopIteration, Cancelled):
            self._loop._end(self)
        except BaseException as failure:  # noqa: BLE001  # the top of a task: it is kept, and reported by the loop
            self.error = failure
            self._loop._end(self)
        else:
            self._wait = wait
            wait.task = self
            try:
                self._loop._suspend(wait)
            except (OSError, RuntimeError) as failure:  # a closed descriptor, or one that someone waits for already
                self._loop._resume(wait, failure)


class _Wait:
    """What a suspended task waits for; the first of descriptor, event and deadline resumes it."""

    __slots__ = ("deadline", "event", "fd", "is_over", "is_write", "raises", "task")

    def __init__(
        self,
        deadline: float | None,
        fd: int = -1,
        is_write: bool = False,
        event: "Event | None" = None,
        raises: bool = True,
    ) -> None:
        self.deadline, self.fd, self.is_write, self.event, self.raises = deadline, fd, is_write, event, raises
        self.task: Task | None = None
        self.is_over = False

    def __await__(self) -> Generator["_Wait", None, None]:
        yield self


class Event:
    """A flag that tasks can wait for. Setting it lets all of them go on."""

    def __init__(self, loop: "Loop") -> None:
        self._loop = loop
        self._is_set = False
        self._waits: dict[_Wait, None] = {}

    def is_set(self) -> bool:
        return self._is_set

    def set(self) -> None:
        self._is_set = True
        self.pulse()

    def clear(self) -> None:
        self._is_set = False

    def pulse(self) -> None:
        """Let those who wait now go on, without setting the flag."""
        for wait in list(self._waits):
            self._loop._resume(wait)

    async def wait(self, deadline: float | None = None) -> None:
        if not self._is_set:
            await self.next(deadline)

    async def next(self, deadline: float | None = None) -> None:
        """Wait for the next `set` or `pulse`, also where the flag is set already."""
        await _Wait(deadline, event=self)


class Loop:
    """Runs tasks. Owned by `main`, which calls `run` once; everything else gets it as an argument."""

    def __init__(self, on_failure: Callable[[str, BaseException], None]) -> None:
        """`on_failure(task_name, error)` is called for each task that an exception ended."""
        self._on_failure = on_failure
        self._epoll = select.epoll()
        self._tasks: set[Task] = set()
        self._ready: deque[tuple[Task, BaseException | None]] = deque()
        self._timers: list[tuple[float, int, _Wait]] = []
        self._sweep_timers_at = _FEW_TIMERS
        self._sequence = itertools.count()
        self._descriptors: dict[int, dict[bool, _Wait]] = {}

    @property
    def task_count(self) -> int:
        return len(self._tasks)

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> Task:
        """Start a task; its first step runs in the loop's next turn."""
        task = Task(self, coroutine, name)
        self._tasks.add(task)
        self._ready.append((task, None))
        return task

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run until this coroutine has ended, then cancel what is left and let it clean up."""
        main = self.spawn(coroutine, "main")
        try:
            self._run_until(main.done.is_set, math.inf)
            for task in self._tasks:
                task.cancel()
            self._run_until(lambda: not self._tasks, time.monotonic() + _CLEAN_UP_S)
        finally:
            self._epoll.close()
        if main.error is not None:
            raise main.error

    async def sleep(self, seconds: float) -> None:
        await _Wait(time.monotonic() + seconds, raises=False)

    async def readable(self, fd: int, deadline: float | None = None) -> None:
        await _Wait(deadline, fd)

    async def writable(self, fd: int, deadline: float | None = None) -> None:
        await _Wait(deadline, fd, is_write=True)

    async def stop(self, *tasks: Task) -> None:
        """Cancel tasks and wait until they have ended."""
        for task in tasks:
            task.cancel()
        for task in tasks:
            await task.done.wait()

    def _run_until(self, is_over: Callable[[], bool], deadline: float) -> None:
        while time.monotonic() < deadline:
            for _ in range(len(self._ready)):
                task, error = self._ready.popleft()
                task._step(error)
            if is_over():
                return
            self._look(deadline)

    def _look(self, deadline: float) -> None:
        """Wait for the kernel or the next timer, and resume whoever waited for it."""
        for fd, mask in self._epoll.poll(self._patience(deadline)):
            for is_write, wanted in ((False, _READ), (True, _WRITE)):
                wait = self._descriptors.get(fd, {}).get(is_write)
                if wait is not None and mask & (wanted | _ENDED):
                    self._resume(wait)
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            wait = heapq.heappop(self._timers)[2]
            self._resume(wait, TimeoutError() if wait.raises else None)

    def _patience(self, deadline: float) -> float | None:
        while self._timers and self._timers[0][2].is_over:
            heapq.heappop(self._timers)
        if self._ready:
            return 0
        until = min(deadline, self._timers[0][0] if self._timers else math.inf)
        return min(_MAX_POLL_S, max(0.0, until - time.monotonic())) if until < math.inf else None

    def _suspend(self, wait: _Wait) -> None:
        if wait.task is not None and wait.task._cancelled:
            self._resume(wait)
            return
        if wait.fd >= 0 and wait.deadline is not None and wait.deadline <= time.monotonic():
            # Also where there is something to read: a peer that drips must not get turn after turn.
            self._resume(wait, TimeoutError())
            return
        if wait.event is not None:
            wait.event._waits[wait] = None
        if wait.fd >= 0:
            self._attach(wait)
        if wait.deadline is not None:
            self._add_timer(wait, wait.deadline)

    def _add_timer(self, wait: _Wait, deadline: float) -> None:
        if len(self._timers) >= self._sweep_timers_at:
            # A wait that ended early leaves its timer behind, and one for a minute would stay that long: a peer that
            # asks thousands of times a second must not make thousands of them wait there.
            self._timers = [timer for timer in self._timers if not timer[2].is_over]
            heapq.heapify(self._timers)
            self._sweep_timers_at = max(_FEW_TIMERS, 2 * len(self._timers))
        heapq.heappush(self._timers, (deadline, next(self._sequence), wait))

    def _resume(self, wait: _Wait, error: BaseException | None = None) -> None:
        if wait.is_over or wait.task is None:
            return
        wait.is_over = True
        if wait.event is not None:
            wait.event._waits.pop(wait, None)
        if self._descriptors.get(wait.fd, {}).get(wait.is_write) is wait:
            self._detach(wait)
        self._ready.append((wait.task, error))

    def _attach(self, wait: _Wait) -> None:
        waits = self._descriptors.get(wait.fd, {})
        if wait.is_write in waits:
            raise RuntimeError(f"two tasks wait for descriptor {wait.fd}")
        if waits:
            self._epoll.modify(wait.fd, _READ | _WRITE)
        else:
            self._epoll.register(wait.fd, _WRITE if wait.is_write else _READ)
        self._descriptors.setdefault(wait.fd, {})[wait.is_write] = wait

    def _detach(self, wait: _Wait) -> None:
        waits = self._descriptors[wait.fd]
        del waits[wait.is_write]
        if waits:
            self._epoll.modify(wait.fd, _WRITE if True in waits else _READ)
        else:
            del self._descriptors[wait.fd]
            self._epoll.unregister(wait.fd)

    def _end(self, task: Task) -> None:
        self._tasks.discard(task)
        task.done.set()
        if task.error is not None:
            self._on_failure(task.name, task.error)
