"""Kernel limits over a group of processes: one interface, whatever this machine has mounted.

    detect() ──► CgroupRoot(kind, why) ──at(name)──► Cgroup: make(limits), attach, usage, freeze, thaw, kill, remove
                                    reopen(record) ──► Cgroup   after a restart of the daemon

Three kinds: `v2` (cgroup_v2), `v1` (cgroup_v1), and `none` (cgroup_none), where rlimits and the agent's watchdog
must do. Everything here reads and writes small kernel files; `attach` can take some ten milliseconds, because the
kernel waits for an RCU grace period. Callers run it off the event loop.
"""

import contextlib
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Final

from cloche.errors import InternalError


class CgroupKind(StrEnum):
    V2 = "v2"
    V1 = "v1"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLimits:
    """What the processes of one group may take together."""

    memory_bytes: int
    processes: int
    cpu_cores: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupUsage:
    """What the kernel has counted. None where this kind of group cannot tell."""

    memory_bytes: int | None = None
    memory_peak_bytes: int | None = None
    cpu_seconds: float | None = None
    processes: int | None = None
    out_of_memory_kills: int = 0


CPU_PERIOD_US: Final = 100_000
KILL_TIMEOUT_S: Final = 5.0
FREEZE_TIMEOUT_S: Final = 2.0
"""A process in the middle of something that cannot be interrupted (a write to a slow disk) is waited for so long."""


