"""All processes of the process API: how many may run, and how long those that have ended are remembered."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from cloche.agent.loop import Loop, Task
from cloche.agent.machine.problem import Problem
from cloche.agent.machine.process.program import Program, ProgramSpec
from cloche.agent.machine.process.ring import Store
from cloche.agent.population import Population
from cloche.agent.procfs import Process, read_processes
from cloche.wire.machine import MAX_RUNNING

STORE_BYTES: Final = 64 * 1024 * 1024
"""Of output, over all processes of a session."""
KEPT_S: Final = 600.0
KEPT_ENDED: Final = 256
MAX_HELD_OPEN: Final = 64
"""Processes that have ended and whose output others still hold open: each takes descriptors of the agent's."""

_STOPPED_WITHIN_S: Final = 2.0
"""A killed process may take longer in a file system that does not answer; the sandbox ends it."""


class Table:
    """Owned by `ProcessApi`. `stop` ends everything; after it nothing can be started."""

    def __init__(self, loop: Loop, population: Population) -> None:
        self._loop, self._population = loop, population
        self._store = Store(STORE_BYTES)
        self._programs: dict[str, Program] = {}
        """In the order of their start."""
        self._ended: dict[str, float] = {}
        """In the order of their end; when that was (monotonic)."""
        self._held_open: dict[str, Program] = {}
        """Those that have ended and may have left somebody behind who prints; remembered or not."""
        self._forgetting: Task | None = None
        self._is_stopping = False

    def __iter__(self) -> Iterator[Program]:
        return iter(list(self._programs.values()))

    @property
    def running(self) -> int:
        return len(self._programs) - len(self._ended)

    def find(self, id_: str) -> Program:
        """Raises: Problem: 404."""
        program = self._programs.get(id_)
        if program is None:
            raise Problem(404, "no_such_process", "there is no such process, or it is no longer remembered")
        return program

    def start(self, spec: ProgramSpec) -> Program:
        """Start one more.

        Raises:
            Problem: 429 when too many run, 409 at the session's end.
            WrongDirectoryError, OSError, ValueError: it cannot be started.
        """
        if self._is_stopping:
            raise Problem(409, "session_ending", "the session is ending")
        if self.running >= MAX_RUNNING:
            raise Problem(429, "busy", f"{MAX_RUNNING} processes are running already")
        program = Program(self._loop, self._population, spec, new_id(), self._store, self._take_end)
        self._programs[program.id] = program
        return program

    async def stop(self) -> None:
        """Kill everything that runs, and what ended processes have left behind; then forget them."""
        self._is_stopping = True
        everyone = _read_processes()
        for program in {**self._held_open, **self._programs}.values():
            program.stop(everyone)
        deadline = time.monotonic() + _STOPPED_WITHIN_S
        for program in self:
            with suppress(TimeoutError):
                await program.settled.wait(deadline)
        if self._forgetting is not None:
            await self._loop.stop(self._forgetting)
        for id_ in list(self._ended):
            self._forget(id_)

    def _take_end(self, program: Program) -> None:
        self._ended[program.id] = time.monotonic()
        while len(self._ended) > KEPT_ENDED:
            self._forget(next(iter(self._ended)))
        self._held_open = {id_: kept for id_, kept in self._held_open.items() if kept.holds_outputs}
        self._held_open[program.id] = program
        if len(self._held_open) > MAX_HELD_OPEN:
            self._held_open.pop(next(iter(self._held_open))).let_go()
        if self._forgetting is None or self._forgetting.done.is_set():
            self._forgetting = self._loop.spawn(self._forget_in_time(), "ended programs")

    async def _forget_in_time(self) -> None:
        while self._ended:
            id_, ended_at = next(iter(self._ended.items()))
            wait_s = ended_at + KEPT_S - time.monotonic()
            if wait_s > 0:
                await self._loop.sleep(wait_s)
            else:
                self._forget(id_)

    def _forget(self, id_: str) -> None:
        """What it has left behind may print on; nobody can read it any more."""
        del self._ended[id_]
        self._programs.pop(id_).ring.close()


def _read_processes() -> dict[int, Process]:
    try:
        return read_processes()
    except OSError:  # no descriptor to be had: those that run are killed all the same
        return {}


def new_id() -> str:
    """A random UUID (RFC 9562, version 4)."""
    data = bytearray(os.urandom(16))
    data[6], data[8] = data[6] & 0x0F | 0x40, data[8] & 0x3F | 0x80
    text = data.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
