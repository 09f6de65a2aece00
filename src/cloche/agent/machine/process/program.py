"""One process of the process API: started, read, written to, signalled, and seen off."""

import errno
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

from cloche.agent.loop import Cancelled, Event, Loop
from cloche.agent.machine.process.members import members_of
from cloche.agent.machine.process.ring import Ring, Store, Stream
from cloche.agent.machine.process.stdin import Stdin
from cloche.agent.machine.process.usage import Usage
from cloche.agent.population import Population, send
from cloche.agent.procfs import Process, read_process, read_processes
from cloche.agent.start import Started, can_be_reaped, set_window, start_on_pipes, start_on_terminal

TAIL_S: Final = 1.0
"""How long what it printed is waited for after it has ended: somebody else may hold its output open."""
_LOOK_AGAIN_S: Final = 0.02
_PIECE_BYTES: Final = 64 * 1024
_SHOWN_CHARS: Final = 1024
"""Remembered of a command, and of its arguments together: there may be a megabyte of them."""


class ProgramSpec(NamedTuple):
    argv: tuple[str, ...]
    env: Mapping[str, str]
    directory: str
    timeout_s: float | None = None
    kept_bytes: int = 0
    """How much of what it prints is kept."""
    window: tuple[int, int] | None = None
    """Rows and columns of its terminal; None: it gets pipes."""
    stdin: bytes | None = None
    """All that it will read. None: more may come, until somebody ends it."""


