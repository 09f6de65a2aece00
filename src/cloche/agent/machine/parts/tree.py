"""Who runs in a session: its parts with what became of them and when, and every process with the part it belongs to."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cloche.agent.loop import Loop
from cloche.agent.procfs import TICKS_PER_SECOND, Process, proportional_bytes
from cloche.agent.supervisor import Supervisor

AGENT: Final = "agent"
BROWSER: Final = "browser"
_MB: Final = 1 << 20
_ROWS_IN_TURN: Final = 8


def program(id_: str) -> str:
    """The name of the part that a process of the process API is."""
    return f"process:{id_}"


def agent_part(pid: int, everyone: Mapping[int, Process]) -> dict[str, Any]:
    return _running(AGENT, pid, everyone)


def program_parts(programs: Mapping[int, str], everyone: Mapping[int, Process]) -> list[dict[str, Any]]:
    """`programs`: pid and id of each that runs."""
    return [_running(program(id_), pid, everyone) for pid, id_ in programs.items() if pid in everyone]


def browser_part(supervisor: Supervisor) -> dict[str, Any]:
    return {
        "name": BROWSER,
        "state": supervisor.state,
        "pid": supervisor.pid,
        "started_at": stamp(supervisor.started_at),
        "restarts": supervisor.restarts,
        "reason": supervisor.reason,
        "changed_at": stamp(supervisor.changed_at),
    }


def _running(name: str, pid: int, everyone: Mapping[int, Process]) -> dict[str, Any]:
    started_at = stamp(started_at_of(everyone[pid])) if pid in everyone else None
    return {
        "name": name,
        "state": "running",
        "pid": pid,
        "started_at": started_at,
        "restarts": 0,
        "reason": "",
        "changed_at": started_at,
    }


def owners(everyone: Mapping[int, Process], roots: Mapping[int, str]) -> dict[int, str]:
    """Return the part that each process belongs to, by pid: its nearest forebear that is one, or its unix session.

    `roots` are the parts' own processes. What has left its session and lost its parent belongs to nobody, and is
    left out. A parent that is not there, or goes in a circle, is the end of a line: `/proc` is read piece by piece.
    """
    found: dict[int, str] = {}
    for process in everyone.values():
        line: list[int] = []
        owner = None
        here: Process | None = process
        while here is not None and here.pid not in line:
            owner = roots.get(here.pid) or found.get(here.pid) or roots.get(here.session)
            if owner is not None:
                break
            line.append(here.pid)
            here = everyone.get(here.ppid)
        if owner is not None:
            found.update(dict.fromkeys((*line, process.pid), owner))
    return found


async def rows(loop: Loop, members: Sequence[Process], owner_of: Mapping[int, str]) -> list[dict[str, Any]]:
    """One for each process, by pid. Gives turns: a share of memory takes the kernel up to a millisecond to add up."""
    found: list[dict[str, Any]] = []
    for process in sorted(members, key=lambda process: process.pid):
        if len(found) % _ROWS_IN_TURN == 0:
            await loop.sleep(0)
        found.append(
            {
                "pid": process.pid,
                "ppid": process.ppid,
                "name": process.name,
                "state": process.state,
                "cpu_seconds": round(process.cpu_ticks / TICKS_PER_SECOND, 2),
                "memory_mb": round(proportional_bytes(process) / _MB, 2),
                "part": owner_of.get(process.pid),
            }
        )
    return found


def started_at_of(process: Process) -> float:
    """Seconds since the epoch; what the kernel keeps counts from boot (proc_pid_stat(5))."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + process.started / TICKS_PER_SECOND


def stamp(seconds: float) -> str:
    """RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
