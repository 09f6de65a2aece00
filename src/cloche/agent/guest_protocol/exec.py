"""Exec: run a command that a host asks for, where it may, and tell how it went.

The command's text and its input are nobody's business but the host's: they are never logged. It gets an environment
of three variables, and ends with its timeout or with the host that asked, together with all that it has started.
"""

import codecs
import os
from collections.abc import Mapping
from typing import Final

from cloche.agent.activity import Activity
from cloche.agent.child import ChildOutcome, ChildSpec, run_child
from cloche.agent.guest_protocol.exec_gate import ExecGate
from cloche.agent.guest_protocol.fitting import Output, exec_result
from cloche.agent.log import Log
from cloche.agent.loop import Loop
from cloche.agent.population import Population
from cloche.wire.frames import MAX_FRAME_BYTES
from cloche.wire.guest import ExecRequest, Tagged

MAX_AT_ONCE: Final = 4
FAILED: Final = -1
"""The exit code of what did not end by itself, or never began; stderr says which."""

_DEFAULTS: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/",
    "LANG": "C.UTF-8",
}


class Executor:
    """Owned by `Verbs`. Cancelling the task that runs a command kills the command."""

    def __init__(self, loop: Loop, log: Log, *, activity: Activity, gate: ExecGate, population: Population) -> None:
        self._loop, self._log = loop, log
        self._activity, self._gate, self._population = activity, gate, population
        self._running = 0

    def refusal(self) -> str:
        """Return why no command may run now, or nothing."""
        if reason := self._gate.refusal():
            self._log.warn("exec refused", reason=reason)
            return reason
        return f"{MAX_AT_ONCE} commands are running already" if self._running >= MAX_AT_ONCE else ""

    async def run(self, request: ExecRequest) -> Tagged:
        """Run it to its end or its timeout. Ask `refusal` in the same turn of the loop."""
        spec = ChildSpec(
            request.argv,
            request.timeout_s,
            exec_environment(os.environ),
            stdin=request.stdin,
            # More cannot leave: no byte of output takes less than one in a frame.
            max_output_bytes=MAX_FRAME_BYTES,
        )
        self._running += 1
        try:
            with self._activity.acting():
                outcome = await run_child(self._loop, spec, self._population)
        finally:
            self._running -= 1
        self._log.info("exec ended", exit_code=outcome.exit_code, signal=outcome.signal, timed_out=outcome.timed_out)
        return answer_exec(outcome, request.timeout_s)


def exec_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment of a command: three variables of the agent's own, or their usual values."""
    return {name: environ.get(name) or default for name, default in _DEFAULTS.items()}


def answer_exec(outcome: ChildOutcome, timeout_s: float) -> Tagged:
    """Say how a command went; outputs that are no UTF-8 are made so, and cut to fit into the frame."""
    exit_code = FAILED if outcome.exit_code is None or outcome.timed_out else outcome.exit_code
    stderr = Output(_text(outcome.stderr, outcome.stderr_cut), outcome.stderr_cut, _last_words(outcome, timeout_s))
    return exec_result(exit_code, Output(_text(outcome.stdout, outcome.stdout_cut), outcome.stdout_cut), stderr)


def _last_words(outcome: ChildOutcome, timeout_s: float) -> str:
    if outcome.error:
        return f"could not be started: {outcome.error}"
    if outcome.timed_out:
        return f"killed: not done within {timeout_s:g} s"
    return "" if outcome.signal is None else f"ended by signal {outcome.signal}"


def _text(data: bytes, is_cut: bool) -> str:
    """Decode an output. Where it is cut, the character that the cut went through is left out."""
    return codecs.getincrementaldecoder("utf-8")("replace").decode(data, final=not is_cut)
