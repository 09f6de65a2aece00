"""What is told of a process."""

import time
from collections.abc import Mapping
from typing import Any

from cloche.agent.machine.process.program import Program
from cloche.agent.machine.process.usage import memory_bytes
from cloche.agent.procfs import Process


def status_of(program: Program, everyone: Mapping[int, Process]) -> dict[str, Any]:
    members = program.members(everyone)
    cpu_seconds, cpu_pct = program.usage.measure(members)
    has_exited = not program.is_running
    return {
        "process_id": program.id,
        "pid": program.pid,
        "command": program.command,
        "args": program.args,
        "args_count": program.args_count,
        "state": "exited" if has_exited else "running",
        "exit_code": program.exit_code,
        "signal": program.signal,
        "timed_out": program.has_timed_out,
        "cpu_pct": round(cpu_pct, 2),
        "cpu_seconds": round(cpu_seconds, 6),
        "mem_bytes": memory_bytes(members),
        "started_at": timestamp(program.started_at),
        "exited_at": timestamp(program.started_at + program.duration_s) if has_exited else None,
        "tty": program.is_terminal,
        "output_bytes": program.ring.end,
        "output_kept_from": program.ring.start,
    }


def timestamp(at: float) -> str:
    """RFC 3339, in milliseconds; `at` is in seconds since the epoch."""
    milliseconds = int(at * 1000)
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds // 1000))
    return f"{text}.{milliseconds % 1000:03}Z"
