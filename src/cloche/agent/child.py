"""Run one command of our own: bounded in time and output, its whole process group ended when it is over.

For checks, for what runs before sleep and after wake, and for Exec. Nothing a command does can hold up the agent: its
output is read while it runs, its input is written as it reads, a grandchild that keeps a pipe open is not waited for,
and one that the kernel does not let go of is seen off in the background. A time that runs out is told as such, never
as a success.

Nothing is left behind wherever the task that runs it is cancelled: what must be ended and closed is ended and closed
without an await in between.
"""

import errno
import os
import select
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from cloche.agent.loop import Cancelled, Loop, Task
from cloche.agent.population import Population, kill_group
from cloche.agent.start import can_be_reaped, start_on_pipes

_LAST_WORDS_S: Final = 0.2
"""How long the pipes are read on after the command itself has ended."""
_KILLED_WITHIN_S: Final = 2.0
"""How long a killed command may take to go before its outcome is told without it."""
_GONE_WITHIN_S: Final = 0.05
"""How long the loop may stand still for one that was killed just now; it takes a millisecond."""
_LOOK_AGAIN_S: Final = 0.05
_PIECE_BYTES: Final = 64 * 1024


class ChildSpec(NamedTuple):
    argv: Sequence[str]
    """What to run as it stands. A name without a slash is looked up in the absolute directories of `env`'s PATH."""
    timeout_s: float
    env: Mapping[str, str]
    stdin: bytes = b""
    max_output_bytes: int = 64 * 1024
    """Kept of each stream, from its beginning; what comes after it is read and thrown away."""
    keeps_group: bool = False
    """Leave alone what the command has started and is still running when it ends by itself (a restore command may
    start a service); its output is read and thrown away for as long as it lives. At a timeout it is killed too."""


class ChildOutcome(NamedTuple):
    """How it went. Exactly one of `exit_code`, `signal`, `error` is there, also after a timeout (then SIGKILL)."""

    exit_code: int | None = None
    signal: int | None = None
    error: str = ""
    """It could not be started: an errno's text."""
    timed_out: bool = False
    stdout: bytes = b""
    stderr: bytes = b""
    stdout_cut: bool = False
    stderr_cut: bool = False
    cpu_seconds: float = 0.0
    """Processor time of the command and of those of its descendants that were waited for (wait4(2))."""

    @property
    def succeeded(self) -> bool:
        return self.exit_code == 0 and not self.timed_out