class Cgroup(ABC):
    """One group. Made by `make`, removed by `remove`; may be reopened from `record` after a restart."""

    kind: ClassVar[CgroupKind]

    @abstractmethod
    def make(self, limits: GroupLimits) -> None:
        """Make it, with its limits set. Nothing is left of it when this fails. Raises OSError."""

    @abstractmethod
    def attach(self, pid: int) -> None:
        """Move a process in; what it forks from then on is in too. Raises OSError."""

    @abstractmethod
    def holds(self, pid: int) -> bool:
        """Whether the process is under all limits of the group."""

    @abstractmethod
    def pids(self) -> list[int]:
        """Who is in the group now, as this daemon's pid namespace sees them."""

    @property
    @abstractmethod
    def can_freeze(self) -> bool:
        """Whether the kernel can stop all of it at once."""

    @abstractmethod
    def set_frozen(self, *, frozen: bool) -> None:
        """Begin to stop everything in it, or let it run again. Safe to repeat. Raises OSError."""

    @abstractmethod
    def is_frozen(self) -> bool:
        """Whether everything in it stands still by now."""

    @abstractmethod
    def reclaim(self) -> None:
        """Have the kernel write the memory of what is frozen out to swap.

        Does nothing on a machine without swap: all there is to take back then is the browser's own program, which the
        next wake would read again. May take some hundred milliseconds.
        """

    @abstractmethod
    def kill(self) -> None:
        """Send KILL to all of it once, in a way that no fork can outrun. What is frozen is let go to die."""

    @abstractmethod
    def usage(self) -> GroupUsage:
        """Read the counters; those that cannot be read are None."""

    @abstractmethod
    def remove(self) -> None:
        """Remove the empty group; nothing happens when it is gone. Raises OSError (EBUSY) when it is not empty."""

    @abstractmethod
    def record(self) -> dict[str, Any]:
        """JSON from which `reopen` finds it again."""

    def freeze(self, *, timeout_s: float = FREEZE_TIMEOUT_S, pause: Callable[[float], None] = time.sleep) -> None:
        """Stop everything in it, and wait until it stands still. Blocks. After a failure it runs as before.

        Raises:
            InternalError: something in it has not stopped after `timeout_s`.
            OSError: the kernel refuses.
        """
        try:
            self.set_frozen(frozen=True)
            deadline = time.monotonic() + timeout_s
            while not self.is_frozen():
                if time.monotonic() > deadline:
                    raise InternalError("a control group does not freeze")
                pause(0.001)
        except BaseException:
            with contextlib.suppress(OSError):
                self.set_frozen(frozen=False)
            raise

    def thaw(self) -> None:
        """Let all of it run again. Returns at once: each process goes on when it is next scheduled. Raises OSError."""
        self.set_frozen(frozen=False)

    def end(self, *, timeout_s: float = KILL_TIMEOUT_S, pause: Callable[[float], None] = time.sleep) -> None:
        """Kill whatever is left and remove the group. Blocks until the kernel has let go of it.

        Raises:
            InternalError: it is not empty after `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            if self.pids():
                self.kill()
            # A dying process leaves `cgroup.procs` a moment before it leaves the group: EBUSY until then.
            with contextlib.suppress(OSError):
                self.remove()
                return
            if time.monotonic() > deadline:
                raise InternalError("a control group does not empty")
            pause(0.002)


class CgroupRoot(ABC):
    """The place under which groups are made."""

    kind: ClassVar[CgroupKind]

    def __init__(self, why: str, home: Path | None = None) -> None:
        """`home` is the `cgroup.procs` of a group that this process is in."""
        self.why = why
        """One sentence for the operator: what is in force here, and why not something better."""
        self._home = home

    def prime(self) -> None:
        """Make the next move into a group quick, for some ten milliseconds from now on. Blocks as long as one takes.

        The first move after a while waits for an RCU grace period, those soon after do not (kernel: rcu_sync under
        `cgroup_threadgroup_rwsem`). This one moves the process to where it is.
        """
        if self._home is not None:
            with contextlib.suppress(OSError):  # then the move itself waits, as it would have
                self._home.write_text(str(os.getpid()))

    @abstractmethod
    def at(self, name: str) -> Cgroup:
        """The group of this name, whether it has been made or not."""


def detect() -> CgroupRoot:
    """Find the best kind this process may use. May move this process into a leaf of its own group (v2)."""
    from cloche.process import cgroup_none, cgroup_v1, cgroup_v2

    reasons: list[str] = []
    for probe in (cgroup_v2.probe, cgroup_v1.probe):
        found = probe()
        if isinstance(found, CgroupRoot):
            return found
        reasons.append(found)
    return cgroup_none.NoCgroupRoot("; ".join(reasons))


def reopen(record: object) -> Cgroup:
    """Find a group again from its record; an unknown record counts as no group at all."""
    from cloche.process import cgroup_none, cgroup_v1, cgroup_v2

    if isinstance(record, Mapping):
        for cls in (cgroup_v2.CgroupV2, cgroup_v1.CgroupV1):
            if record.get("kind") == cls.kind and (group := cls.from_record(record)) is not None:
                return group
    return cgroup_none.NoCgroup()


@dataclass(frozen=True, slots=True)
class CgroupMount:
    """One mounted hierarchy: where, and which part of the hierarchy the mount shows (mountinfo's root field)."""

    path: Path
    root: str
    controllers: frozenset[str]

    def directory(self, own_path: str) -> Path:
        """Where `own_path`, as /proc/<pid>/cgroup gives it, lies below this mount."""
        inside = own_path.removeprefix(self.root.rstrip("/"))
        return self.path / inside.lstrip("/")


def parse_mounts(mountinfo: str, fstype: str) -> list[CgroupMount]:
    """Pick the hierarchies of one file system type (`cgroup`, `cgroup2`) out of /proc/self/mountinfo (proc(5))."""
    mounts: list[CgroupMount] = []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields, tail = left.split(), right.split()
        if len(tail) == 3 and tail[0] == fstype and len(fields) >= 5:
            mounts.append(CgroupMount(Path(fields[4]), fields[3], frozenset(tail[2].split(","))))
    return mounts


def parse_own_paths(proc_cgroup: str) -> dict[str, str]:
    """Map each v1 controller, and `""` for v2, to this process's path (cgroups(7), /proc/<pid>/cgroup)."""
    paths: dict[str, str] = {}
    for line in proc_cgroup.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            paths[controller] = path
    return paths


def home_of(directory: Path) -> Path | None:
    """The `cgroup.procs` of a group, if this process is in it: elsewhere it has no business."""
    procs = directory / "cgroup.procs"
    return procs if os.getpid() in read_pids(procs) else None


def has_swap() -> bool:
    """Whether this machine has swap with room in it (proc(5), /proc/meminfo)."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("SwapFree:"):
            return int(line.split()[1]) > 0
    return False


def read_number(path: Path) -> int | None:
    """Read one number from a kernel file; None when the file is not there or holds `max`."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def read_field(path: Path, key: str) -> int | None:
    """Read `key number` from a flat keyed kernel file."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, value = line.partition(" ")
        if name == key and value.strip().isdigit():
            return int(value)
    return None


def read_pids(path: Path) -> list[int]:
    """Read a `cgroup.procs`. 0 stands for a process outside our pid namespace and is left out."""
    try:
        return [pid for line in path.read_text().split() if (pid := int(line)) > 0]
    except OSError:
        return []


def write_if_there(path: Path, value: str) -> None:
    """Set a limit that not every kernel has."""
    if path.exists():
        path.write_text(value)
