"""Control groups, version 1: one directory per controller (kernel: admin-guide/cgroup-v1).

A group is made below the daemon's own group in each hierarchy, so that a limit on the daemon's container or job holds
for its sandboxes too. `memory` and `pids` are needed; `cpu`, `cpuacct` and `freezer` are used where they are mounted.
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

CONTROLLERS: Final = ("memory", "pids", "cpu", "cpuacct", "freezer")
REQUIRED: Final = frozenset({"memory", "pids"})

# Half of the default weight of 1024: the daemon must stay quick when every sandbox is busy.
_CPU_SHARES: Final = 512


class CgroupV1(Cgroup):
    """Directories by controller; two controllers mounted together share one directory."""

    kind = CgroupKind.V1

    def __init__(self, directories: Mapping[str, Path]) -> None:
        self._directories = dict(directories)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "CgroupV1 | None":
        paths = record.get("paths")
        if not isinstance(paths, Mapping) or not paths.keys() >= REQUIRED:
            return None
        return cls({str(name): Path(str(path)) for name, path in paths.items()})

    def record(self) -> dict[str, Any]:
        return {"kind": str(self.kind), "paths": {name: str(path) for name, path in self._directories.items()}}

    def make(self, limits: GroupLimits) -> None:
        try:
            for directory in set(self._directories.values()):
                directory.mkdir(mode=0o755, exist_ok=True)
            _limit(self._directories, limits)
        except OSError:
            self.remove()
            raise

    def attach(self, pid: int) -> None:
        for directory in set(self._directories.values()):
            (directory / "cgroup.procs").write_text(str(pid))

    def holds(self, pid: int) -> bool:
        return all(pid in read_pids(path / "cgroup.procs") for path in set(self._directories.values()))

    def pids(self) -> list[int]:
        return read_pids(self._directories["pids"] / "cgroup.procs")

    @property
    def can_freeze(self) -> bool:
        return "freezer" in self._directories

    def set_frozen(self, *, frozen: bool) -> None:
        (self._directories["freezer"] / "freezer.state").write_text("FROZEN" if frozen else "THAWED")

    def is_frozen(self) -> bool:
        freezer = self._directories.get("freezer")
        return freezer is not None and (freezer / "freezer.state").read_text().strip() == "FROZEN"

    def reclaim(self) -> None:
        if has_swap():
            with contextlib.suppress(OSError):  # EBUSY, EINTR: not all of it could be taken back
                (self._directories["memory"] / "memory.force_empty").write_text("0")

    def kill(self) -> None:
        # v1 has no cgroup.kill. With a limit of no processes no fork can succeed, so one pass reaches everyone.
        with contextlib.suppress(OSError):
            (self._directories["pids"] / "pids.max").write_text("0")
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if self.can_freeze:  # a frozen process dies when it is let go
            with contextlib.suppress(OSError):
                self.thaw()

    def usage(self) -> GroupUsage:
        memory, accounted = self._directories["memory"], self._directories.get("cpuacct")
        charged = read_number(memory / "memory.usage_in_bytes")
        cache = read_field(memory / "memory.stat", "total_inactive_file") or 0
        spent_ns = read_number(accounted / "cpuacct.usage") if accounted else None
        return GroupUsage(
            # File cache nobody uses is given back under pressure; it is not what the sandbox needs.
            memory_bytes=None if charged is None else max(0, charged - cache),
            memory_peak_bytes=read_number(memory / "memory.max_usage_in_bytes"),
            cpu_seconds=None if spent_ns is None else spent_ns / 1e9,
            processes=read_number(self._directories["pids"] / "pids.current"),
            out_of_memory_kills=read_field(memory / "memory.oom_control", "oom_kill") or 0,
        )

    def remove(self) -> None:
        for directory in set(self._directories.values()):
            with contextlib.suppress(FileNotFoundError):
                directory.rmdir()


class CgroupV1Root(CgroupRoot):
    kind = CgroupKind.V1

    def __init__(self, parents: Mapping[str, Path], why: str, home: Path | None = None) -> None:
        super().__init__(why, home)
        self._parents = dict(parents)

    def at(self, name: str) -> Cgroup:
        return CgroupV1({controller: parent / name for controller, parent in self._parents.items()})


def probe() -> CgroupRoot | str:
    """The place for v1 groups, or the reason why there is none."""
    own = parse_own_paths(Path("/proc/self/cgroup").read_text())
    parents: dict[str, Path] = {}
    for mount in parse_mounts(Path("/proc/self/mountinfo").read_text(), "cgroup"):
        for controller in mount.controllers & set(CONTROLLERS):
            directory = mount.directory(own.get(controller, "/"))
            # In a container that hides its own path, the mount itself is what we may use.
            parents[controller] = directory if directory.is_dir() else mount.path
    if missing := REQUIRED - parents.keys():
        return f"cgroup v1 lacks {', '.join(sorted(missing))}"
    parents = {name: path for name, path in parents.items() if os.access(path, os.W_OK)}
    if REQUIRED - parents.keys():
        return "the cgroup v1 hierarchies are not writable for this user"
    used = ", ".join(name for name in CONTROLLERS if name in parents)
    inside: dict[str, Path] = {name: parents[name] for name in CONTROLLERS if name in parents}
    return CgroupV1Root(inside, f"cgroup v1: {used}", home_of(parents["pids"]))


def _limit(directories: Mapping[str, Path], limits: GroupLimits) -> None:
    memory = directories["memory"]
    (memory / "memory.limit_in_bytes").write_text(str(limits.memory_bytes))
    # Memory and swap together, so that swapping is no way past the limit. Absent without swap accounting.
    write_if_there(memory / "memory.memsw.limit_in_bytes", str(limits.memory_bytes))
    (directories["pids"] / "pids.max").write_text(str(limits.processes))
    if cpu := directories.get("cpu"):
        write_if_there(cpu / "cpu.shares", str(_CPU_SHARES))
        write_if_there(cpu / "cpu.cfs_period_us", str(CPU_PERIOD_US))
        write_if_there(cpu / "cpu.cfs_quota_us", str(max(1000, int(limits.cpu_cores * CPU_PERIOD_US))))
