"""What a daemon, its encoders, its sessions and a viewer's browser take of the processors."""

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")
PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    parent: int
    cpu_s: float
    command: str


def cpu_by_part(daemon_pid: int, own_pid: int) -> dict[str, float]:
    """Seconds so far, by `daemon`, `encoder`, `session` and `viewer` (what the bench itself has started)."""
    processes = _all()
    children = defaultdict(list)
    for process in processes.values():
        children[process.parent].append(process.pid)
    found: dict[str, float] = defaultdict(float)
    found["daemon"] = processes[daemon_pid].cpu_s
    seen = {daemon_pid}
    for pid in _below(daemon_pid, children):
        seen.add(pid)
        found["encoder" if "live.encoder" in processes[pid].command else "session"] += processes[pid].cpu_s
    for pid in _below(own_pid, children):
        if pid not in seen:
            found["viewer"] += processes[pid].cpu_s
    return found


def encoder_pids(daemon_pid: int) -> list[int]:
    processes = _all()
    children = defaultdict(list)
    for process in processes.values():
        children[process.parent].append(process.pid)
    return [pid for pid in _below(daemon_pid, children) if "live.encoder" in processes[pid].command]


def memory_mib(pid: int) -> float:
    """Resident, of one process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 2**20


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _below(pid: int, children: dict[int, list[int]]) -> list[int]:
    found, ahead = [], list(children[pid])
    while ahead:
        each = ahead.pop()
        found.append(each)
        ahead += children[each]
    return found


def _all() -> dict[int, _Process]:
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
        found[pid] = _Process(pid, int(fields[1]), (int(fields[11]) + int(fields[12])) / TICKS, command)
    return found
