"""Finding a sandbox's processes on the host, from what the kernel says of them. All functions block."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cloche.process.pidfd import ProcessHandle

_AGENT_PID_INSIDE: Final = b"2"  # bubblewrap's init is 1 and forks the agent first


def agent_of(init_pid: int) -> ProcessHandle | None:
    """Pin the agent of the sandbox whose init has this pid; None when it is gone or not yet there.

    Orphans of the browser are children of init too, so the agent is told by its pid inside (status, NSpid).
    """
    for pid in children_of(init_pid):
        handle = ProcessHandle.open_pid(pid)
        if handle is None:
            continue
        if _pid_inside(pid) == _AGENT_PID_INSIDE:
            return handle
        handle.close()
    return None


def children_of(pid: int) -> list[int]:
    """The children of a process's main thread (proc(5), /proc/<pid>/task/<tid>/children)."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_bytes().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def tree_of(pid: int) -> list[int]:
    """A process and all that descend from it, parents first; those that die meanwhile may be missing or too many."""
    found = [pid]
    for each in found:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for task in os.listdir(f"/proc/{each}/task"):  # noqa: PTH208 - names only, no stat
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    found += map(int, Path(f"/proc/{each}/task/{task}/children").read_bytes().split())
    return found


def descends_from(pid: int, ancestor: int) -> bool:
    """Whether it is that process, or came of it."""
    while pid > 1 and pid != ancestor:
        pid = parent_of(pid) or 0
    return pid == ancestor


def is_stopped(pid: int) -> bool:
    """Whether a signal has stopped it. One that has ended, or is about to, counts as stopped too (proc(5), State)."""
    state = _status_field(pid, b"State:")
    return state is None or state[:1] in b"TtZX"


def parent_of(pid: int) -> int | None:
    value = _status_field(pid, b"PPid:")
    return None if value is None else int(value)


def kill_strays(link_dir: Path) -> int:
    """Kill what a start that was cut short may have left: a bubblewrap whose init we never came to know.

    Both name the sandbox's link directory in their command line. Only processes of a uid that this driver starts
    bubblewrap under can be meant; a daemon's own descendants that merely mention the path run other programs.
    """
    killed = 0
    needle = os.fsencode(link_dir)
    for pid in _all_pids():
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if needle in words and b"--unshare-pid" in words:
                os.kill(pid, signal.SIGKILL)
                killed += 1
    return killed


def _all_pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208 — names only, no stat


def _pid_inside(pid: int) -> bytes | None:
    value = _status_field(pid, b"NSpid:")
    return None if value is None else value.split()[-1]


def _status_field(pid: int, name: bytes) -> bytes | None:
    try:
        lines = Path(f"/proc/{pid}/status").read_bytes().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return next((line[len(name) :].strip() for line in lines if line.startswith(name)), None)
