"""The requests of this part of the machine API."""

import signal
import time
from typing import Final

from cloche.agent.loop import Cancelled
from cloche.agent.machine.api import Routes, Surroundings
from cloche.agent.machine.exchange import Exchange
from cloche.agent.machine.problem import Problem, invalid
from cloche.agent.machine.process import output
from cloche.agent.machine.process.attach import attach
from cloche.agent.machine.process.program import TAIL_S, Program, ProgramSpec
from cloche.agent.machine.process.request import exec_spec, spawn_spec, start_problem, window_of
from cloche.agent.machine.process.status import status_of, timestamp
from cloche.agent.machine.process.table import Table
from cloche.agent.procfs import read_processes
from cloche.wire.machine import MAX_JSON_BYTES, SIGNALS

_STDIN_S: Final = 5.0
"""How long input is offered to a process that does not read."""
_KILLED_WITHIN_S: Final = 2.0
"""How long a killed process may take to go before an exec is answered without it."""


class ProcessApi:
    """Owned by `MachineApi`."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._loop, self._config = surroundings.loop, surroundings.config
        self._table = Table(surroundings.loop, surroundings.population)

    def routes(self) -> Routes:
        return {
            "POST /process/exec": self._exec,
            "POST /process/spawn": self._spawn,
            "GET /process": self._list,
            "GET /process/{id}/status": self._status,
            "GET /process/{id}/stdout/stream": self._stream,
            "POST /process/{id}/stdin": self._stdin,
            "POST /process/{id}/kill": self._kill,
            "POST /process/{id}/resize": self._resize,
            "GET /process/{id}/attach": self._attach,
        }

    @property
    def running(self) -> int:
        return self._table.running

    def pids(self) -> dict[int, str]:
        """The pid of every process that runs, and its id."""
        return {program.pid: program.id for program in self._table if program.is_running}

    async def stop(self) -> None:
        """Kill everything."""
        await self._table.stop()

    async def _exec(self, exchange: Exchange) -> None:
        fields = await exchange.fields()
        kills = fields.flag("kill_on_disconnect")
        program = self._start(exec_spec(fields, self._config))
        exchange.end_with_client()
        try:
            await self._until_over(program)
        except Cancelled:
            if kills:
                program.kill(signal.SIGKILL)
            raise
        await output.answer_run(exchange, program)

    async def _until_over(self, program: Program) -> None:
        """Wait until it has ended and been read, or for as long as one that time ran out for can be waited for."""
        within_s = (program.timeout_s or 0.0) + _KILLED_WITHIN_S + TAIL_S
        try:
            await program.settled.wait(time.monotonic() + within_s)
        except TimeoutError:
            return

    async def _spawn(self, exchange: Exchange) -> None:
        program = self._start(spawn_spec(await exchange.fields(), self._config))
        started_at = timestamp(program.started_at)
        await exchange.answer({"process_id": program.id, "pid": program.pid, "started_at": started_at})

    def _start(self, spec: ProgramSpec) -> Program:
        try:
            return self._table.start(spec)
        except (OSError, ValueError) as error:
            raise start_problem(error) from None

    async def _list(self, exchange: Exchange) -> None:
        everyone, found = read_processes(), []
        for program in self._table:
            found.append(status_of(program, everyone))
            await self._loop.sleep(0)
        await exchange.answer({"processes": found})

    async def _status(self, exchange: Exchange) -> None:
        await exchange.answer(status_of(self._find(exchange), read_processes()))

    async def _stream(self, exchange: Exchange) -> None:
        await output.stream(exchange, self._find(exchange))

    async def _stdin(self, exchange: Exchange) -> None:
        program, fields = self._find(exchange), await exchange.fields()
        data, ends = fields.data("data_b64", max_bytes=MAX_JSON_BYTES), fields.flag("eof")
        if not program.is_running:
            raise _exited()
        deadline = time.monotonic() + _STDIN_S
        try:
            written = await program.stdin.write(data, deadline)
            if ends and written == len(data):
                await program.stdin.end(deadline)
        except BrokenPipeError:
            if not program.is_running:
                raise _exited() from None
            raise Problem(409, "stdin_closed", "the process takes no more input") from None
        await exchange.answer({"written_bytes": written})

    async def _kill(self, exchange: Exchange) -> None:
        program, name = self._find(exchange), (await exchange.fields()).text("signal")
        if name not in SIGNALS:
            raise invalid(f"must be one of {', '.join(SIGNALS)}", "signal")
        if not program.kill(signal.Signals[f"SIG{name}"]):
            raise _exited()
        await exchange.answer({"ok": True})

    async def _resize(self, exchange: Exchange) -> None:
        program = self._find(exchange)
        rows, columns = window_of(await exchange.fields())
        if not program.is_terminal:
            raise Problem(409, "not_a_terminal", "the process has no terminal")
        if not program.is_running:
            raise _exited()
        program.resize(rows, columns)
        await exchange.answer({"ok": True})

    async def _attach(self, exchange: Exchange) -> None:
        await attach(exchange, self._find(exchange))

    def _find(self, exchange: Exchange) -> Program:
        return self._table.find(exchange.params["id"])


def _exited() -> Problem:
    return Problem(409, "process_exited", "the process has ended")