class Program:
    """Owned by the table. Runs until it ends; whoever looks at it does not keep it from anything."""

    def __init__(
        self,
        loop: Loop,
        population: Population,
        spec: ProgramSpec,
        id_: str,
        store: Store,
        on_exit: Callable[["Program"], None],
    ) -> None:
        """Start it. `on_exit` is called once it has ended, before what it printed last has been read.

        Raises:
            WrongDirectoryError, OSError, ValueError: it cannot be started; nothing is left of the attempt.
        """
        self.started_at, self._started = time.time(), time.monotonic()
        started = _start(spec)
        self._loop, self._population, self.id = loop, population, id_
        command, *args = spec.argv
        self.command, self.args, self.args_count = command[:_SHOWN_CHARS], _shown(args), len(args)
        """The command, and those of its arguments that are short enough to be remembered, from the first."""
        self.timeout_s, self.is_terminal = spec.timeout_s, spec.window is not None
        self._on_exit = on_exit
        self.pid, self._pidfd, self._terminal = started.pid, started.pidfd, started.terminal
        population.add_service(self.pid)
        process = read_process(self.pid)  # not reaped yet, so it is there
        self._born = process.started if process is not None else 0
        self.exited_at: float | None = None
        self.exit_code: int | None = None
        self.signal: int | None = None
        self.has_timed_out = False
        self.usage = Usage()
        self.ring = Ring(spec.kept_bytes, store)
        self.tail = 0
        """Once it is settled: the offset up to which its output is its own."""
        self.exited, self.settled = Event(loop), Event(loop)
        """It has ended; and what it printed has been read, too."""
        self.stdin = Stdin(loop, started.stdin, is_terminal=self.is_terminal)
        self._readers: set[Event] = set()
        self._output_fds = set(started.outputs)
        self._outputs = [
            loop.spawn(self._drain(fd, stream), "program output")
            for fd, stream in zip(started.outputs, Stream, strict=False)
        ]
        self._feeding = loop.spawn(self.stdin.feed(spec.stdin), "program input") if spec.stdin is not None else None
        loop.spawn(self._attend(), "program")

    @property
    def is_running(self) -> bool:
        return not self.exited.is_set()

    @property
    def holds_outputs(self) -> bool:
        """Somebody has its output open still."""
        return any(not task.done.is_set() for task in self._outputs)

    @property
    def duration_s(self) -> float:
        """How long it ran, or has been running."""
        return (self.exited_at if self.exited_at is not None else time.monotonic()) - self._started

    @contextmanager
    def listening(self) -> Iterator[Event]:
        """Give an event that is pulsed when it has printed something, and when it has settled."""
        event = Event(self._loop)
        self._readers.add(event)
        try:
            yield event
        finally:
            self._readers.discard(event)

    def members(self, everyone: Mapping[int, Process]) -> list[Process]:
        return members_of(everyone, self.pid, self._born)

    def resize(self, rows: int, columns: int) -> None:
        """Raises: OSError (EIO) once it has ended."""
        if self._terminal < 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        set_window(self._terminal, rows, columns)

    def kill(self, number: int) -> bool:
        """Send a signal to its process group and the rest of its session; false if nobody is left.

        SIGKILL also goes to what descends from it and has left the session.
        """
        if not self.is_running:
            return send(self._living(read_processes()), number) > 0
        if number == signal.SIGKILL:
            self._population.kill_own(self.pid)
            return True
        # It is not reaped yet, so its number is its own. The group first: that reaches all of it at one moment.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
        send((process for process in self._living(read_processes()) if process.group != self.pid), number)
        return True

    def let_go(self) -> None:
        """Read its output no more, whoever still holds it: they learn it when they write."""
        for task in self._outputs:
            task.cancel()  # from here on nobody waits for its descriptor
        for fd in list(self._output_fds):
            self._close_output(fd)

    def stop(self, everyone: Mapping[int, Process]) -> None:
        """Kill it, or what it has left behind, and read it no more; it is gone once it is settled."""
        if self.is_running:
            self.kill(signal.SIGKILL)
        else:
            send(self._living(everyone), signal.SIGKILL)
        self.let_go()

    def _living(self, everyone: Mapping[int, Process]) -> list[Process]:
        return [process for process in self.members(everyone) if process.is_alive]

    async def _attend(self) -> None:
        try:
            await self._until_gone()
        finally:
            self._bury()
        self.exited.set()
        self._on_exit(self)
        deadline = time.monotonic() + TAIL_S
        with suppress(TimeoutError):
            for task in self._outputs:
                await task.done.wait(deadline)
        self.tail = self.ring.end
        self.settled.set()
        self._tell()

    async def _until_gone(self) -> None:
        deadline = self._started + self.timeout_s if self.timeout_s is not None else None
        try:
            await self._loop.readable(self._pidfd, deadline)
        except TimeoutError:
            self.has_timed_out = True
            self.kill(signal.SIGKILL)
        except Cancelled:  # the loop ends
            self.kill(signal.SIGKILL)
        await self._loop.readable(self._pidfd)
        while not can_be_reaped(self._pidfd):  # another traces it, and learns of its end first
            await self._loop.sleep(_LOOK_AGAIN_S)

    def _bury(self) -> None:
        """Take its status and close what is of no more use, without an await in between."""
        if self._feeding is not None:
            self._feeding.cancel()
        self.stdin.close()
        for fd in (self._pidfd, self._terminal):
            if fd >= 0:
                os.close(fd)
        self._terminal = -1
        self.exited_at = time.monotonic()
        with suppress(ChildProcessError):  # this process was started with SIGCHLD ignored: the kernel has reaped it
            # It is there to be waited for, unless the loop ends before the kernel lets go of it.
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                code = os.waitstatus_to_exitcode(status)
                self.exit_code, self.signal = (code, None) if code >= 0 else (None, -code)
                self.usage.ended(usage.ru_utime + usage.ru_stime)

    async def _drain(self, fd: int, stream: Stream) -> None:
        """Read until every process that holds the other end has closed it."""
        try:
            while data := await self._read(fd):
                self.ring.add(stream, data)
                self._tell()
        finally:
            self._close_output(fd)

    def _close_output(self, fd: int) -> None:
        """Once; its number may be somebody else's afterwards."""
        if fd in self._output_fds:
            self._output_fds.remove(fd)
            os.close(fd)

    async def _read(self, fd: int) -> bytes:
        while True:
            await self._loop.readable(fd)
            try:
                return os.read(fd, _PIECE_BYTES)
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno == errno.EIO:  # the end of a terminal
                    return b""
                raise

    def _tell(self) -> None:
        for event in self._readers:
            event.pulse()


def _start(spec: ProgramSpec) -> Started:
    if spec.window is None:
        return start_on_pipes(spec.argv, spec.env, spec.directory)
    rows, columns = spec.window
    return start_on_terminal(spec.argv, spec.env, spec.directory, rows=rows, columns=columns)


def _shown(args: Sequence[str]) -> list[str]:
    shown, room = [], _SHOWN_CHARS
    for arg in args:
        if len(arg) > room:
            break
        shown.append(arg)
        room -= len(arg) + 1
    return shown
