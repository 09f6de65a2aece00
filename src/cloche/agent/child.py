"""Run one command of our own: bounded in time and output, its whole process group ended when it is over.

For checks, for what runs before sleep and after wake, and for Exec. Nothing a command does can hold up the agent: its
output is read while it runs, its input is written as it reads, and a grandchild that keeps a pipe open is not waited
for. A time that runs out is told as such, never as a success.
"""

import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from cloche.agent.loop import Loop, Task
from cloche.agent.population import Population

_LAST_WORDS_S: Final = 0.2
"""How long the pipes are read on after the command itself has ended."""
_PIECE_BYTES: Final = 64 * 1024
_NOFILE_SIGNALS: Final = (signal.SIGPIPE, signal.SIGXFSZ)


class ChildSpec(NamedTuple):
    argv: Sequence[str]
    timeout_s: float
    env: Mapping[str, str]
    stdin: bytes = b""
    max_output_bytes: int = 64 * 1024
    """Kept of each stream, from its beginning; what comes after it is read and thrown away."""
    keeps_group: bool = False
    """Leave alone what the command has started and is still running when it ends by itself (a restore command may
    start a service). At a timeout the group is killed all the same."""


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

    @property
    def succeeded(self) -> bool:
        return self.exit_code == 0 and not self.timed_out


class _Stream:
    """The kept beginning of one output."""

    def __init__(self, limit: int) -> None:
        self.kept = bytearray()
        self.is_cut = False
        self._limit = limit

    async def drain(self, loop: Loop, fd: int) -> None:
        while True:
            await loop.readable(fd)
            try:
                data = os.read(fd, _PIECE_BYTES)
            except BlockingIOError:
                continue
            if not data:
                return
            room = self._limit - len(self.kept)
            self.kept += data[:room]
            self.is_cut = self.is_cut or len(data) > room


async def run_child(loop: Loop, spec: ChildSpec, population: Population) -> ChildOutcome:
    """Run a command to its end or its timeout. When the task is cancelled the group is killed before this returns."""
    pipes = [os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK) for _ in range(3)]
    ours = [pipes[0][1], pipes[1][0], pipes[2][0]]
    theirs = [pipes[0][0], pipes[1][1], pipes[2][1]]
    try:
        for fd in theirs:
            os.set_blocking(fd, True)
        pid = _spawn(spec, theirs)
    except (OSError, ValueError) as error:
        _close(ours)
        return ChildOutcome(error=getattr(error, "strerror", None) or str(error))
    finally:
        _close(theirs)
    population.add_own(pid)
    try:
        return await _attend(loop, spec, pid, ours)
    finally:
        population.remove_own(pid)


def _spawn(spec: ChildSpec, fds: Sequence[int]) -> int:
    return os.posix_spawnp(
        spec.argv[0],
        list(spec.argv),
        dict(spec.env),
        file_actions=[(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(fds)],
        setsid=True,
        setsigmask=(),
        setsigdef=_NOFILE_SIGNALS,
    )


async def _attend(loop: Loop, spec: ChildSpec, pid: int, fds: list[int]) -> ChildOutcome:
    outputs = _Stream(spec.max_output_bytes), _Stream(spec.max_output_bytes)
    pidfd = os.pidfd_open(pid)
    tasks = [
        loop.spawn(_write(loop, fds[0], spec.stdin), "child input"),
        *(loop.spawn(output.drain(loop, fd), "child output") for output, fd in zip(outputs, fds[1:], strict=True)),
    ]
    is_over, timed_out = False, False
    try:
        try:
            await loop.readable(pidfd, time.monotonic() + spec.timeout_s)
            is_over = True
        except TimeoutError:
            timed_out = True
            _kill_group(pid)
            await loop.readable(pidfd)
            is_over = True
        await _last_words(tasks[1:])
    finally:
        # Before it is reaped: until then neither its pid nor its group can be anyone else's.
        if not (is_over and spec.keeps_group and not timed_out):
            _kill_group(pid)
        status = _reap(pid)
        await loop.stop(*tasks)
        _close([pidfd, *fds[1:]])
    out, err = outputs
    return ChildOutcome(
        exit_code=status if status >= 0 else None,
        signal=-status if status < 0 else None,
        timed_out=timed_out,
        stdout=bytes(out.kept),
        stderr=bytes(err.kept),
        stdout_cut=out.is_cut,
        stderr_cut=err.is_cut,
    )


async def _last_words(drains: Sequence[Task]) -> None:
    deadline = time.monotonic() + _LAST_WORDS_S
    with suppress(TimeoutError):
        for drain in drains:
            await drain.done.wait(deadline)


async def _write(loop: Loop, fd: int, data: bytes) -> None:
    """Write the input as it is read, then close: who reads to the end of it must see one."""
    view = memoryview(data)
    try:
        while view:
            await loop.writable(fd)
            with suppress(BlockingIOError):
                view = view[os.write(fd, view) :]
    except BrokenPipeError:
        return  # it does not want the rest
    finally:
        os.close(fd)


def _reap(pid: int) -> int:
    """Wait for one that has ended or was killed just now: it is a matter of the kernel's cleaning up."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _close(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)
