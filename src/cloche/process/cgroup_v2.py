"""Control groups, version 2: one directory per group (kernel: admin-guide/cgroup-v2).

Where the groups are made, first that fits:
1. below the daemon's own group, when it was delegated (a systemd unit with `Delegate=yes`, a container's own group):
   the daemon first moves itself into a leaf, since a group with controllers for its children holds no processes;
2. below `cloche` at the top of the hierarchy, when the daemon is root there.
"""

import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cloche.process.cgroup import (
    CPU_PERIOD_US,
    Cgroup,
    CgroupKind,
    CgroupMount,
    CgroupRoot,
    GroupLimits,
    GroupUsage,
    has_swap,
    home_of,
    parse_mounts,
    parse_own_paths,
    read_field,
    read_number,
    read_pids,
    write_if_there,
)

REQUIRED: Final = ("memory", "pids")
WANTED: Final = ("memory", "pids", "cpu")
LEAF: Final = "daemon"

# Half of the default weight of 100: the daemon must stay quick when every sandbox is busy.
_CPU_WEIGHT: Final = 50


class CgroupV2(Cgroup):
    kind = CgroupKind.V2

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "CgroupV2 | None":
        path = record.get("path")
        return cls(Path(path)) if isinstance(path, str) else None

    def record(self) -> dict[str, Any]:
        return {"kind": str(self.kind), "path": str(self._directory)}

    def make(self, limits: GroupLimits) -> None:
        try:
            self._directory.mkdir(mode=0o755, exist_ok=True)
            _limit(self._directory, limits)
        except OSError:
            self.remove()
            raise

    def attach(self, pid: int) -> None:
        (self._directory / "cgroup.procs").write_text(str(pid))

    def holds(self, pid: int) -> bool:
        return pid in self.pids()

    def pids(self) -> list[int]:
        return read_pids(self._directory / "cgroup.procs")

    @property
    def can_freeze(self) -> bool:
        return (self._directory / "cgroup.freeze").exists()

    def set_frozen(self, *, frozen: bool) -> None:
        (self._directory / "cgroup.freeze").write_text("1" if frozen else "0")

    def is_frozen(self) -> bool:
        return read_field(self._directory / "cgroup.events", "frozen") == 1

    def reclaim(self) -> None:
        charged, limit = read_number(self._directory / "memory.current"), read_number(self._directory / "memory.max")
        if charged and limit and has_swap():
            with contextlib.suppress(OSError):  # EAGAIN: not so much could be taken back; ENOENT: before Linux 5.19
                write_if_there(self._directory / "memory.swap.max", str(limit))
                (self._directory / "memory.reclaim").write_text(str(charged))
            # What is out comes back when it is touched; no more goes out while it runs.
            with contextlib.suppress(OSError):
                write_if_there(self._directory / "memory.swap.max", "0")

    def kill(self) -> None:
        try:
            (self._directory / "cgroup.kill").write_text("1")
        except OSError:  # kernels before 5.14 have no cgroup.kill
            with contextlib.suppress(OSError):
                (self._directory / "pids.max").write_text("0")
            for pid in self.pids():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)

    def usage(self) -> GroupUsage:
        charged = read_number(self._directory / "memory.current")
        cache = read_field(self._directory / "memory.stat", "inactive_file") or 0
        spent_us = read_field(self._directory / "cpu.stat", "usage_usec")
        return GroupUsage(
            # File cache nobody uses is given back under pressure; it is not what the sandbox needs.
            memory_bytes=None if charged is None else max(0, charged - cache),
            memory_peak_bytes=read_number(self._directory / "memory.peak"),
            cpu_seconds=None if spent_us is None else spent_us / 1e6,
            processes=read_number(self._directory / "pids.current"),
            out_of_memory_kills=read_field(self._directory / "memory.events", "oom_kill") or 0,
        )

    def remove(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._directory.rmdir()


class CgroupV2Root(CgroupRoot):
    kind = CgroupKind.V2

    def __init__(self, parent: Path, why: str, home: Path | None = None) -> None:
        super().__init__(why, home)
        self._parent = parent

    def at(self, name: str) -> Cgroup:
        return CgroupV2(self._parent / name)


def probe() -> CgroupRoot | str:
    """The place for v2 groups, or the reason why there is none."""
    mounts = parse_mounts(Path("/proc/self/mountinfo").read_text(), "cgroup2")
    if not mounts:
        return "cgroup v2 is not mounted"
    mount = mounts[0]
    if lacking := set(REQUIRED) - _words(mount.path / "cgroup.controllers"):
        return f"cgroup v2 has no {', '.join(sorted(lacking))} controller"
    own = mount.directory(parse_own_paths(Path("/proc/self/cgroup").read_text()).get("", "/"))
    if own.name == LEAF:  # an earlier start moved us here, or systemd did (DelegateSubgroup=)
        own = own.parent
    if own.resolve() != mount.path.resolve() and _take_over(own):
        return CgroupV2Root(own, "cgroup v2, below the daemon's own delegated group", _home(mount))
    top = mount.path / "cloche"
    try:
        _enable(mount.path)
        top.mkdir(mode=0o755, exist_ok=True)
        _enable(top)
    except OSError:
        return "cgroup v2 is mounted, but no group is delegated to this user"
    return CgroupV2Root(top, "cgroup v2, in a group of its own at the top", _home(mount))


def _home(mount: CgroupMount) -> Path | None:
    return home_of(mount.directory(parse_own_paths(Path("/proc/self/cgroup").read_text()).get("", "/")))


def _take_over(own: Path) -> bool:
    """Make our own group a parent of groups; False when it is not ours alone, or not writable."""
    try:
        if set(REQUIRED) <= _words(own / "cgroup.subtree_control"):
            return os.access(own / "cgroup.procs", os.W_OK) and os.access(own, os.W_OK)
        inside = read_pids(own / "cgroup.procs")
        if set(REQUIRED) - _words(own / "cgroup.controllers") or inside not in ([], [os.getpid()]):
            return False
        if inside:
            leaf = own / LEAF
            leaf.mkdir(mode=0o755, exist_ok=True)
            (leaf / "cgroup.procs").write_text(str(os.getpid()))
        _enable(own)
    except OSError:
        return False
    return True


def _enable(directory: Path) -> None:
    control = directory / "cgroup.subtree_control"
    if lacking := [name for name in WANTED if name in _words(directory / "cgroup.controllers") - _words(control)]:
        control.write_text(" ".join(f"+{name}" for name in lacking))


def _limit(directory: Path, limits: GroupLimits) -> None:
    (directory / "memory.max").write_text(str(limits.memory_bytes))
    # Swapping is no way past the limit. memory.oom.group stays 0: the fattest renderer dies, the session lives on.
    write_if_there(directory / "memory.swap.max", "0")
    (directory / "pids.max").write_text(str(limits.processes))
    write_if_there(directory / "cpu.max", f"{max(1000, int(limits.cpu_cores * CPU_PERIOD_US))} {CPU_PERIOD_US}")
    write_if_there(directory / "cpu.weight", str(_CPU_WEIGHT))


def _words(path: Path) -> set[str]:
    try:
        return set(path.read_text().split())
    except OSError:
        return set()