class _End:
    """Our end of a pipe. Whoever is done with it may close it; only the first time counts."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


class _Input(_End):
    async def write(self, loop: Loop, data: bytes) -> None:
        """Write as it is read, then close: who reads to the end of it must see one."""
        view = memoryview(data)
        try:
            while view:
                await loop.writable(self.fd)
                with suppress(BlockingIOError):
                    view = view[os.write(self.fd, view) :]
        except BrokenPipeError:
            return  # it does not want the rest
        finally:
            self.close()


class _Output(_End):
    """One output; the beginning of it is kept."""

    def __init__(self, fd: int, limit: int) -> None:
        super().__init__(fd)
        self._kept = bytearray()
        self._limit = limit
        self.is_cut = False

    def take(self) -> bytes:
        """Return what was kept, and keep nothing more of it."""
        kept, self._kept, self._limit = bytes(self._kept), bytearray(), 0
        return kept

    async def drain(self, loop: Loop) -> None:
        """Read until every process that holds the other end has closed it."""
        try:
            while True:
                await loop.readable(self.fd)
                try:
                    data = os.read(self.fd, _PIECE_BYTES)
                except BlockingIOError:
                    continue
                if not data:
                    return
                room = self._limit - len(self._kept)
                self._kept += data[:room]
                self.is_cut = self.is_cut or len(data) > room
        finally:
            self.close()


class _Death(NamedTuple):
    """What there was to learn at its end: the exit code, or a signal's number below zero; None if someone else has
    learnt it."""

    status: int | None = -signal.SIGKILL
    cpu_seconds: float = 0.0


class _Child:
    """One command from its start to its end."""

    def __init__(self, loop: Loop, spec: ChildSpec, population: Population) -> None:
        """Start it.

        Raises:
            OSError, ValueError: it cannot be started; nothing is left of the attempt.
        """
        self._loop, self._spec, self._population = loop, spec, population
        started = start_on_pipes(spec.argv, spec.env)
        self._pid, self._pidfd = started.pid, started.pidfd
        self._stdin = _Input(started.stdin)
        self._outputs = [_Output(fd, spec.max_output_bytes) for fd in started.outputs]
        self._has_ended = self._has_timed_out = False
        population.add_own(self._pid)

    async def attend(self) -> ChildOutcome:
        spawn, loop, spec = self._loop.spawn, self._loop, self._spec
        reading = [spawn(output.drain(loop), "child output") for output in self._outputs]
        writing = spawn(self._stdin.write(loop, spec.stdin), "child input")
        try:
            self._has_ended = await self._ends_within(spec.timeout_s)
            if not self._has_ended:
                self._has_timed_out = True
                self._population.kill_own(self._pid)
                self._has_ended = await self._ends_within(_KILLED_WITHIN_S)
            await _last_words(reading)
        finally:
            death = self._finish(reading, writing)
        return self._outcome(death)

    async def _ends_within(self, seconds: float) -> bool:
        try:
            await self._loop.readable(self._pidfd, time.monotonic() + seconds)
        except TimeoutError:
            return False
        return True

    def _finish(self, reading: Sequence[Task], writing: Task) -> _Death:
        """End what runs and close what is open. Not one await in here: a second cancel would come between."""
        keeps_group = self._spec.keeps_group and self._has_ended and not self._has_timed_out
        # Killed before it is reaped: until then neither its pid nor its group can be anyone else's.
        if not self._has_ended:
            self._population.kill_own(self._pid)
        elif not keeps_group:
            kill_group(self._pid)
        writing.cancel()
        self._stdin.close()
        if not keeps_group:
            for task, output in zip(reading, self._outputs, strict=True):
                task.cancel()
                output.close()
        if not self._has_ended and not _is_readable(self._pidfd, _GONE_WITHIN_S):
            self._loop.spawn(self._bury(), "child burial")
            return _Death()
        if not can_be_reaped(self._pidfd):
            self._loop.spawn(self._bury(), "child burial")
            return _Death(None)
        return self._reap(keeps_group=keeps_group)

    def _reap(self, *, keeps_group: bool = False) -> _Death:
        os.close(self._pidfd)
        self._population.remove_own(self._pid, keeps_session=keeps_group)
        try:
            _, status, usage = os.wait4(self._pid, 0)
        except ChildProcessError:  # this process was started with SIGCHLD ignored: the kernel has reaped it
            return _Death(None)
        return _Death(os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime)

    async def _bury(self) -> None:
        """Wait for one that is killed and still in the kernel (a file system that does not answer), or that another
        traces, then reap it."""
        while not (_is_readable(self._pidfd, 0) and can_be_reaped(self._pidfd)):
            # Only the end of the loop cancels this, and that has its own limit of time.
            with suppress(Cancelled):
                await self._loop.readable(self._pidfd)
                await self._loop.sleep(_LOOK_AGAIN_S)
        self._reap()

    def _outcome(self, death: _Death) -> ChildOutcome:
        stdout, stderr = self._outputs
        status = death.status
        return ChildOutcome(
            exit_code=status if status is not None and status >= 0 else None,
            signal=-status if status is not None and status < 0 else None,
            error="" if status is not None else os.strerror(errno.ECHILD),
            timed_out=self._has_timed_out,
            stdout=stdout.take(),
            stderr=stderr.take(),
            stdout_cut=stdout.is_cut,
            stderr_cut=stderr.is_cut,
            cpu_seconds=death.cpu_seconds,
        )


async def run_child(loop: Loop, spec: ChildSpec, population: Population) -> ChildOutcome:
    """Run a command to its end or its timeout. When the task is cancelled the group is killed before this returns."""
    try:
        return await _Child(loop, spec, population).attend()
    except (OSError, ValueError) as error:
        return ChildOutcome(error=getattr(error, "strerror", None) or str(error))


async def _last_words(reading: Sequence[Task]) -> None:
    deadline = time.monotonic() + _LAST_WORDS_S
    with suppress(TimeoutError):
        for task in reading:
            await task.done.wait(deadline)


def _is_readable(fd: int, within_s: float) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(within_s * 1000))
