"""Processes of this machine as /proc shows them: who is below whom, their processor time, their memory (proc(5))."""

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    parent: int
    cpu_s: float
    command: str


@dataclass(frozen=True, slots=True)
class Memory:
    """Of a set of processes. Memory that cannot be read is not nothing: who measures says how many hid theirs."""

    pss_mb: float
    unreadable: int


def processes() -> dict[int, Process]:
    """Everything that runs, by pid."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            head, _, rest = (entry / "stat").read_text().rpartition(")")
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended meanwhile
            continue
        fields = rest.split()
        pid = int(head.split(" ", 1)[0])
        found[pid] = Process(pid, int(fields[1]), (int(fields[11]) + int(fields[12])) / TICKS, command)
    return found


def below(root: int, known: dict[int, Process]) -> set[int]:
    """Everything that `root` has started, and what that has; without `root` itself."""
    children: dict[int, list[int]] = defaultdict(list)
    for process in known.values():
        children[process.parent].append(process.pid)
    found, ahead = set[int](), list(children[root])
    while ahead:
        pid = ahead.pop()
        found.add(pid)
        ahead += children[pid]
    return found


def tree(root: int) -> set[int]:
    """The process and all below it."""
    return {root} | below(root, processes())


def memory(pids: Iterable[int]) -> Memory:
    """The proportional set size (smaps_rollup) of these together: what is shared counts once."""
    total_kb, unreadable = 0, 0
    for pid in pids:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except PermissionError:
            unreadable += 1
        except OSError:  # it has ended
            continue
        else:
            total_kb += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return Memory(total_kb / 1024, unreadable)


def pss_mb(pids: Iterable[int]) -> float:
    return memory(pids).pss_mb


def cpu_s(pids: Iterable[int]) -> dict[int, float]:
    """Seconds of processor time so far, by pid, of those that still live."""
    known = processes()
    return {pid: known[pid].cpu_s for pid in pids if pid in known}


def cpu_between(before: dict[int, float], after: dict[int, float]) -> float:
    """Seconds that were taken between two readings. What began meanwhile counts whole, what ended not at all."""
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


def available_mb() -> float:
    """What the kernel thinks could still be had without swapping."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) / 1024
    return 0.0


def stolen_s() -> float:
    """Processor time that the host of this virtual machine has given to others so far (`steal` of /proc/stat)."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()
    return int(fields[8]) / TICKS
