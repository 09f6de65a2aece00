"""A command that is given the file on its standard input, inside walls of bubblewrap.

It exits with 0: clean; with 1 after it has printed a line: found, and the line is the name; with anything else: it
could not say.
"""

import asyncio
import fcntl
import math
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from cloche.artifacts.scan_argv import ScanWalls, places_to_hide, scan_argv
from cloche.artifacts.scanner import Clean, ScanResult, Unavailable, finding
from cloche.concurrency.threads import in_thread
from cloche.process.output import SealedOutput
from cloche.process.readiness import wait_writable
from cloche.process.spawn import spawn
from cloche.process.stop import stop_child

AT_ONCE: Final = 2
"""Scanners are large: who comes meanwhile waits."""
OUTPUT_BYTES: Final = 16 * 1024
PIPE_BYTES: Final = 1 << 20


class CommandScanner:
    def __init__(
        self, command: Sequence[str], *, timeout_s: float, bwrap: str = "bwrap", hidden: Sequence[Path] = ()
    ) -> None:
        """`hidden`: directories that the command must not see, such as the state directory."""
        self._command = tuple(command)
        self._timeout_s = timeout_s
        self._bwrap = bwrap
        self._hidden = tuple(hidden)
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def scan(self, stream: AsyncIterator[bytes]) -> ScanResult:
        async with self._turns:
            output = SealedOutput.create(OUTPUT_BYTES)
            try:
                return await self._run(stream, output)
            except OSError as error:
                return Unavailable(error.strerror or "not started")
            finally:
                output.close()

    async def _run(self, stream: AsyncIterator[bytes], output: SealedOutput) -> ScanResult:
        argv = await asyncio.to_thread(self._argv)
        read, write = _pipe()
        with os.fdopen(write, "wb", buffering=0) as stdin:
            try:
                child = await in_thread(spawn, argv, env={}, stdin=read, stdout=output.fd)
            finally:
                os.close(read)
            in_time = False
            try:
                async with asyncio.timeout(self._timeout_s):
                    with suppress(BrokenPipeError):  # it had read enough to say what it says
                        await _feed(write, stream, self._timeout_s)
                    stdin.close()
                    in_time = await child.handle.wait(self._timeout_s)
            except TimeoutError:
                in_time = False
            finally:
                code = await stop_child(child, term_timeout_s=0)
        return _result(code, output) if in_time else Unavailable("timeout")

    def _argv(self) -> list[str]:
        """Raises: FileNotFoundError when a program that makes the walls is missing."""
        walls = ScanWalls(
            bwrap=_program(self._bwrap),
            prlimit=_program("prlimit"),
            setpriv=_program("setpriv") if os.geteuid() == 0 else None,
            hidden=tuple(path.resolve() for path in self._hidden),
            cpu_s=math.ceil(self._timeout_s) + 1,
        )
        # A link, as /var/run is one, leads to a place that is hidden itself, and nothing can be mounted on it.
        exists = {place for place in places_to_hide(walls) if Path(place).is_dir() and not Path(place).is_symlink()}
        return scan_argv(walls, self._command, exists=frozenset(exists))


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(0, f"{name} is missing")
    return found


def _pipe() -> tuple[int, int]:
    """The child's end, and ours, which never waits."""
    read, write = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(write, False)
    with suppress(OSError):  # more than this user may have: it goes more slowly then
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return read, write


async def _feed(fd: int, stream: AsyncIterator[bytes], timeout_s: float) -> None:
    async for piece in stream:
        view = memoryview(piece)
        while view:
            try:
                view = view[os.write(fd, view) :]
            except BlockingIOError:
                if not await wait_writable(fd, timeout_s):
                    raise TimeoutError from None


def _result(code: int, output: SealedOutput) -> ScanResult:
    match code:
        case 0:
            return Clean()
        case 1:
            first, _, _ = output.read().partition(b"\n")
            name = first.decode("utf-8", "replace").strip()
            # bubblewrap ends with 1 too where it cannot start the command, and a script where it has a mistake.
            return finding(name) if name else Unavailable("exit code 1 without a name")
        case _:
            return Unavailable(f"exit code {code}")
